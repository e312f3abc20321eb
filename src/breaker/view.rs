//! Circuit breakers as operators see them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};

use super::{BreakerState, CircuitBreaker, CircuitBreakers, Endpoint, State};
use crate::clock::delta;
use crate::ids::MerchantName;

/// The shortest pause that is told while the breaker is closed. At a limit of calls a second, there
/// may be one in each second.
const SHORTEST_TOLD: Duration = Duration::from_secs(5);

/// A circuit breaker of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerView {
    /// The endpoint whose calls it stops.
    pub endpoint: Endpoint,
    /// The merchant whose calls it stops.
    pub merchant: MerchantName,
    /// Its state.
    pub state: BreakerState,
    /// Why it is not closed, or why calls wait although it is; `None` if they do not.
    pub trouble: Option<Trouble>,
}

/// Why calls wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The last failure, in words without secrets.
    pub cause: String,
    /// For how long calls have not been allowed.
    pub open_for: Duration,
    /// The time until the next call is tried; zero if one is being tried, or if the next one
    /// decides.
    pub next_try: Duration,
}

/// A circuit breaker whose calls wait, as its process tells others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingBreaker {
    /// The endpoint whose calls it stops.
    pub endpoint: Endpoint,
    /// The merchant whose calls it stops.
    #[serde(deserialize_with = "stored_name")]
    pub merchant: MerchantName,
    /// Its state.
    pub state: BreakerState,
    /// The last failure, in words without secrets.
    pub cause: String,
    /// Since when calls have not been allowed.
    pub since: DateTime<Utc>,
    /// When the next call is tried. Of a breaker that is half-open, the time of this report.
    pub next_try: DateTime<Utc>,
}

/// Reads the name of a merchant, which was checked before it was stored.
fn stored_name<'de, D: Deserializer<'de>>(name: D) -> Result<MerchantName, D::Error> {
    String::deserialize(name).map(MerchantName::from)
}

impl WaitingBreaker {
    /// Reads a JSON array of them, without those that this program does not know: a newer one may
    /// have written it.
    #[must_use]
    pub fn known(json: &str) -> Vec<Self> {
        let all: Vec<serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
        all.into_iter().filter_map(|breaker| serde_json::from_value(breaker).ok()).collect()
    }
}

impl BreakerView {
    /// Returns what other processes are told, if calls wait. `now` is the time of the view.
    #[must_use]
    pub fn waiting(&self, now: DateTime<Utc>) -> Option<WaitingBreaker> {
        let Trouble { cause, open_for, next_try } = self.trouble.as_ref()?;
        Some(WaitingBreaker {
            endpoint: self.endpoint,
            merchant: self.merchant.clone(),
            state: self.state,
            cause: cause.clone(),
            since: now - delta(*open_for),
            next_try: now + delta(*next_try),
        })
    }
}

impl CircuitBreakers {
    /// Returns what a call that has to wait now waits for, to read after "waits for".
    #[must_use]
    pub fn waits_for(&self, merchant: &MerchantName, now: Duration) -> String {
        let endpoint = self.endpoint.as_str();
        let what = self.with(merchant, |breaker, _| match &breaker.state {
            State::Open { .. } | State::Probing { .. } => {
                // Not the whole cause: its details and its count change from try to try of the same
                // wait.
                Some(format!("the circuit breaker of {endpoint} ({})", breaker.cause.what))
            }
            State::Closed if breaker.held.until > now => Some(match &breaker.held.limit {
                Some(limit) => format!("Klarna's limit of {endpoint} calls, which was used up{limit}"),
                None => format!("a pause of {endpoint} calls that Klarna asked for"),
            }),
            State::Closed => None,
        });
        what.flatten().unwrap_or_else(|| format!("the rate limit of {endpoint} calls"))
    }

    /// Returns the breaker of each merchant. `now` is the time since boot.
    #[must_use]
    pub fn view(&self, now: Duration) -> Vec<BreakerView> {
        let view = |merchant: &MerchantName, breaker: &CircuitBreaker| {
            let (state, since) = (breaker.state(now), breaker.open_since.unwrap_or(breaker.held.since));
            let held = breaker.held.until.saturating_sub(now);
            let next_try = match breaker.state {
                State::Open { until } => until.saturating_sub(now).max(held),
                State::Closed | State::Probing { .. } => Duration::ZERO,
            };
            let trouble = match (state, &breaker.held.limit) {
                (BreakerState::Closed, _) if held < SHORTEST_TOLD => None,
                (BreakerState::Closed, Some(limit)) => {
                    Some((format!("Klarna's limit of calls is used up{limit}"), held))
                }
                (BreakerState::Closed, None) => Some((String::from("Klarna asked for a pause"), held)),
                _ => Some((breaker.cause(), next_try)),
            };
            let trouble = trouble.map(|(cause, next_try)| Trouble {
                cause,
                open_for: now.saturating_sub(since),
                next_try,
            });
            BreakerView { endpoint: self.endpoint, merchant: merchant.clone(), state, trouble }
        };
        let merchants = self.rates.merchants().into_iter();
        merchants.filter_map(|merchant| self.with(&merchant, |breaker, _| view(&merchant, breaker))).collect()
    }
}
