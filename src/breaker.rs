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
//! Times are durations since boot, from [`since_boot`](crate::clock::since_boot). They are
//! parameters, so tests need no clock.

mod rate_limiter;
mod rates;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::rate_limiter::RateLimiter;
pub use self::rates::Rates;
use self::view::shortened;
pub use self::view::{BreakerView, OpenBreaker, Trouble};
use crate::ids::{MerchantName, UserId};
use crate::meter;

/// How many failures in a row open a breaker.
const FAILURES: u32 = 5;
/// How many different users must be refused for the merchant's settings to open a breaker. One user
/// alone is not enough, because the cause may be that user.
const USERS_REFUSED: usize = 3;
/// How often this process checks whether another process has ended the stop of a merchant.
const LONGEST_STOP: Duration = Duration::from_secs(90);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The longest time that a caller delays a call itself to keep the rate.
const LONGEST_HOLD: Duration = Duration::from_secs(1);
/// How long a probe without a report counts as running.
const LONGEST_PROBE: Duration = Duration::from_mins(1);

/// The result of a call, as far as the endpoint is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It answered normally, even if it refused this request.
    Answered,
    /// It could not be reached, did not answer, or answered with an error of its own.
    Failed {
        /// The failure in a few words without secrets, such as `HTTP 503`.
        what: String,
        /// The pause that it asked for.
        retry_after: Option<Duration>,
    },
    /// It refused the merchant's settings in a call for this user.
    Misconfigured {
        /// The user of the call.
        user: UserId,
    },
    /// It rejected too many refresh tokens in a row. The database knows when the next one may be
    /// presented: after this time.
    Stopped(Duration),
    /// It received too many calls and asked for a pause of this length.
    Throttled(Duration),
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls are allowed.
    Closed,
    /// Calls wait.
    Open,
    /// One call tests whether the endpoint works again.
    Probing,
}

/// The circuit breakers and rate limits of one endpoint, one for each merchant. Clones share them.
#[derive(Clone)]
pub struct CircuitBreakers {
    /// The endpoint's name in metrics.
    endpoint: &'static str,
    rates: Arc<dyn Rates>,
    breakers: Arc<Mutex<BTreeMap<MerchantName, CircuitBreaker>>>,
}

struct CircuitBreaker {
    state: State,
    /// Failures since the last answer.
    failures: u32,
    /// The last failure, in words.
    cause: String,
    /// Users refused for the settings, while closed.
    refused: BTreeSet<UserId>,
    /// Until when the endpoint asked for a pause.
    held_until: Duration,
    /// Since when the breaker has not been closed.
    open_since: Option<Duration>,
    pause: Duration,
    rate_limiter: RateLimiter,
}

#[derive(Clone, Copy)]
enum State {
    Closed,
    Open { until: Duration },
    Probing { since: Duration },
}

/// What a result changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Opened,
    Closed,
}

/// The permit for one call. Report the call's result with it. If nothing was sent, drop it; this
/// changes nothing.
#[must_use = "report the result of the call"]
pub struct CallPermit {
    breakers: CircuitBreakers,
    merchant: MerchantName,
    probe: bool,
    reported: bool,
    hold: Duration,
}

impl CircuitBreakers {
    /// Creates closed breakers for an endpoint, with the allowed calls a second of each merchant.
    #[must_use]
    pub fn new(endpoint: &'static str, rates: Arc<dyn Rates>) -> Self {
        Self { endpoint, rates, breakers: Arc::default() }
    }

    /// Lets each breaker that is open try a call at once, because its cause may be mended. Pauses that
    /// the endpoint asked for stay.
    pub fn try_now(&self) {
        for breaker in lock(&self.breakers).values_mut() {
            if let State::Open { .. } = breaker.state {
                breaker.state = State::Open { until: Duration::ZERO };
            }
        }
    }

    /// Returns a permit to call now.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub fn admit(&self, merchant: &MerchantName, now: Duration) -> Result<CallPermit, Duration> {
        let admitted = self.with(merchant, |breaker, rate| {
            breaker.rate_limiter.set_rate(rate);
            breaker.admit(now)
        });
        let (probe, hold) = admitted.unwrap_or(Ok((false, Duration::ZERO)))?;
        Ok(CallPermit { breakers: self.clone(), merchant: merchant.clone(), probe, reported: false, hold })
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

    /// Returns why a call has to wait for `wait` now, as a sentence for the error of an order.
    #[must_use]
    pub fn why(&self, merchant: &MerchantName, now: Duration, wait: Duration) -> String {
        let endpoint = self.endpoint;
        let why = self.with(merchant, |breaker, _| match breaker {
            CircuitBreaker { state: State::Open { .. } | State::Probing { .. }, cause, .. } => {
                Some(format!("Circuit breaker open for {endpoint}: {cause}"))
            }
            breaker if breaker.held_until > now => {
                Some(format!("Klarna asked for a pause of {endpoint} calls"))
            }
            _ => None,
        });
        let why = why.flatten().unwrap_or_else(|| format!("Rate limit reached for {endpoint} calls"));
        format!("{why}; next try in {} s", wait.as_secs_f64().ceil())
    }

