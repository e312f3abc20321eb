//! Breakers and pace: when one of a merchant's endpoints is left alone, and how fast it may be called.
//!
//! ```text
//!            5 failures in a row,
//!            or 3 users refused for the settings
//!   closed ──────────────────────────────────────► open ──── its pause is over ───► probing (one call at a time)
//!     ▲                                             ▲                                 │ │
//!     │                                             └─── twice the pause ── failed ───┘ │
//!     └──────────────────────────────── answered ───────────────────────────────────────┘
//! ```
//!
//! Time is a parameter: durations since boot, as [`since_boot`](crate::clock::since_boot) gives them.

mod pace;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

pub use self::pace::Pace;
use crate::meter;

/// Failures in a row that open a breaker.
const FAILURES: u32 = 5;
/// Different users whose calls were refused for the merchant's settings, which open it too: one user's trouble does not.
const USERS_REFUSED: usize = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The longest that a caller holds a call back in its own place, to keep the pace.
const LONGEST_HOLD: Duration = Duration::from_secs(1);
/// A probe that was neither reported nor given up for so long is forgotten.
const LONGEST_PROBE: Duration = Duration::from_mins(1);

/// What a call came to, as far as the endpoint is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It answered as it should, be it a refusal of this one request.
    Answered,
    /// It could not be reached, did not answer, or answered with a fault of its own, perhaps asking to be left alone
    /// for so long.
    Failed(Option<Duration>),
    /// It refused the merchant's settings, on a call for this user.
    Misconfigured {
        /// Whose call.
        user: String,
    },
    /// It has had too many calls, and asks to be left alone for so long.
    Throttled(Duration),
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// Calls pass.
    Closed,
    /// Calls wait.
    Open,
    /// One call is tried.
    Probing,
}

/// The breakers and paces of one endpoint, by merchant. Clones share them.
#[derive(Clone)]
pub struct Gates {
    /// Its name in metrics.
    endpoint: &'static str,
    gates: Arc<BTreeMap<String, Mutex<Gate>>>,
}

struct Gate {
    state: State,
    /// Consecutive failures, while closed.
    failures: u32,
    /// Users refused for the settings, while closed.
    refused: BTreeSet<String>,
    /// The endpoint asked to be left alone until then.
    held_until: Duration,
    /// Since when it has not been closed.
    open_since: Option<Duration>,
    pause: Duration,
    pace: Pace,
}

#[derive(Clone, Copy)]
enum State {
    Closed,
    Open { until: Duration },
    Probing { since: Duration },
}

/// The right to make one call; to be reported. Dropped without a report (nothing was sent) it changes nothing.
#[must_use = "report what the call came to"]
pub struct Pass {
    gates: Gates,
    merchant: String,
    probe: bool,
    reported: bool,
    hold: Duration,
}

impl Gates {
    /// Closed gates of an endpoint, for merchants with so many calls a second each.
    #[must_use]
    pub fn new<'a>(endpoint: &'static str, rates: impl Iterator<Item = (&'a str, f64)>) -> Self {
        let gates = rates.map(|(merchant, rate)| (merchant.to_owned(), Mutex::new(Gate::new(rate)))).collect();
        Self { endpoint, gates: Arc::new(gates) }
    }

    /// The right to call now, or how long to wait before asking again.
    ///
    /// # Errors
    /// The wait.
    pub fn admit(&self, merchant: &str, now: Duration) -> Result<Pass, Duration> {
        let (probe, hold) = match self.gate(merchant) {
            Some(mut gate) => gate.admit(now)?,
            None => (false, Duration::ZERO),
        };
        Ok(Pass { gates: self.clone(), merchant: merchant.to_owned(), probe, reported: false, hold })
    }

    /// How long calls have been kept back, where they are; a probe under way counts as keeping back.
    #[must_use]
    pub fn open_for(&self, merchant: &str, now: Duration) -> Option<Duration> {
        self.gate(merchant)?.open_since.map(|since| now.saturating_sub(since))
    }

