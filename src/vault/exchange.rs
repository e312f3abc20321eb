//! One exchange: claim, intent, request, store. It runs in its own task, which nothing cancels.
//! Whoever waits for it can stop waiting; it continues until its outcome is stored.

mod caller;
mod conclusion;
mod provider;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::oneshot;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use self::caller::{Caller, ExchangeAnswer};
use self::conclusion::{Conclusion, Received, RequestFate};
use super::cached::UnlessCached;
use super::exchange_permits::ExchangePermit;
use super::provider_trials::TrialPermit;
use super::report::{ExchangeReport, Next};
use super::user_locks::UserLock;
use super::{ExchangeContext, settle};
use crate::breaker::{CallOutcome, CallPermit};
use crate::cause::Cause;
use crate::clock::{delta, since_boot};
use crate::config::{LostAnswer, Merchant};
use crate::crash;
use crate::ids::{ClaimNumber, ExchangeId, PresentationNumber, TokenVersion, UserKey};
use crate::klarna::token::Presented;
use crate::meter;
use crate::store::{ClaimAttempt, StoreError, TokenClaim};
use crate::telemetry::traces::{traced, tried};
use crate::token::{
    Answer, ClaimedToken, DeadReason, Decision, ExchangeEnd, IfDue, Intended, Intent, Outcome, POLL_INTERVAL,
    Purpose, PurposeKind, SealedFor, Settled, Stop, Unusable, decide, probe_pause,
};

/// The wait after a failure of the database.
const DATABASE_AWAY: Duration = Duration::from_secs(1);
/// The wait after the endpoint could not be reached, or refused without asking for a certain pause.
const ENDPOINT_AWAY: Duration = Duration::from_secs(2);

/// Everything that one exchange needs, with the locks and permits that it holds.
pub(super) struct Exchange {
    pub(super) context: Arc<ExchangeContext>,
    pub(super) merchant: Arc<Merchant>,
    /// The user whose token it is.
    pub(super) key: UserKey,
    pub(super) purpose: Purpose,
    /// The number of the order's claim that waits for the access token.
    pub(super) claim_number: Option<ClaimNumber>,
    /// The keeper's condition, checked after the claim.
    pub(super) if_due: Option<IfDue>,
    /// A vend's condition, checked after the claim.
    pub(super) unless: Option<UnlessCached>,
    /// Keeps other exchanges of this user in this process waiting until the successor is stored.
    pub(super) user_lock: UserLock,
    /// One of the `vault.max_in_flight` permits.
    pub(super) permit: ExchangePermit,
}

impl Exchange {
    /// Runs the exchange in a task of its own. Returns its report as soon as the successor is safe.
    pub(super) async fn spawn(self, call_permit: CallPermit, trial: Option<TrialPermit>) -> ExchangeReport {
        let (waiting, answer) = oneshot::channel();
        let mut caller = Caller::new(waiting, call_permit, trial);
        let (traced, span) = self.spans();
        let whole = async move {
            let report = self.run(&mut caller).await;
            // Release these first, because the caller may ask for the same user's token at once.
            drop((self.user_lock, self.permit));
            caller.end_trial();
            caller.answer(report);
            if let Some(version) = caller.seen
                && let Err(error) = self.context.store.note_seen(version).await
            {
                tracing::debug!(%error, "An order of a user without a usable token was not noted");
            }
        };
        tokio::spawn(whole.instrument(span).instrument(traced));
        match answer.await {
            Ok(ExchangeAnswer { report, correlation_id }) => {
                // Record it for a caller that still waits. One that does not may already be making
                // another call.
                Span::current().record("correlation", correlation_id);
                report
            }
            // The task panicked. The runtime's hook logs the panic, and `Vault::tidy` closes the
            // open intent.
            Err(_) => ExchangeReport::NotYet(POLL_INTERVAL),
        }
    }

    /// Returns a span for traces, and the span that gives log lines their fields. Both are inside
    /// the caller's.
    fn spans(&self) -> (Span, Span) {
        let merchant = self.key.merchant.as_str();
        let purpose = self.purpose.kind.as_str();
        let traced =
            traced!("exchange token", klarna_worker.merchant = merchant, klarna_worker.purpose = purpose);
        let span =
            tracing::error_span!("exchange", merchant, token = Empty, exchange = Empty, correlation = Empty);
        (traced, span)
    }

