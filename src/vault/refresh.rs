//! The keeper's way in: a token presented before it lapses, where it is still due.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::exchange::{Caller, Exchange, ExchangeAnswer, ExchangeProgress};
use super::{Access, Vault};
use crate::clock::since_boot;
use crate::config::Merchant;
use crate::telemetry::traces::traced;
use crate::token::{IfDue, LOOK_AGAIN, Outcome, Purpose, PurposeKind, Unusable};

/// When the keeper is to present a token. The keeper knows; the vault and the registry write it down with each
/// successor and each sign-in.
pub trait DueDates: Send + Sync {
    /// The date for a token that lapses at `expires_at`.
    fn due_at(&self, merchant: &str, user: &str, expires_at: DateTime<Utc>) -> DateTime<Utc>;
}

/// What became of a token that the keeper wished to refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// A successor is stored.
    Rotated,
    /// It stays good as it is: the provider does not rotate.
    Unchanged,
    /// It is due no longer: somebody else was faster.
    NotDue,
    /// It was found dead now.
    Died,
    /// It was unusable before: nothing was presented.
    Unusable(Unusable),
    /// It was presented and is as it was, or nobody knows; not again before this long.
    Failed(Outcome, Duration),
    /// Nothing was presented, and not before this long: an exchange is in flight, the wait after one is not over, or
    /// the database is away.
    ComeBack(Duration),
    /// The merchant's endpoint is left alone for so long.
    Held(Duration),
}

impl Vault {
    /// How long a request to the merchant's token endpoint would be kept back at present, where it would be.
    #[must_use]
    pub fn held(&self, merchant: &str) -> Option<Duration> {
        self.breakers.wait(merchant, since_boot())
    }

    /// How long the merchant's token endpoint has been left alone, where it is.
    #[must_use]
    pub fn token_breaker_open_for(&self, merchant: &str) -> Option<Duration> {
        self.breakers.open_for(merchant, since_boot())
    }

    /// Presents the user's token for a sweep, if it is still due when that is asked under the claim. Orders go first: it
    /// waits for as long as any of them waits for a place, and takes at most half of the places.
    ///
    /// Dropping the future ends the waiting, never an exchange that has begun.
    pub async fn refresh(&self, merchant: &Arc<Merchant>, user: &str, sweep: Uuid, if_due: IfDue) -> Refreshed {
        // The place first: whoever has the user's turn must not wait behind orders.
        let Some(permit) = self.permits.for_keeper().await else { return Refreshed::ComeBack(LOOK_AGAIN) };
        let call_permit = match self.breakers.admit(&merchant.name, since_boot()) {
            Ok(call_permit) => call_permit,
            Err(wait) => return Refreshed::Held(wait),
        };
        call_permit.wait_for_rate().await;
        let Some(user_lock) = self.user_locks.take(&merchant.name, user) else {
            return Refreshed::ComeBack(LOOK_AGAIN);
        };
        let exchange = Exchange {
            context: Arc::clone(&self.context),
            merchant: Arc::clone(merchant),
            user: user.to_owned(),
            purpose: Purpose { kind: PurposeKind::Keeper, id: sweep },
            if_due: Some(if_due),
            user_lock,
            permit,
        };
        Refreshed::from(self.spawn(exchange, call_permit).await)
    }

    /// Runs an exchange in a task of its own.
    pub(super) async fn spawn(&self, exchange: Exchange, call_permit: crate::breaker::CallPermit) -> ExchangeAnswer {
        let (waiting, answer) = tokio::sync::oneshot::channel();
        let (traced, span) = spans(&exchange);
        tokio::spawn(exchange.run(Caller::new(waiting, call_permit)).instrument(span).instrument(traced));
        // No answer is a panic: the runtime's hook tells it, and `tidy` closes the open intent.
        let (access, course) = (Access::ComeBack(LOOK_AGAIN), ExchangeProgress::NotPresented);
        let answered = answer.await.unwrap_or(ExchangeAnswer { access, course, correlation_id: None });
        // For whoever still waits; one who does not may be at another call by now.
        Span::current().record("correlation", answered.correlation_id.as_deref());
        answered
    }
}

/// An exchange's span for traces, and the one that gives its lines in the log their fields; both within the asker's.
fn spans(exchange: &Exchange) -> (Span, Span) {
    let merchant = &exchange.merchant.name;
    let purpose = exchange.purpose.kind.as_str();
    let traced = traced!("exchange token", klarna_worker.merchant = merchant, klarna_worker.purpose = purpose);
    let span = tracing::error_span!("exchange", merchant, token = Empty, exchange = Empty, correlation = Empty);
    (traced, span)
}

impl From<ExchangeAnswer> for Refreshed {
    fn from(ExchangeAnswer { access, course, .. }: ExchangeAnswer) -> Self {
        match (course, access) {
            (ExchangeProgress::Presented(Outcome::Unchanged), Access::Ready(_)) => Self::Unchanged,
            (_, Access::Ready(_)) => Self::Rotated,
            (ExchangeProgress::Presented(Outcome::Rejected), Access::Unusable(_)) => Self::Died,
            // With `lost_answer = "hold"` an operator decides.
            (ExchangeProgress::Presented(outcome), Access::Unusable(_)) => Self::Failed(outcome, Duration::ZERO),
            (_, Access::Unusable(why)) => Self::Unusable(why),
            (
                ExchangeProgress::Presented(outcome @ (Outcome::NotSent | Outcome::Refused | Outcome::NoAnswer)),
                Access::ComeBack(after),
            ) => Self::Failed(outcome, after),
            // A sign-in or forgetting came in between.
            (ExchangeProgress::NotDue | ExchangeProgress::Presented(_), Access::ComeBack(_)) => Self::NotDue,
            (ExchangeProgress::NotPresented, Access::ComeBack(after)) => Self::ComeBack(after),
        }
    }
}
