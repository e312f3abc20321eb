//! One exchange: claim, intent, request, store. It runs in a task of its own that nothing cancels: whoever waits for
//! it may stop waiting, and it goes on until its outcome is written down.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use tracing::field::display;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::exchange_permits::ExchangePermit;
use super::sealing::{CipherError, ExchangedTokens};
use super::user_locks::UserLock;
use super::{Access, AccessToken, ExchangeContext, settle};
use crate::breaker::{CallOutcome, CallPermit};
use crate::clock::{delta, since_boot};
use crate::config::{LostAnswer, Merchant};
use crate::crash;
use crate::klarna::token::Presented;
use crate::meter;
use crate::store::{ClaimAttempt, StoreError, TokenClaim};
use crate::telemetry::traces::{traced, tried};
use crate::token::{
    AFTER_USELESS_ANSWER, Answer, ClaimedToken, DeadReason, Decision, ExchangeEnd, ExchangeResult, IfDue, Intended,
    Intent, LOOK_AGAIN, NewCachedTokens, Outcome, Owner, Purpose, PurposeKind, Settled, Successor, Tokens, Unusable,
    decide,
};

/// The wait before the database is asked again after it failed.
const DATABASE_AWAY: Duration = Duration::from_secs(1);
/// The wait before the endpoint is asked again after it could not be reached, or refused without saying for how long.
const ENDPOINT_AWAY: Duration = Duration::from_secs(2);

/// All that one exchange needs, with the places it takes.
pub(super) struct Exchange {
    pub(super) context: Arc<ExchangeContext>,
    pub(super) merchant: Arc<Merchant>,
    pub(super) user: String,
    pub(super) purpose: Purpose,
    /// The keeper's condition, asked under the claim.
    pub(super) if_due: Option<IfDue>,
    /// The user's turn in this process, kept until the successor is stored.
    pub(super) user_lock: UserLock,
    /// One of `vault.max_in_flight`.
    pub(super) permit: ExchangePermit,
}

/// Whoever asked for the exchange: answered once, and with the right to call the endpoint once.
pub(super) struct Caller {
    /// Nobody may listen any more.
    waiting: Option<oneshot::Sender<ExchangeAnswer>>,
    call_permit: Option<CallPermit>,
    course: ExchangeProgress,
    /// Klarna's name for the call, once it is known.
    correlation_id: Option<String>,
}

/// How far an exchange went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExchangeProgress {
    /// Nothing was presented.
    NotPresented,
    /// Nothing was presented: the token is not due.
    NotDue,
    /// The token was presented, and this is written down of it.
    Presented(Outcome),
}

/// What a caller is told.
pub(super) struct ExchangeAnswer {
    pub(super) access: Access,
    pub(super) course: ExchangeProgress,
    pub(super) correlation_id: Option<String>,
}

impl Caller {
    pub(super) fn new(waiting: oneshot::Sender<ExchangeAnswer>, call_permit: CallPermit) -> Self {
        Self {
            waiting: Some(waiting),
            call_permit: Some(call_permit),
            course: ExchangeProgress::NotPresented,
            correlation_id: None,
        }
    }

    fn answer(&mut self, access: Access) {
        if let Some(waiting) = self.waiting.take() {
            // An error says that nobody waits any more.
            let correlation_id = self.correlation_id.take();
            let _ = waiting.send(ExchangeAnswer { access, course: self.course, correlation_id });
        }
    }

    fn report(&mut self, report: CallOutcome) {
        if let Some(call_permit) = self.call_permit.take() {
            call_permit.report(report, since_boot());
        }
    }
}

impl Exchange {
    /// Runs to the recorded outcome. `caller` is answered as soon as the answer is safe.
    pub(super) async fn run(self, mut caller: Caller) {
        let access = self.exchange(&mut caller).await;
        drop((self.user_lock, self.permit));
        caller.answer(access);
    }