    /// How long a call would have to wait at present, without making one; the pace is left out.
    #[must_use]
    pub fn wait(&self, merchant: &str, now: Duration) -> Option<Duration> {
        self.gate(merchant)?.closed_for(now)
    }

    /// Where each merchant's breaker stands.
    #[must_use]
    pub fn stands(&self) -> BTreeMap<String, Stand> {
        self.gates
            .iter()
            .map(|(merchant, gate)| {
                let stand = match lock(gate).state {
                    State::Closed => Stand::Closed,
                    State::Open { .. } => Stand::Open,
                    State::Probing { .. } => Stand::Probing,
                };
                (merchant.clone(), stand)
            })
            .collect()
    }

    fn gate(&self, merchant: &str) -> Option<MutexGuard<'_, Gate>> {
        self.gates.get(merchant).map(lock)
    }
}

impl Pass {
    /// Holds the call back for as long as its pace asks, which is not at all for the most part: even a wait of nothing would
    /// take until the timer's next millisecond.
    pub async fn keep_pace(&self) {
        if !self.hold.is_zero() {
            tokio::time::sleep(self.hold).await;
        }
    }

    /// Reports what the call came to.
    pub fn report(mut self, report: Report, now: Duration) {
        self.reported = true;
        let opened = self.gates.gate(&self.merchant).is_some_and(|mut gate| gate.report(report, now, self.probe));
        if opened {
            meter::breaker_opened(self.gates.endpoint, &self.merchant);
            tracing::error!(merchant = self.merchant, "An endpoint of this merchant is left alone for a while");
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.probe
            && !self.reported
            && let Some(mut gate) = self.gates.gate(&self.merchant)
            && let State::Probing { since } = gate.state
        {
            // The next call probes.
            gate.state = State::Open { until: since };
        }
    }
}

fn lock(gate: &Mutex<Gate>) -> MutexGuard<'_, Gate> {
    gate.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    fn new(rate: f64) -> Self {
        Self {
            state: State::Closed,
            failures: 0,
            refused: BTreeSet::new(),
            held_until: Duration::ZERO,
            open_since: None,
            pause: FIRST_PAUSE,
            pace: Pace::new(rate),
        }
    }

    /// Whether the admitted call is a probe, and how long it is to be held back.
    fn admit(&mut self, now: Duration) -> Result<(bool, Duration), Duration> {
        if let Some(wait) = self.closed_for(now) {
            return Err(wait);
        }
        let hold = self.pace.reserve(now, LONGEST_HOLD)?;
        let probe = !matches!(self.state, State::Closed);
        if probe {
            self.state = State::Probing { since: now };
        }
        Ok((probe, hold))
    }