    /// Claims the token, decides what may be done with it, and presents it if that is allowed. If
    /// the successor is in the spool before the database has it, `caller` is answered at that
    /// moment.
    async fn run(&self, caller: &mut Caller) -> ExchangeReport {
        let claiming = self.context.store.claim_token(&self.key, self.merchant.provider());
        let claim = match tried(traced!("claim token"), "store", claiming).await {
            Ok(ClaimAttempt::Claimed(claim)) => claim,
            Ok(ClaimAttempt::Missing) => return ExchangeReport::Unusable(Unusable::NotRegistered),
            Ok(ClaimAttempt::Busy) => return ExchangeReport::NotYet(POLL_INTERVAL),
            Err(error) => return self.database_away(&error),
        };
        let read_at = since_boot();
        if claim.token().standing.proven {
            caller.proven();
        }
        match decide(claim.token(), self.context.policy(&self.merchant, claim.token()), self.if_due) {
            Decision::Present { presentation, if_dead } => {
                // Another exchange may have ended, and cached one, since the request looked.
                if let Some(unless) = self.unless
                    && let Some(cached) = self.context.cached_since(&self.key, &self.merchant, unless).await
                {
                    claim.release().await;
                    return ExchangeReport::Cached(cached);
                }
                self.present(claim, read_at, presentation, if_dead, caller).await
            }
            Decision::NotDue => {
                claim.release().await;
                ExchangeReport::NotDue
            }
            Decision::OtherProvider(provider) => {
                let token = claim.token().version.token.0;
                claim.release().await;
                tracing::warn!(merchant = self.merchant.name.as_str(), token, %provider,
                    "A refresh token belongs to another provider than the settings name, and is not \
                     presented; see `doctor`");
                ExchangeReport::Unusable(Unusable::Unavailable)
            }
            Decision::Stopped(wait) => {
                claim.release().await;
                caller.report(CallOutcome::Stopped(wait));
                ExchangeReport::Held(wait)
            }
            Decision::ComeBack(after) => {
                claim.release().await;
                ExchangeReport::NotYet(after)
            }
            Decision::Unusable(why) => {
                let version = claim.token().version;
                claim.release().await;
                if matches!(self.purpose.kind, PurposeKind::Order | PurposeKind::Vend) {
                    caller.seen = Some(version);
                }
                ExchangeReport::Unusable(why)
            }
            Decision::LostAnswer(exchange) => {
                let version = claim.token().version;
                claim.release().await;
                self.close_orphan(exchange, version).await
            }
        }
    }

    /// Commits the intent, sends the token once, and stores the outcome.
    async fn present(
        &self,
        claim: Box<dyn TokenClaim>,
        read_at: Duration,
        presentation: PresentationNumber,
        if_dead: DeadReason,
        caller: &mut Caller,
    ) -> ExchangeReport {
        let token = claim.token().clone();
        let sealed = token.sealed.as_deref().unwrap_or_default();
        let refresh_token = match self.context.secrets.open_token(&self.sealed_for(token.version), sealed) {
            Ok(refresh_token) => refresh_token,
            Err(error) => {
                claim.release().await;
                meter::undecryptable_token(&self.merchant.name);
                tracing::error!(merchant = self.merchant.name.as_str(), token = token.version.token.0, %error,
                    "A refresh token cannot be decrypted; it is left unchanged");
                return ExchangeReport::Unusable(Unusable::Unavailable);
            }
        };
        if let Some(stop) = token.standing.stop
            && let Some(refused) = self.take_probe(stop, caller).await
        {
            claim.release().await;
            return refused;
        }
        let intent = Intent {
            exchange: Uuid::now_v7().into(),
            version: token.version,
            presentation,
            purpose: self.purpose,
            holder: self.context.holder,
        };
        let span = Span::current();
        span.record("token", token.version.token.0);
        span.record("exchange", display(intent.exchange));
        let _in_flight = self.context.in_flight.enter(intent.exchange);
        crash::point("claimed");
        let begun = since_boot();
        let Some(claim) = self.record_intent(claim, &intent).await else {
            return ExchangeReport::NotYet(POLL_INTERVAL);
        };
        crash::point("intended");
        let answer = if since_boot().saturating_sub(begun) > self.context.settings.send_within {
            Answer::NotSent { cause: Cause::new("the process was suspended between intent and request") }
        } else {
            self.send(&refresh_token, caller).await
        };
        let at = token.now + delta(since_boot().saturating_sub(read_at));
        let received = Received { answer, at, refresh_token, if_dead };
        self.conclude(claim, &token, intent.exchange, received, caller).await
    }

    /// Takes the probe of a merchant that is stopped. Returns what the caller gets if there is none
    /// now.
    async fn take_probe(&self, stop: Stop, caller: &mut Caller) -> Option<ExchangeReport> {
        let pause = probe_pause(stop.probes.saturating_add(1));
        let taking = self.context.store.take_probe(&self.merchant.name, self.merchant.provider(), pause);
        match taking.await {
            Ok(true) => None,
            Ok(false) => {
                caller.report(CallOutcome::Stopped(pause));
                Some(ExchangeReport::Held(pause))
            }
            Err(error) => Some(self.database_away(&error)),
        }
    }