    /// Returns the state of each merchant's breaker.
    #[must_use]
    pub fn states(&self) -> BTreeMap<MerchantName, BreakerState> {
        let state = |merchant: MerchantName| {
            let state = self.with(&merchant, |breaker, _| match breaker.state {
                State::Closed => BreakerState::Closed,
                State::Open { .. } => BreakerState::Open,
                State::Probing { .. } => BreakerState::Probing,
            })?;
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

impl CallPermit {
    /// Waits as long as the rate limit requires, usually not at all. It skips the timer then,
    /// because even a wait of zero lasts until the timer's next millisecond.
    pub async fn wait_for_rate(&self) {
        if !self.hold.is_zero() {
            tokio::time::sleep(self.hold).await;
        }
    }

    /// Reports the result of the call.
    pub fn report(mut self, report: CallOutcome, now: Duration) {
        self.reported = true;
        let endpoint = self.breakers.endpoint;
        let asked =
            matches!(report, CallOutcome::Throttled(_) | CallOutcome::Failed { retry_after: Some(_), .. });
        let reported = self.breakers.with(&self.merchant, |breaker, _| {
            let change = breaker.report(report, now, self.probe);
            (change, breaker.cause.clone(), breaker.closed_for(now).unwrap_or_default())
        });
        let Some((change, cause, pause)) = reported else { return };
        let (merchant, pause_s) = (self.merchant.as_str(), pause.as_secs_f64().ceil());
        match change {
            None => {}
            Some(Change::Opened) => {
                meter::breaker_opened(endpoint, &self.merchant);
                if asked {
                    tracing::warn!(
                        endpoint,
                        merchant,
                        cause,
                        pause_s,
                        "Klarna asked for pauses, so a circuit breaker opened; calls to this endpoint wait"
                    );
                } else {
                    tracing::error!(
                        endpoint,
                        merchant,
                        cause,
                        pause_s,
                        "A circuit breaker opened; calls to this endpoint wait"
                    );
                }
            }
            Some(Change::Closed) => {
                tracing::info!(
                    endpoint,
                    merchant,
                    "A circuit breaker closed; calls to this endpoint continue"
                );
            }
        }
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        if !self.probe || self.reported {
            return;
        }
        self.breakers.with(&self.merchant, |breaker, _| {
            if let State::Probing { since } = breaker.state {
                // The next call is a probe.
                breaker.state = State::Open { until: since };
            }
        });
    }
}

fn lock(
    breakers: &Mutex<BTreeMap<MerchantName, CircuitBreaker>>,
) -> MutexGuard<'_, BTreeMap<MerchantName, CircuitBreaker>> {
    breakers.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CircuitBreaker {
    fn new(rate: f64) -> Self {
        Self {
            state: State::Closed,
            failures: 0,
            cause: String::new(),
            refused: BTreeSet::new(),
            held_until: Duration::ZERO,
            open_since: None,
            pause: FIRST_PAUSE,
            rate_limiter: RateLimiter::new(rate),
        }
    }

    /// Returns whether the allowed call is a probe, and how long it must wait for the rate limit.
    fn admit(&mut self, now: Duration) -> Result<(bool, Duration), Duration> {
        if let Some(wait) = self.closed_for(now) {
            return Err(wait);
        }
        let hold = self.rate_limiter.reserve(now, LONGEST_HOLD)?;
        let probe = !matches!(self.state, State::Closed);
        if probe {
            self.state = State::Probing { since: now };
        }
        Ok((probe, hold))
    }

    fn closed_for(&self, now: Duration) -> Option<Duration> {
        let until = match self.state {
            State::Open { until } => until.max(self.held_until),
            // A probe of another call is running. Ask again soon.
            State::Probing { since } if now < since + LONGEST_PROBE => now + FIRST_PAUSE,
            State::Closed | State::Probing { .. } => self.held_until,
        };
        let wait = until.saturating_sub(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// Records a result. Returns whether it opened or closed the breaker.
    fn report(&mut self, report: CallOutcome, now: Duration, probe: bool) -> Option<Change> {
        match report {
            CallOutcome::Answered => {
                // A late answer to a call from before the breaker opened says nothing about the
                // endpoint now.
                if !probe && !matches!(self.state, State::Closed) {
                    return None;
                }
                let closed = self.open_since.map(|_| Change::Closed);
                *self =
                    Self { held_until: self.held_until, rate_limiter: self.rate_limiter, ..Self::new(0.0) };
                closed
            }
            CallOutcome::Stopped(wait) => {
                let opened = self.open_since.is_none().then_some(Change::Opened);
                self.open_since.get_or_insert(now);
                self.cause = String::from("too many refresh tokens were rejected in a row");
                self.state = State::Open { until: now + wait.min(LONGEST_STOP) };
                opened
            }
            CallOutcome::Throttled(wait) => {
                self.count(String::from("it asked for a pause"), Some(wait), now, probe)
            }
            CallOutcome::Failed { what, retry_after } => self.count(shortened(what), retry_after, now, probe),
            CallOutcome::Misconfigured { user } => {
                if self.refused.len() < USERS_REFUSED {
                    self.refused.insert(user);
                }
                self.cause = String::from("Klarna refused the merchant's settings");
                self.failed(now, probe, self.refused.len() >= USERS_REFUSED)
            }
        }
    }

    /// Counts a failure. One that asks for a pause counts too, because the endpoint is no more useful
    /// than one that does not answer.
    fn count(
        &mut self,
        what: String,
        retry_after: Option<Duration>,
        now: Duration,
        probe: bool,
    ) -> Option<Change> {
        self.held_until = self.held_until.max(now + retry_after.unwrap_or_default());
        self.failures = self.failures.saturating_add(1);
        self.cause = match self.failures {
            1 => what,
            failures => format!("{what}, {failures} failures in a row"),
        };
        self.failed(now, probe, self.failures >= FAILURES)
    }

    fn failed(&mut self, now: Duration, probe: bool, enough: bool) -> Option<Change> {
        if probe {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        } else if !enough || !matches!(self.state, State::Closed) {
            return None;
        }
        self.open_since.get_or_insert(now);
        self.state = State::Open { until: now + self.pause };
        (!probe).then_some(Change::Opened)
    }
}