    fn closed_for(&self, now: Duration) -> Option<Duration> {
        let until = match self.state {
            State::Open { until } => until.max(self.held_until),
            // Another's probe decides; it is looked at again soon.
            State::Probing { since } if now < since + LONGEST_PROBE => now + FIRST_PAUSE,
            State::Closed | State::Probing { .. } => self.held_until,
        };
        let wait = until.saturating_sub(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// Whether the report opened the gate.
    fn report(&mut self, report: Report, now: Duration, probe: bool) -> bool {
        match report {
            Report::Answered => {
                // A late answer to a call from before the opening says nothing of the endpoint now.
                if probe || matches!(self.state, State::Closed) {
                    *self = Self { held_until: self.held_until, pace: self.pace, ..Self::new(0.0) };
                }
                false
            }
            Report::Throttled(wait) => {
                self.held_until = self.held_until.max(now + wait);
                if probe {
                    self.state = State::Open { until: self.held_until };
                }
                false
            }
            Report::Failed(wait) => {
                self.held_until = self.held_until.max(now + wait.unwrap_or_default());
                self.failures = self.failures.saturating_add(1);
                self.failed(now, probe, self.failures >= FAILURES)
            }
            Report::Misconfigured { user } => {
                if self.refused.len() < USERS_REFUSED {
                    self.refused.insert(user);
                }
                self.failed(now, probe, self.refused.len() >= USERS_REFUSED)
            }
        }
    }

    fn failed(&mut self, now: Duration, probe: bool, enough: bool) -> bool {
        if probe {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        } else if !enough || !matches!(self.state, State::Closed) {
            return false;
        }
        self.open_since.get_or_insert(now);
        self.state = State::Open { until: now + self.pause };
        !probe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gates() -> Gates {
        Gates::new("token", [("shop", 1_000_000.0), ("other", 1_000_000.0)].into_iter())
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn call(gates: &Gates, report: Report, now: Duration) {
        gates.admit("shop", now).unwrap_or_else(|_| panic!("calls must wait")).report(report, now);
    }

    fn opened() -> Gates {
        let gates = gates();
        (0..FAILURES).for_each(|_| call(&gates, Report::Failed(None), seconds(10)));
        gates
    }

    #[test]
    fn failures_in_a_row_open_it_for_that_merchant_alone() {
        let gates = opened();
        assert_eq!(gates.admit("shop", seconds(10)).err(), Some(FIRST_PAUSE));
        assert_eq!(gates.open_for("shop", seconds(40)), Some(seconds(30)));
        assert!(gates.admit("other", seconds(10)).is_ok());
        assert_eq!(gates.stands()["shop"], Stand::Open);
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let gates = gates();
        for report in [
            Report::Failed(None),
            Report::Failed(None),
            Report::Failed(None),
            Report::Failed(None),
            Report::Answered,
            Report::Failed(None),
        ] {
            call(&gates, report, seconds(10));
        }
        assert_eq!(gates.stands()["shop"], Stand::Closed);
    }

    #[test]
    fn one_users_refusals_open_nothing_and_three_users_do() {
        let gates = gates();
        let refused = |user: &str| Report::Misconfigured { user: user.into() };
        (0..10).for_each(|_| call(&gates, refused("u-1"), seconds(1)));
        assert_eq!(gates.stands()["shop"], Stand::Closed);
        call(&gates, refused("u-2"), seconds(1));
        call(&gates, refused("u-3"), seconds(1));
        assert_eq!(gates.stands()["shop"], Stand::Open);
    }

    #[test]
    fn one_probe_at_a_time_and_its_answer_closes() {
        let gates = opened();
        let probe = gates.admit("shop", seconds(11)).ok().unwrap();
        assert!(gates.admit("shop", seconds(11)).is_err());
        assert_eq!(gates.stands()["shop"], Stand::Probing);
        probe.report(Report::Answered, seconds(12));
        assert_eq!((gates.stands()["shop"], gates.open_for("shop", seconds(12))), (Stand::Closed, None));
        assert!(gates.admit("shop", seconds(12)).is_ok());
    }

    #[test]
    fn a_failed_probe_doubles_the_pause_up_to_a_minute() {
        let gates = opened();
        let mut now = seconds(10);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            now += gates.wait("shop", now).unwrap();
            call(&gates, Report::Failed(None), now);
            pauses.push(gates.wait("shop", now).unwrap().as_secs());
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(gates.open_for("shop", now), now.checked_sub(seconds(10)));
    }

    #[test]
    fn a_probe_that_sent_nothing_lets_the_next_one_probe() {
        let gates = opened();
        drop(gates.admit("shop", seconds(11)));
        assert!(gates.admit("shop", seconds(11)).is_ok());
    }

    #[test]
    fn a_late_answer_from_before_the_opening_does_not_close() {
        let gates = gates();
        let early = gates.admit("shop", seconds(1)).ok().unwrap();
        (0..FAILURES).for_each(|_| call(&gates, Report::Failed(None), seconds(2)));
        early.report(Report::Answered, seconds(2));
        assert_eq!(gates.stands()["shop"], Stand::Open);
    }

    #[test]
    fn what_the_endpoint_asks_for_is_obeyed() {
        let gates = gates();
        call(&gates, Report::Throttled(seconds(30)), seconds(10));
        assert_eq!(gates.admit("shop", seconds(15)).err(), Some(seconds(25)));
        assert!(gates.admit("shop", seconds(40)).is_ok());
        assert_eq!(gates.stands()["shop"], Stand::Closed);
    }
}