    /// Commits the intent, and returns the claim. `None`: nothing may be sent, and the claim is
    /// released.
    async fn record_intent(
        &self,
        mut claim: Box<dyn TokenClaim>,
        intent: &Intent,
    ) -> Option<Box<dyn TokenClaim>> {
        match tried(traced!("record intent"), "store", claim.intend(intent)).await {
            Ok(Intended::Recorded) => Some(claim),
            Ok(Intended::Refused) => {
                claim.release().await;
                None
            }
            Err(error) => {
                tracing::warn!(exchange = %intent.exchange, %error,
                    "The commit of an exchange's intent is in doubt; nothing is sent, and the intent is \
                     voided");
                claim.release().await;
                settle::void(&self.context, intent).await;
                None
            }
        }
    }

    /// Sends the token once, and reports the answer to the circuit breaker.
    async fn send(&self, refresh_token: &SecretString, caller: &mut Caller) -> Answer {
        let request = self.context.client.present(&self.merchant, refresh_token);
        let sent = since_boot();
        let Presented { answer, correlation_id, used_up } = crash::in_flight("token_sent", request).await;
        meter::exchange_took(&self.merchant.name, since_boot().saturating_sub(sent));
        Span::current().record("correlation", correlation_id.as_deref());
        caller.correlation_id = correlation_id;
        if let Some(limit) = used_up {
            caller.used_up(&limit);
        }
        crash::point("token_answered");
        // Whether a rejection is believed is known once it is stored.
        if !matches!(answer, Answer::InvalidGrant) {
            caller.report(self.call_outcome(&answer));
        }
        answer
    }

    /// Returns what a token of this user is bound to. Only the provider of the settings is ever
    /// asked.
    fn sealed_for(&self, version: TokenVersion) -> SealedFor {
        let (merchant, provider) = (self.key.merchant.clone(), self.merchant.provider());
        SealedFor { merchant, version, provider }
    }

    /// Stores the answer, and returns what it means for the caller.
    async fn conclude(
        &self,
        claim: Box<dyn TokenClaim>,
        token: &ClaimedToken,
        exchange: ExchangeId,
        received: Received,
        caller: &mut Caller,
    ) -> ExchangeReport {
        let Conclusion { result, cause, cached, report } = match self.read(received, token) {
            Ok(read) => read,
            // The settings exclude this. The token is spent, so the loss must at least be logged.
            Err(error) => {
                tracing::error!(%exchange, %error, "A new refresh token could not be encrypted and is lost");
                let cause = Cause::new("the new refresh token could not be encrypted");
                self.no_answer(RequestFate::Over, Next::Never(Unusable::Unavailable), cause)
            }
        };
        let outcome = result.outcome();
        let end = ExchangeEnd {
            exchange,
            owner: self.key.clone(),
            provider: self.merchant.provider(),
            version: token.version,
            result,
            cause,
            cached,
        };
        let spooled = || {
            self.user_lock.on_disk();
            caller.answer(report.clone());
        };
        let settling = settle::settle(&self.context, claim, &end, spooled);
        let settled =
            settling.instrument(traced!("store outcome", klarna_worker.outcome = outcome.as_str())).await;
        crash::point("token_stored");
        self.count(if settled == Some(Settled::Superseded) { Outcome::Superseded } else { outcome });
        match &report {
            ExchangeReport::Granted { .. } if !token.standing.proven || token.standing.stop.is_some() => {
                self.prove(caller).await;
            }
            ExchangeReport::Died => self.judge(caller).await,
            _ => {}
        }
        match settled {
            // It stays in the spool, and the access token is as good as if it were stored.
            None | Some(Settled::Written) => report,
            Some(Settled::Announced) => report.announced(),
            Some(Settled::Superseded) => report.superseded(),
        }
    }

    fn count(&self, outcome: Outcome) {
        meter::exchange(&self.merchant.name, self.purpose.kind.as_str(), outcome.as_str());
        if outcome == Outcome::NoAnswer {
            meter::lost_answer(&self.merchant.name);
        }
    }

    async fn close_orphan(&self, exchange: ExchangeId, version: TokenVersion) -> ExchangeReport {
        let then = self.context.settings.lost_answer;
        tracing::warn!(%exchange, token = version.token.0, "The process that made an exchange died; the \
            answer is lost");
        let closed = self.context.store.close_orphan(exchange, version, then).await;
        if closed.is_ok() {
            meter::lost_answer(&self.merchant.name);
        }
        match closed {
            Ok(()) if then == LostAnswer::Hold => ExchangeReport::Unusable(Unusable::Uncertain),
            Ok(()) => ExchangeReport::NotYet(self.context.settings.replay_after),
            Err(error) => self.database_away(&error),
        }
    }

    fn database_away(&self, error: &StoreError) -> ExchangeReport {
        tracing::warn!(merchant = self.merchant.name.as_str(), %error, "A refresh token could not be \
            claimed; the next try follows");
        ExchangeReport::NotYet(DATABASE_AWAY)
    }
}