    async fn exchange(&self, caller: &mut Caller) -> Access {
        let claiming = self.context.store.claim_token(&self.merchant.name, &self.user);
        let claim = match tried(traced!("claim token"), "store", claiming).await {
            Ok(ClaimAttempt::Claimed(claim)) => claim,
            Ok(ClaimAttempt::Missing) => return Access::Unusable(Unusable::NotRegistered),
            Ok(ClaimAttempt::Busy) => return Access::ComeBack(LOOK_AGAIN),
            Err(error) => return self.database_away(&error),
        };
        let read_at = since_boot();
        match decide(claim.token(), self.context.policy(), self.if_due) {
            Decision::Present { presentation, if_dead } => {
                self.present(claim, read_at, (presentation, if_dead), caller).await
            }
            Decision::NotDue => {
                claim.release().await;
                caller.course = ExchangeProgress::NotDue;
                Access::ComeBack(LOOK_AGAIN)
            }
            Decision::ComeBack(after) => {
                claim.release().await;
                Access::ComeBack(after)
            }
            Decision::Unusable(why) => {
                claim.release().await;
                Access::Unusable(why)
            }
            Decision::LostAnswer(exchange) => {
                let (token, generation) = (claim.token().id, claim.token().generation);
                claim.release().await;
                self.close_orphan(exchange, token, generation).await
            }
        }
    }

    async fn present(
        &self,
        mut claim: Box<dyn TokenClaim>,
        read_at: Duration,
        (presentation, if_dead): (i64, DeadReason),
        caller: &mut Caller,
    ) -> Access {
        let token = claim.token().clone();
        let sealed = token.sealed.as_deref().unwrap_or_default();
        let refresh_token = match self.context.secrets.open_token(&self.merchant.name, &self.user, sealed) {
            Ok(refresh_token) => refresh_token,
            Err(error) => {
                claim.release().await;
                tracing::error!(merchant = self.merchant.name, token = token.id, %error,
                    "A refresh token cannot be opened and is left as it is");
                return Access::Unusable(Unusable::Unavailable);
            }
        };
        let intent = Intent {
            exchange: Uuid::now_v7(),
            token: token.id,
            generation: token.generation,
            presentation,
            purpose: self.purpose,
            holder: self.context.holder,
        };
        let span = Span::current();
        span.record("token", token.id);
        span.record("exchange", display(intent.exchange));
        let _in_flight = self.context.in_flight.enter(intent.exchange);
        crash::point("claimed");
        let begun = since_boot();
        match tried(traced!("record intent"), "store", claim.intend(&intent)).await {
            Ok(Intended::Recorded) => {}
            Ok(Intended::Refused) => {
                claim.release().await;
                return Access::ComeBack(LOOK_AGAIN);
            }
            Err(error) => {
                tracing::warn!(exchange = %intent.exchange, %error,
                    "An intent may or may not have been written; nothing is sent, and it is voided");
                claim.release().await;
                settle::void(&self.context, &intent).await;
                return Access::ComeBack(LOOK_AGAIN);
            }
        }
        crash::point("intended");
        let answer = if since_boot().saturating_sub(begun) > self.context.settings.send_within {
            Answer::NotSent { what: "the process was held up between intent and request".into() }
        } else {
            let request = self.context.client.present(&self.merchant, &refresh_token);
            let sent = since_boot();
            let Presented { answer, correlation_id } = crash::in_flight("token_sent", request).await;
            meter::exchange_took(&self.merchant.name, since_boot().saturating_sub(sent));
            span.record("correlation", correlation_id.as_deref());
            caller.correlation_id = correlation_id;
            crash::point("token_answered");
            caller.report(self.report(&answer));
            answer
        };
        let received_at = token.now + delta(since_boot().saturating_sub(read_at));
        let received = Received { at: received_at, refresh_token, if_dead };
        self.conclude(claim, &token, intent.exchange, (answer, received), caller).await
    }

