//! Circuit breakers as operators see them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{BreakerState, CircuitBreaker, CircuitBreakers, State};
use crate::clock::delta;
use crate::ids::MerchantName;

/// The most characters of a cause: every process is told of it.
const LONGEST_CAUSE: usize = 500;

/// A circuit breaker of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerView {
    /// The endpoint's name in metrics.
    pub endpoint: &'static str,
    /// The merchant whose calls it stops.
    pub merchant: MerchantName,
    /// Its state.
    pub state: BreakerState,
    /// Why it is not closed; `None` if it is.
    pub trouble: Option<Trouble>,
}

/// Why a circuit breaker is not closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The last failure, in words without secrets.
    pub cause: String,
    /// For how long calls have not been allowed.
    pub open_for: Duration,
    /// The time until the next call is tried; zero if one is being tried.
    pub next_try: Duration,
}

/// A circuit breaker that is not closed, as its process tells others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBreaker {
    /// The endpoint's name in metrics.
    pub endpoint: String,
    /// The name of the merchant whose calls it stops.
    pub merchant: String,
    /// Its state.
    pub state: BreakerState,
    /// The last failure, in words without secrets.
    pub cause: String,
    /// Since when calls have not been allowed.
    pub since: DateTime<Utc>,
    /// When the next call is tried.
    pub next_try: DateTime<Utc>,
}

impl BreakerView {
    /// Returns what other processes are told, if it is not closed. `now` is the time of the view.
    #[must_use]
    pub fn open(&self, now: DateTime<Utc>) -> Option<OpenBreaker> {
        let Trouble { cause, open_for, next_try } = self.trouble.as_ref()?;
        Some(OpenBreaker {
            endpoint: self.endpoint.to_owned(),
            merchant: self.merchant.as_str().to_owned(),
            state: self.state,
            cause: cause.clone(),
            since: now - delta(*open_for),
            next_try: now + delta(*next_try),
        })
    }
}

impl CircuitBreakers {
    /// Returns the breaker of each merchant. `now` is the time since boot.
    #[must_use]
    pub fn view(&self, now: Duration) -> Vec<BreakerView> {
        let view = |merchant: &MerchantName, breaker: &CircuitBreaker| {
            let (state, next_try) = match breaker.state {
                State::Closed => (BreakerState::Closed, Duration::ZERO),
                State::Open { until } => {
                    (BreakerState::Open, until.max(breaker.held_until).saturating_sub(now))
                }
                State::Probing { .. } => (BreakerState::Probing, Duration::ZERO),
            };
            let trouble = (state != BreakerState::Closed).then(|| Trouble {
                cause: breaker.cause.clone(),
                open_for: breaker.open_since.map_or(Duration::ZERO, |since| now.saturating_sub(since)),
                next_try,
            });
            BreakerView { endpoint: self.endpoint, merchant: merchant.clone(), state, trouble }
        };
        let merchants = self.rates.merchants().into_iter();
        merchants.filter_map(|merchant| self.with(&merchant, |breaker, _| view(&merchant, breaker))).collect()
    }
}

/// Returns a cause without what is too long.
pub(super) fn shortened(mut cause: String) -> String {
    if let Some((end, _)) = cause.char_indices().nth(LONGEST_CAUSE) {
        cause.truncate(end);
        cause.push('…');
    }
    cause
}
