//! Reads an answer: what is stored because of it, and what is reported. No I/O.

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::{ENDPOINT_AWAY, Exchange};
use crate::cause::Cause;
use crate::clock::{delta, since_boot};
use crate::config::LostAnswer;
use crate::ids::TokenVersion;
use crate::token::{
    AFTER_USELESS_ANSWER, Answer, CachedFor, ClaimedToken, DeadReason, ExchangeResult, NewCachedTokens,
    OrderClaim, PurposeKind, Successor, TokenSecret as _, Tokens, Unusable,
};
use crate::vault::report::{AccessToken, ExchangeReport, Next};
use crate::vault::sealing::{CipherError, ExchangedTokens, PlainToken};

/// An answer, with what is needed to interpret it.
pub(super) struct Received {
    pub(super) answer: Answer,
    pub(super) at: DateTime<Utc>,
    /// The refresh token that was presented.
    pub(super) refresh_token: SecretString,
    /// The reason to record if the answer is `invalid_grant`.
    pub(super) if_dead: DeadReason,
}

/// What an answer means: the result and tokens to store, and the report for the caller.
pub(super) struct Conclusion {
    pub(super) result: ExchangeResult,
    /// What the exchange failed with.
    pub(super) cause: Option<String>,
    pub(super) cached: Option<NewCachedTokens>,
    pub(super) report: ExchangeReport,
}

/// Where a request is that got no usable answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestFate {
    /// It was answered, so it is over.
    Over,
    /// It may still be on its way.
    Travelling,
}

impl Conclusion {
    fn without(result: ExchangeResult, report: ExchangeReport) -> Self {
        Self { result, cause: None, cached: None, report }
    }

    fn failed(result: ExchangeResult, next: Next, cause: Cause) -> Self {
        let report = ExchangeReport::Failed { outcome: result.outcome(), next };
        // If there is a detail, the rest says no more than the outcome.
        let cause = cause.detail.unwrap_or(cause.what);
        Self { cause: Some(cause), ..Self::without(result, report) }
    }
}

impl Exchange {
    /// Returns what an answer means, encrypted and ready to be stored.
    pub(super) fn read(&self, received: Received, token: &ClaimedToken) -> Result<Conclusion, CipherError> {
        let merchant = &self.merchant;
        let log = |result: &str, what: &str| {
            tracing::info!(
                merchant = merchant.name.as_str(),
                token = token.version.token.0,
                result,
                what,
                "An exchange ended"
            );
        };
        Ok(match received.answer {
            Answer::Rotated(tokens) => {
                let refresh_token = tokens.refresh_token.clone().unwrap_or(received.refresh_token);
                let successor = self.successor(&refresh_token, token.version, received.at)?;
                self.granted(tokens, token, received.at, ExchangeResult::Rotated(successor))?
            }
            Answer::Unchanged(tokens) => {
                self.granted(tokens, token, received.at, ExchangeResult::Unchanged)?
            }
            Answer::InvalidGrant => {
                log("rejected", received.if_dead.as_str());
                Conclusion::without(ExchangeResult::Rejected(received.if_dead), ExchangeReport::Died)
            }
            Answer::Refused { configuration, retry_after, cause } => {
                let what = cause.to_string();
                if configuration {
                    tracing::error!(
                        merchant = merchant.name.as_str(),
                        what,
                        "The token endpoint refused this merchant's settings; check client_id, client_secret \
                         and token_url"
                    );
                } else {
                    log("refused", &what);
                }
                let next = Next::After(retry_after.unwrap_or(ENDPOINT_AWAY));
                Conclusion::failed(ExchangeResult::Refused, next, cause)
            }
            Answer::NotSent { cause } => {
                log("not_sent", &cause.to_string());
                Conclusion::failed(ExchangeResult::NotSent, Next::After(ENDPOINT_AWAY), cause)
            }
            Answer::NoAnswer { over, cause } => {
                tracing::warn!(
                    merchant = merchant.name.as_str(),
                    token = token.version.token.0,
                    what = cause.to_string(),
                    "An exchange got no usable answer; its outcome is unknown"
                );
                let next = match self.context.settings.lost_answer {
                    LostAnswer::Hold => Next::Never(Unusable::Uncertain),
                    LostAnswer::Replay if over => Next::After(AFTER_USELESS_ANSWER),
                    LostAnswer::Replay => Next::After(self.context.settings.replay_after),
                };
                self.no_answer(if over { RequestFate::Over } else { RequestFate::Travelling }, next, cause)
            }
        })
    }

    pub(super) fn no_answer(&self, request: RequestFate, next: Next, cause: Cause) -> Conclusion {
        let travelling = request == RequestFate::Travelling;
        let hold = self.context.settings.lost_answer == LostAnswer::Hold;
        Conclusion::failed(ExchangeResult::NoAnswer { travelling, hold }, next, cause)
    }

    /// Returns the successor of the token that was presented.
    fn successor(
        &self,
        refresh_token: &SecretString,
        presented: TokenVersion,
        issued_at: DateTime<Utc>,
    ) -> Result<Successor, CipherError> {
        let (merchant, secrets) = (&self.merchant, &self.context.secrets);
        let expires_at = issued_at + delta(merchant.refresh_token_lifetime);
        let secret = PlainToken::new(secrets, refresh_token);
        Ok(Successor {
            sealed: secrets.seal_token(&self.sealed_for(presented.next()), refresh_token)?,
            hash: secret.hash(merchant.provider()),
            secret,
            issued_at,
            expires_at,
            refresh_due_at: Some(self.context.due.due_at(&self.key, expires_at)),
        })
    }

    /// Returns the access token for the caller, if the answer has one, and the same encrypted for
    /// later attempts at the order or later vends.
    fn granted(
        &self,
        tokens: Tokens,
        token: &ClaimedToken,
        received_at: DateTime<Utc>,
        result: ExchangeResult,
    ) -> Result<Conclusion, CipherError> {
        let rotated = matches!(result, ExchangeResult::Rotated(_));
        let Some(access_token) = tokens.access_token else {
            tracing::warn!(
                merchant = self.merchant.name.as_str(),
                token = token.version.token.0,
                "The token endpoint sent a new refresh token without an access token; the new refresh token is kept"
            );
            return Ok(Conclusion::without(result, ExchangeReport::Granted { access: None, rotated }));
        };
        let good_until = received_at + delta(tokens.expires_in);
        let expires_at = since_boot().saturating_add(tokens.expires_in);
        let exchanged = ExchangedTokens { access_token, id_token: tokens.id_token };
        let cached = if matches!(self.purpose.kind, PurposeKind::Order | PurposeKind::Vend) {
            let cached_for = CachedFor {
                purpose: self.purpose.id,
                merchant: self.key.merchant.clone(),
                token: token.version.token,
                grant_generation: token.grant_generation,
                provider: self.merchant.provider(),
            };
            let sealed = self.context.secrets.seal_exchanged(&cached_for, &exchanged)?;
            let claim = self.claim_number.map(|number| OrderClaim { worker: self.context.holder, number });
            Some(NewCachedTokens { purpose: self.purpose.id, sealed, received_at, good_until, claim })
        } else {
            None
        };
        let access = AccessToken {
            token: exchanged.access_token,
            id_token: exchanged.id_token,
            received_at,
            good_until,
            expires_at,
            cached: false,
            announced: false,
            subject: token.subject.clone(),
        };
        Ok(Conclusion {
            result,
            cause: None,
            cached,
            report: ExchangeReport::Granted { access: Some(access), rotated },
        })
    }
}