    /// What an answer says of the endpoint.
    fn report(&self, answer: &Answer) -> CallOutcome {
        match answer {
            Answer::Rotated(_) | Answer::Unchanged(_) | Answer::InvalidGrant => CallOutcome::Answered,
            Answer::Refused { configuration: true, .. } => CallOutcome::Misconfigured { user: self.user.clone() },
            Answer::Refused { retry_after: Some(wait), .. } => CallOutcome::Throttled(*wait),
            Answer::Refused { .. } | Answer::NotSent { .. } | Answer::NoAnswer { .. } => CallOutcome::Failed(None),
        }
    }

    /// Writes the answer down, and says what it means for whoever waits.
    async fn conclude(
        &self,
        claim: Box<dyn TokenClaim>,
        token: &ClaimedToken,
        exchange: Uuid,
        (answer, received): (Answer, Received),
        caller: &mut Caller,
    ) -> Access {
        let read = match self.read(answer, token, &received) {
            Ok(read) => read,
            // Settings rule this out; the token is spent all the same, so the loss must at least be told.
            Err(error) => {
                tracing::error!(%exchange, %error, "A successor could not be sealed");
                Read::without(self.no_answer(false), Access::Unusable(Unusable::Unavailable))
            }
        };
        let Read { result, kept, access } = read;
        let outcome = result.outcome();
        caller.course = ExchangeProgress::Presented(outcome);
        let owner = Some(Owner { merchant: self.merchant.name.clone(), user: self.user.clone() });
        let end = ExchangeEnd { exchange, owner, token: token.id, generation: token.generation, result, kept };
        let spooled = || {
            self.user_lock.on_disk();
            caller.answer(access.clone());
        };
        let settling = settle::settle(&self.context, claim, &end, spooled);
        let settled = settling.instrument(traced!("store outcome", klarna_worker.outcome = outcome.as_str())).await;
        crash::point("token_stored");
        self.count(if settled == Settled::Superseded { Outcome::Superseded } else { outcome });
        match settled {
            Settled::Written => access,
            // A sign-in or forgetting came in between: what the row says now decides.
            Settled::Superseded => Access::ComeBack(LOOK_AGAIN),
        }
    }

    fn count(&self, outcome: Outcome) {
        meter::exchange(&self.merchant.name, self.purpose.kind.as_str(), outcome.as_str());
        if outcome == Outcome::NoAnswer {
            meter::lost_answer(&self.merchant.name);
        }
    }

    /// What an answer means, sealed and ready to be written.
    fn read(&self, answer: Answer, token: &ClaimedToken, received: &Received) -> Result<Read, CipherError> {
        let merchant = &self.merchant;
        let log = |result: &str, what: &str| {
            tracing::info!(merchant = merchant.name, token = token.id, result, what, "A refresh token was presented");
        };
        Ok(match answer {
            Answer::Rotated(tokens) => {
                let refresh_token = tokens.refresh_token.clone().unwrap_or_else(|| received.refresh_token.clone());
                let (access, kept) = self.exchanged(tokens, token, received.at)?;
                let expires_at = received.at + delta(merchant.refresh_token_lifetime);
                let successor = Successor {
                    sealed: self.context.secrets.seal_token(&merchant.name, &self.user, &refresh_token)?,
                    hash: self.context.secrets.hasher().token(
                        &merchant.name,
                        &self.user,
                        refresh_token.expose_secret(),
                    ),
                    issued_at: received.at,
                    expires_at,
                    refresh_due_at: Some(self.context.due.due_at(&merchant.name, &self.user, expires_at)),
                };
                Read { result: ExchangeResult::Rotated(successor), kept, access }
            }
            Answer::Unchanged(tokens) => {
                let (access, kept) = self.exchanged(tokens, token, received.at)?;
                Read { result: ExchangeResult::Unchanged, kept, access }
            }
            Answer::InvalidGrant => {
                log("rejected", received.if_dead.as_str());
                let access = Access::Unusable(Unusable::ReauthRequired);
                Read::without(ExchangeResult::Rejected(received.if_dead), access)
            }
            Answer::Refused { configuration, retry_after, what } => {
                if configuration {
                    tracing::error!(
                        merchant = merchant.name,
                        what,
                        "The token endpoint refused this merchant's settings; check client_id, client_secret and token_url"
                    );
                } else {
                    log("refused", &what);
                }
                Read::without(ExchangeResult::Refused, Access::ComeBack(retry_after.unwrap_or(ENDPOINT_AWAY)))
            }
            Answer::NotSent { what } => {
                log("not_sent", &what);
                Read::without(ExchangeResult::NotSent, Access::ComeBack(ENDPOINT_AWAY))
            }
            Answer::NoAnswer { over, what } => {
                tracing::warn!(
                    merchant = merchant.name,
                    token = token.id,
                    what,
                    "A refresh token got no usable answer"
                );
                let access = match self.context.settings.lost_answer {
                    LostAnswer::Hold => Access::Unusable(Unusable::Uncertain),
                    LostAnswer::Replay if over => Access::ComeBack(AFTER_USELESS_ANSWER),
                    LostAnswer::Replay => Access::ComeBack(self.context.settings.replay_after),
                };
                Read::without(self.no_answer(!over), access)
            }
        })
    }

