//! Follows a submitted order at Klarna: reads what has become of its order or session
//! there (`refresh.rs`, and `follow_ups.rs` when Klarna tells of it), and changes it (`change.rs`).
//!
//! None of this costs the order anything: no attempt, no token, and none of the calls that create
//! orders. The calls have circuit breakers and rate limits of their own. Where an operator has
//! paused the orders of a merchant, none is changed at Klarna, and follow-ups wait. Reads go on.

mod change;
mod follow_ups;
mod refresh;

use std::sync::Arc;
use std::time::Duration;

use crate::breaker::CallOutcome;
use crate::cause::{Cause, CauseKind};
use crate::clock::{Clock, since_boot};
use crate::config::{Live, Merchant, Merchants};
use crate::ids::UserId;
use crate::klarna::accepted_credentials::AcceptedCredentials;
use crate::klarna::breakers::TargetBreakers;
use crate::klarna::http::BuildError;
use crate::klarna::order_error::{with_kind, with_status};
use crate::klarna::session::{SessionAnswer, SessionClient, SessionRead};
use crate::order::{ErrorCode, OrderError, Target};
use crate::store::{FollowUps, KlarnaSessions, Orders, Pausing};

pub use self::change::NotChanged;
pub use self::follow_ups::{FollowUpWorker, InFlight};
pub use self::refresh::Refreshed;

/// How long one call may take. A shop waits for it.
const CALL: Duration = Duration::from_secs(10);

/// The pause after an answer 429 that names none.
const PAUSE: Duration = Duration::from_secs(1);

/// What [`Sessions`] works with.
pub struct Dependencies {
    /// Changes of orders, and what Klarna says of them.
    pub store: Arc<dyn KlarnaSessions>,
    /// The orders.
    pub orders: Arc<dyn Orders>,
    /// Calls about submitted orders that are made in the background.
    pub follow_ups: Arc<dyn FollowUps>,
    /// The pauses.
    pub pausing: Arc<dyn Pausing>,
    /// The merchants of the settings.
    pub merchants: Live<Merchants>,
    /// Which sets of the merchants' API credentials Klarna accepts.
    pub accepted: AcceptedCredentials,
    /// The process's clock.
    pub clock: Clock,
}

/// Follows submitted orders at Klarna. Clones share their connections and circuit breakers.
#[derive(Clone)]
pub struct Sessions {
    store: Arc<dyn KlarnaSessions>,
    orders: Arc<dyn Orders>,
    follow_ups: Arc<dyn FollowUps>,
    pausing: Arc<dyn Pausing>,
    merchants: Live<Merchants>,
    client: SessionClient,
    breakers: TargetBreakers,
    clock: Clock,
}

impl Sessions {
    /// Creates it for the merchants of the settings.
    ///
    /// # Errors
    /// If the HTTP client cannot be created.
    pub fn new(deps: Dependencies) -> Result<Self, BuildError> {
        let Dependencies { store, orders, follow_ups, pausing, merchants, accepted, clock } = deps;
        let breakers = TargetBreakers::of_sessions(&merchants);
        let client = SessionClient::new(CALL, accepted)?;
        Ok(Self { store, orders, follow_ups, pausing, merchants, client, breakers, clock })
    }

    /// Returns the circuit breakers of its calls.
    #[must_use]
    pub fn breakers(&self) -> TargetBreakers {
        self.breakers.clone()
    }

    /// Makes a call about a user's order, if circuit breaker and rate limit allow it now, and
    /// reports how it ended to both.
    async fn call(
        &self,
        merchant: &Merchant,
        target: Target,
        user: &UserId,
        call: impl Future<Output = SessionAnswer>,
    ) -> Result<SessionAnswer, NotMade> {
        self.call_by(Duration::MAX, merchant, target, user, call).await
    }

    /// As [`Sessions::call`], for a call of order management. That it refuses the credentials says
    /// nothing of Checkout, whose calls must go on.
    async fn call_management(
        &self,
        merchant: &Merchant,
        user: &UserId,
        call: impl Future<Output = SessionAnswer>,
    ) -> Result<SessionAnswer, NotMade> {
        let outcome = |answer: &SessionAnswer| match answer {
            SessionAnswer::Unauthorised { .. } => CallOutcome::Answered,
            answer => outcome(answer, Target::Checkout, user),
        };
        self.admitted(Duration::MAX, merchant, Target::Checkout, outcome, Box::pin(call)).await
    }

    /// As [`Sessions::call`], but makes the call only until the time `latest` since boot.
    async fn call_by(
        &self,
        latest: Duration,
        merchant: &Merchant,
        target: Target,
        user: &UserId,
        call: impl Future<Output = SessionAnswer>,
    ) -> Result<SessionAnswer, NotMade> {
        self.admitted(latest, merchant, target, |answer| outcome(answer, target, user), Box::pin(call)).await
    }

