//! Circuit breakers and rate limits for a merchant's endpoints: whether an endpoint may be called
//! now, and how often.
//!
//! ```text
//!            5 failures in a row,
//!            or 3 users refused for the settings,
//!            or too many tokens rejected in a row
//!   closed ──────────────────────────────────────► open ──── its pause is over ───► probing (one call at a time)
//!     ▲                                             ▲                                 │ │
//!     │                                             └─── twice the pause ── failed ───┘ │
//!     └──────────────────────────────── answered ───────────────────────────────────────┘
//! ```
//!
//! After the pause, the breaker is *half-open* until a call comes.
//!
//! Times are durations since boot, from [`since_boot`](crate::clock::since_boot). They are
//! parameters, so tests need no clock.

mod circuit;
mod endpoint;
mod permit;
mod rate_limiter;
mod rates;
mod shared_rate;
mod sharing;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::circuit::{Admitted, CircuitBreaker, State};
pub use self::endpoint::{Endpoint, probed};
pub use self::permit::CallPermit;
pub use self::rate_limiter::RateLimiter;
pub use self::rates::Rates;
pub use self::shared_rate::{RateAsk, RateGrant};
use self::sharing::Sharing;
pub use self::view::{BreakerView, Trouble, WaitingBreaker};
use crate::cause::{Cause, CauseKind};
use crate::ids::{MerchantName, UserId};

/// The result of a call, as far as the endpoint is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It answered normally, even if it refused this request.
    Answered,
    /// It could not be reached, did not answer, or answered with an error of its own.
    Failed {
        /// The failure, without Klarna's own words: they may quote a shopper's order.
        cause: Cause,
        /// The pause that it asked for.
        retry_after: Option<Duration>,
    },
    /// It refused the merchant's settings in a call for this user.
    Misconfigured {
        /// The user of the call.
        user: UserId,
        /// The refusal in a few words without secrets, such as `HTTP 401`.
        what: Cause,
    },
    /// It rejected too many refresh tokens in a row. The database knows when the next one may be
    /// presented: after this time.
    Stopped(Duration),
    /// It received too many calls and asked for a pause of this length.
    Throttled(Duration),
}

/// Klarna's limit of calls is used up, as an answer said (`X-Ratelimit-*`), whatever else it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedUp {
    /// The most calls in Klarna's interval, if it said so.
    pub limit: Option<u32>,
    /// When the next interval begins.
    pub wait: Duration,
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls are allowed.
    Closed,
    /// Calls wait.
    Open,
    /// The pause is over, and no call has come since: the next call tests whether the endpoint
    /// works again.
    HalfOpen,
    /// One call tests whether the endpoint works again.
    Probing,
}

impl BreakerState {
    /// Returns the name that rows and API answers use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Probing => "probing",
        }
    }
}

/// The circuit breakers and rate limits of one endpoint, one for each merchant. Clones share them.
#[derive(Clone)]
pub struct CircuitBreakers {
    endpoint: Endpoint,
    rates: Arc<dyn Rates>,
    breakers: Arc<Mutex<BTreeMap<MerchantName, CircuitBreaker>>>,
    sharing: Arc<Sharing>,
}

impl CircuitBreakers {
    /// Creates closed breakers for an endpoint, with the allowed calls a second of each merchant.
    #[must_use]
    pub fn new(endpoint: Endpoint, rates: Arc<dyn Rates>) -> Self {
        Self { endpoint, rates, breakers: Arc::default(), sharing: Arc::default() }
    }

    /// Returns the endpoint.
    #[must_use]
    pub const fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Lets each breaker that is open try a call at once, because its cause may be mended. Pauses
    /// that the endpoint asked for stay.
    pub fn try_now(&self) {
        for breaker in lock(&self.breakers).values_mut() {
            if let State::Open { .. } = breaker.state {
                breaker.state = State::Open { until: Duration::ZERO };
            }
        }
    }

    /// Lets one call of a merchant test the endpoint at once, because an operator says so: also if
    /// the endpoint asked for a pause. Returns whether calls had to wait.
    #[must_use]
    pub fn probe_now(&self, merchant: &MerchantName, now: Duration) -> bool {
        self.with(merchant, |breaker, _| breaker.probe_now(now)).unwrap_or(false)
    }

    /// Returns whether calls of any merchant have to wait now.
    #[must_use]
    pub fn any_waits(&self, now: Duration) -> bool {
        lock(&self.breakers).values().any(|breaker| breaker.closed_for(now).is_some())
    }

    /// Lets the calls of a merchant wait, because an answer said that Klarna's limit is used up.
    pub fn used_up(&self, merchant: &MerchantName, limit: &UsedUp, now: Duration) {
        self.with(merchant, |breaker, _| breaker.used_up(limit, now));
    }