    fn no_answer(&self, travelling: bool) -> ExchangeResult {
        ExchangeResult::NoAnswer { travelling, hold: self.context.settings.lost_answer == LostAnswer::Hold }
    }

    /// The access token for whoever waits, and the same sealed for the order's later attempts.
    fn exchanged(
        &self,
        tokens: Tokens,
        token: &ClaimedToken,
        received_at: DateTime<Utc>,
    ) -> Result<(Access, Option<NewCachedTokens>), CipherError> {
        let good_until = received_at + delta(tokens.expires_in);
        let exchanged = ExchangedTokens { access_token: tokens.access_token, id_token: tokens.id_token };
        let kept = if self.purpose.kind == PurposeKind::Order {
            let sealed = self.context.secrets.seal_exchanged(self.purpose.id, &exchanged)?;
            Some(NewCachedTokens { purpose: self.purpose.id, sealed, received_at, good_until })
        } else {
            None
        };
        let access = AccessToken {
            token: exchanged.access_token,
            id_token: exchanged.id_token,
            received_at,
            good_until,
            cached: false,
            subject: token.subject.clone(),
        };
        Ok((Access::Ready(access), kept))
    }

    async fn close_orphan(&self, exchange: Uuid, token: i64, generation: i64) -> Access {
        let hold = self.context.settings.lost_answer == LostAnswer::Hold;
        tracing::warn!(%exchange, token, "The holder of an exchange is dead: its answer is lost");
        let closed = self.context.store.close_orphan(exchange, token, generation, hold).await;
        if closed.is_ok() {
            meter::lost_answer(&self.merchant.name);
        }
        match closed {
            Ok(()) if hold => Access::Unusable(Unusable::Uncertain),
            Ok(()) => Access::ComeBack(self.context.settings.replay_after),
            Err(error) => self.database_away(&error),
        }
    }

    fn database_away(&self, error: &StoreError) -> Access {
        tracing::warn!(merchant = self.merchant.name, %error, "A refresh token could not be claimed for now");
        Access::ComeBack(DATABASE_AWAY)
    }
}

/// What is at hand when an answer has come.
struct Received {
    at: DateTime<Utc>,
    /// The token presented.
    refresh_token: SecretString,
    if_dead: DeadReason,
}

/// An answer, read.
struct Read {
    result: ExchangeResult,
    kept: Option<NewCachedTokens>,
    access: Access,
}

impl Read {
    fn without(result: ExchangeResult, access: Access) -> Self {
        Self { result, kept: None, access }
    }
}