    async fn admitted(
        &self,
        latest: Duration,
        merchant: &Merchant,
        target: Target,
        outcome: impl Fn(&SessionAnswer) -> CallOutcome,
        call: impl Future<Output = SessionAnswer>,
    ) -> Result<SessionAnswer, NotMade> {
        let breakers = self.breakers.of(target);
        let permit = breakers.admit(&merchant.name, since_boot()).map_err(|wait| {
            let why = breakers.why(&merchant.name, since_boot());
            let error = with_kind(error(Code::KlarnaPaused, why.to_string(), None), why.kind);
            NotMade { error, wait: Some(wait) }
        })?;
        permit.wait_for_rate().await;
        if since_boot() > latest {
            let why = "the call could not be made in time: database or process are too slow at the moment";
            return Err(NotMade { error: error(Code::KlarnaUnavailable, why.to_owned(), None), wait: None });
        }
        let answer = call.await;
        permit.report(outcome(&answer), since_boot());
        Ok(answer)
    }
}

/// A call that may not be made now.
struct NotMade {
    /// Why.
    error: OrderError,
    /// When circuit breaker and rate limit may allow it.
    wait: Option<Duration>,
}

impl NotMade {
    /// Returns the error for whoever asked for the call, who can ask again.
    fn for_caller(self) -> OrderError {
        let Self { error, wait } = self;
        match wait.map(|wait| wait.as_secs_f64().ceil()) {
            Some(wait) => OrderError { message: format!("{}; next try in {wait} s", error.message), ..error },
            None => error,
        }
    }

    /// Returns the error to store: a later call is made at another time.
    fn for_storage(self) -> OrderError {
        self.error
    }
}

fn outcome(answer: &SessionAnswer, target: Target, user: &UserId) -> CallOutcome {
    match answer {
        SessionAnswer::Done(_) | SessionAnswer::Gone | SessionAnswer::Refused { .. } => CallOutcome::Answered,
        SessionAnswer::Unauthorised { status, .. } => CallOutcome::Misconfigured {
            user: user.clone(),
            what: Cause::new(format!("HTTP {status}. {}", target.what_to_check(*status)))
                .of_kind(CauseKind::Status(*status)),
        },
        SessionAnswer::Throttled { retry_after } => CallOutcome::Throttled(retry_after.unwrap_or(PAUSE)),
        SessionAnswer::Unavailable { cause, retry_after, .. } => {
            CallOutcome::Failed { cause: cause.clone(), retry_after: *retry_after }
        }
    }
}

/// Returns what Klarna answered; `None` if it does not know the order or session any more.
fn answered(answer: SessionAnswer) -> Result<Option<SessionRead>, OrderError> {
    Err(match answer {
        SessionAnswer::Done(read) => return Ok(Some(read)),
        SessionAnswer::Gone => return Ok(None),
        SessionAnswer::Refused { status, messages, error_code, correlation_id } => {
            let code = error_code.map_or_else(String::new, |code| format!(" ({code})"));
            let what = format!("HTTP {status}{code} from Klarna: {}", messages.join("; "));
            with_status(error(Code::KlarnaRefused, what, correlation_id), status)
        }
        SessionAnswer::Unauthorised { status, correlation_id } => {
            let what = format!("HTTP {status} from Klarna: it refuses the merchant's API credentials");
            with_status(error(Code::KlarnaUnauthorised, what, correlation_id), status)
        }
        SessionAnswer::Throttled { .. } => {
            let what = "HTTP 429 from Klarna: too many calls";
            with_status(error(Code::KlarnaThrottled, what.to_owned(), None), 429)
        }
        SessionAnswer::Unavailable { cause, words, correlation_id, .. } => {
            let kind = cause.kind;
            with_kind(error(Code::KlarnaUnavailable, cause.with(words).to_string(), correlation_id), kind)
        }
    })
}

/// Why an order could not be read or changed at Klarna. `docs/shops.md` explains the codes.
#[derive(Clone, Copy)]
enum Code {
    /// A circuit breaker, a pause that Klarna asked for, or the rate limit.
    KlarnaPaused,
    /// Klarna answered 429.
    KlarnaThrottled,
    /// Klarna could not be reached, did not answer, or answered with an error of its own.
    KlarnaUnavailable,
    /// Klarna refuses the merchant's credentials.
    KlarnaUnauthorised,
    /// Klarna refuses the call.
    KlarnaRefused,
    /// The settings do not have the order's merchant.
    UnknownMerchant,
}

fn error(code: Code, message: String, correlation_id: Option<String>) -> OrderError {
    let code = match code {
        Code::KlarnaPaused => ErrorCode::KlarnaPaused.as_str(),
        Code::KlarnaThrottled => ErrorCode::KlarnaThrottled.as_str(),
        Code::KlarnaUnavailable => ErrorCode::KlarnaUnavailable.as_str(),
        Code::KlarnaUnauthorised => "klarna_unauthorised",
        Code::KlarnaRefused => "klarna_refused",
        Code::UnknownMerchant => "unknown_merchant",
    };
    OrderError { code: code.to_owned(), message, correlation_id, ..OrderError::default() }
}

/// The settings do not have the order's merchant.
fn unknown_merchant() -> OrderError {
    error(Code::UnknownMerchant, "the settings have no merchant with this name".to_owned(), None)
}