    /// Returns a permit to call now.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub fn admit(&self, merchant: &MerchantName, now: Duration) -> Result<CallPermit, Duration> {
        let processes = self.sharing.processes();
        let admitted = self.with(merchant, |breaker, rate| {
            breaker.rate.set(rate, processes);
            let admitted = breaker.admit(now);
            if breaker.rate.is_short() {
                self.sharing.short.notify_one();
            }
            admitted
        });
        let Admitted { kind, hold } = admitted.unwrap_or(Ok(Admitted::default()))?;
        let hold = hold.max(self.sharing.joins_in(now));
        Ok(CallPermit { breakers: self.clone(), merchant: merchant.clone(), kind, reported: false, hold })
    }

    /// Begins as one of several processes that share the rates: no call is made before
    /// `first_call`, because until then the others may not have divided the rates anew.
    pub fn join(&self, processes: u32, first_call: Duration) {
        self.sharing.set_processes(processes);
        self.sharing.first_call(first_call);
    }

    /// Says how many processes share the rates.
    pub fn set_processes(&self, processes: u32) {
        self.sharing.set_processes(processes);
    }

    /// Resolves when a merchant's own share is used up. One task waits.
    pub async fn short(&self) {
        self.sharing.short.notified().await;
    }

    /// Returns what to tell the other processes through the database.
    #[must_use]
    pub fn rate_asks(&self, now: Duration) -> Vec<RateAsk> {
        let ask = |(merchant, breaker): (&MerchantName, &mut CircuitBreaker)| {
            breaker.rate.ask(merchant, self.endpoint, now)
        };
        lock(&self.breakers).iter_mut().filter_map(ask).collect()
    }

    /// Gives a merchant calls that the database has handed out to this process.
    pub fn lease(&self, merchant: &MerchantName, calls: u32, now: Duration) {
        self.with(merchant, |breaker, _| breaker.rate.lease(calls, now));
        if calls > 0 {
            self.sharing.leased.send_replace(());
        }
    }

    /// Counts once more the calls of an ask that did not reach the database.
    pub fn count_again(&self, ask: &RateAsk) {
        self.with(&ask.merchant, |breaker, _| breaker.rate.count_again(ask.used));
    }

    /// Returns for how long calls have not been allowed. A running probe counts as not allowed.
    #[must_use]
    pub fn open_for(&self, merchant: &MerchantName, now: Duration) -> Option<Duration> {
        let since = self.with(merchant, |breaker, _| breaker.open_since)??;
        Some(now.saturating_sub(since))
    }

    /// Returns how long a call would have to wait now, without counting one. The rate limit is
    /// ignored.
    #[must_use]
    pub fn wait(&self, merchant: &MerchantName, now: Duration) -> Option<Duration> {
        self.with(merchant, |breaker, _| breaker.closed_for(now))?
    }

    /// Returns why a call has to wait now; in words, it is a sentence for the error of an order.
    #[must_use]
    pub fn why(&self, merchant: &MerchantName, now: Duration) -> Cause {
        let endpoint = self.endpoint.as_str();
        let why = self.with(merchant, |breaker, _| match &breaker.state {
            State::Open { .. } | State::Probing { .. } => {
                let why = format!("Circuit breaker open for {endpoint}: {}", breaker.cause());
                Some(Cause::new(why).of_kind(breaker.cause.kind))
            }
            State::Closed if breaker.held.until > now => Some(if let Some(limit) = &breaker.held.limit {
                let why = format!("Klarna's limit of {endpoint} calls is used up{limit}");
                Cause::new(why).of_kind(CauseKind::RateLimit)
            } else {
                let why = format!("Klarna asked for a pause of {endpoint} calls");
                Cause::new(why).of_kind(CauseKind::AskedToWait)
            }),
            State::Closed => None,
        });
        why.flatten().unwrap_or_else(|| {
            let why = format!("Rate limit reached for {endpoint} calls");
            Cause::new(why).of_kind(CauseKind::RateLimit)
        })
    }

    /// Returns the state of each merchant's breaker at a time since boot.
    #[must_use]
    pub fn states(&self, now: Duration) -> BTreeMap<MerchantName, BreakerState> {
        let state = |merchant: MerchantName| {
            let state = self.with(&merchant, |breaker, _| breaker.state(now))?;
            Some((merchant, state))
        };
        self.rates.merchants().into_iter().filter_map(state).collect()
    }

    /// Uses a merchant's breaker, with its rate now. `None`: there is no such merchant.
    fn with<T>(
        &self,
        merchant: &MerchantName,
        used: impl FnOnce(&mut CircuitBreaker, f64) -> T,
    ) -> Option<T> {
        let rate = self.rates.rate(merchant)?;
        let mut breakers = lock(&self.breakers);
        let breaker = breakers.entry(merchant.clone()).or_insert_with(|| CircuitBreaker::new(rate));
        Some(used(breaker, rate))
    }
}

fn lock(
    breakers: &Mutex<BTreeMap<MerchantName, CircuitBreaker>>,
) -> MutexGuard<'_, BTreeMap<MerchantName, CircuitBreaker>> {
    breakers.lock().unwrap_or_else(PoisonError::into_inner)
}
