//! The circuit breaker of one merchant's endpoint.

use std::collections::BTreeSet;
use std::time::Duration;

use super::shared_rate::SharedRate;
use super::{BreakerState, CallOutcome, UsedUp};
use crate::cause::{Cause, CauseKind};
use crate::ids::UserId;

/// The most characters of a cause: every process is told of it.
const LONGEST_CAUSE: usize = 500;
/// How many failures in a row open a breaker.
pub(super) const FAILURES: u32 = 5;
/// How many different users must be refused for the merchant's settings to open a breaker. One user
/// alone is not enough, because the cause may be that user.
const USERS_REFUSED: usize = 3;
/// How often this process checks whether another process has ended the stop of a merchant.
const LONGEST_STOP: Duration = Duration::from_secs(90);
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest time that a caller delays a call itself to keep the rate.
const LONGEST_HOLD: Duration = Duration::from_secs(1);
/// How long a probe without a report counts as running.
const LONGEST_PROBE: Duration = Duration::from_mins(1);

/// The kind of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CallKind {
    /// A call through a closed breaker.
    #[default]
    Usual,
    /// The only call through a breaker that is open: its result decides about the breaker.
    Probe,
}

/// A call that is allowed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Admitted {
    pub(super) kind: CallKind,
    /// How long it must wait for the rate limit.
    pub(super) hold: Duration,
}

/// The circuit breaker and the rate limit of a merchant's endpoint.
pub(super) struct CircuitBreaker {
    pub(super) state: State,
    /// Failures since the last answer.
    failures: u32,
    /// The last failure.
    pub(super) cause: Cause,
    /// How many failures in a row it ended; 0 if they are not counted.
    in_a_row: u32,
    /// Users refused for the settings, while closed.
    refused: BTreeSet<UserId>,
    pub(super) held: Hold,
    /// The pause that an operator's try has cut short.
    cut_short: Hold,
    /// Since when the breaker has not been closed.
    pub(super) open_since: Option<Duration>,
    pause: Duration,
    /// The longest pause between two tries.
    pub(super) longest_pause: Duration,
    pub(super) rate: SharedRate,
}

/// A pause that the endpoint asked for.
#[derive(Clone, Default)]
pub(super) struct Hold {
    pub(super) since: Duration,
    pub(super) until: Duration,
    /// The end of a sentence about the limit that is used up. `None`: it asked for a pause in
    /// another way.
    pub(super) limit: Option<String>,
}

#[derive(Clone, Copy)]
pub(super) enum State {
    Closed,
    Open { until: Duration },
    Probing { since: Duration },
}

/// What a result changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Opened,
    Closed,
}

/// The cause if the endpoint asked for a pause.
fn asked() -> Cause {
    Cause::new("it asked for a pause").of_kind(CauseKind::AskedToWait)
}

impl Hold {
    /// Makes it last at least for `wait` from now on.
    fn extend(&mut self, wait: Duration, limit: Option<String>, now: Duration) {
        if now + wait > self.until {
            let since = if self.until > now { self.since } else { now };
            *self = Self { since, until: now + wait, limit };
        }
    }
}

impl CircuitBreaker {
    pub(super) fn new(rate: f64) -> Self {
        Self {
            state: State::Closed,
            failures: 0,
            cause: Cause::default(),
            in_a_row: 0,
            refused: BTreeSet::new(),
            held: Hold::default(),
            cut_short: Hold::default(),
            open_since: None,
            pause: FIRST_PAUSE,
            longest_pause: Duration::ZERO,
            rate: SharedRate::new(rate),
        }
    }

    /// Allows a call, or returns how long to wait before asking again.
    pub(super) fn admit(&mut self, now: Duration) -> Result<Admitted, Duration> {
        if let Some(wait) = self.closed_for(now) {
            return Err(wait);
        }
        // A short pause until the limit is new is waited for here.
        let hold = self.rate.reserve(now, LONGEST_HOLD)?.max(self.held.until.saturating_sub(now));
        if matches!(self.state, State::Closed) {
            return Ok(Admitted { kind: CallKind::Usual, hold });
        }
        // An operator's try of a pause begins here.
        self.open_since.get_or_insert(now);
        self.state = State::Probing { since: now };
        Ok(Admitted { kind: CallKind::Probe, hold })
    }

    pub(super) fn closed_for(&self, now: Duration) -> Option<Duration> {
        let until = match self.state {
            State::Open { until } => until.max(self.held.until),
            // A probe of another call is running. Ask again soon.
            State::Probing { since } if now < since + LONGEST_PROBE => now + FIRST_PAUSE,
            State::Closed if self.held.limit.is_some() && self.held.until <= now + LONGEST_HOLD => now,
            State::Closed | State::Probing { .. } => self.held.until,
        };
        let wait = until.saturating_sub(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// Returns the last failure, in words.
    pub(super) fn cause(&self) -> String {
        let cause = shortened(self.cause.to_string());
        if self.in_a_row > 1 { format!("{cause}, {} failures in a row", self.in_a_row) } else { cause }
    }

    fn fails_with(&mut self, cause: Cause, in_a_row: u32) {
        (self.cause, self.in_a_row) = (cause, in_a_row);
    }

    /// Returns the state as others see it.
    pub(super) fn state(&self, now: Duration) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            // A pause that an operator ended; nothing was tried yet.
            State::Open { .. } if self.open_since.is_none() => BreakerState::Closed,
            State::Open { until } if until.max(self.held.until) <= now => BreakerState::HalfOpen,
            State::Open { .. } => BreakerState::Open,
            State::Probing { .. } => BreakerState::Probing,
        }
    }

    /// Lets one call test the endpoint now. Returns whether calls had to wait, and no test was
    /// running.
    pub(super) fn probe_now(&mut self, now: Duration) -> bool {
        let tests = matches!(self.state, State::Probing { .. });
        if tests || self.closed_for(now).is_none() {
            return false;
        }
        if self.open_since.is_none() {
            self.fails_with(asked(), 0);
        }
        self.cut_short = std::mem::take(&mut self.held);
        self.state = State::Open { until: Duration::ZERO };
        true
    }

    /// Records that the endpoint's limit of calls is used up.
    pub(super) fn used_up(&mut self, UsedUp { limit, wait }: &UsedUp, now: Duration) {
        let limit = limit.map_or_else(String::new, |limit| format!(" ({limit})"));
        self.held.extend(*wait, Some(limit), now);
    }

    /// Records a result. Returns whether it opened or closed the breaker.
    pub(super) fn report(&mut self, report: CallOutcome, now: Duration, kind: CallKind) -> Option<Change> {
        match report {
            CallOutcome::Answered => {
                // A late answer to a call from before the breaker opened says nothing about the
                // endpoint now.
                if kind == CallKind::Usual && !matches!(self.state, State::Closed) {
                    return None;
                }
                let closed = self.open_since.map(|_| Change::Closed);
                let held = std::mem::take(&mut self.held);
                *self = Self { held, rate: self.rate, ..Self::new(0.0) };
                closed
            }
            CallOutcome::Stopped(wait) => {
                let opened = self.open_since.is_none().then_some(Change::Opened);
                self.open_since.get_or_insert(now);
                self.fails_with(Cause::new("too many refresh tokens were rejected in a row"), 0);
                self.state = State::Open { until: now + wait.min(LONGEST_STOP) };
                opened
            }
            CallOutcome::Throttled(wait) => self.count(asked(), Some(wait), now, kind),
            CallOutcome::Failed { cause, retry_after } => self.count(cause, retry_after, now, kind),
            CallOutcome::Misconfigured { user, what } => {
                if self.refused.len() < USERS_REFUSED {
                    self.refused.insert(user);
                }
                let refused = Cause::new("Klarna refused the merchant's settings").with(what.to_string());
                self.fails_with(refused.of_kind(what.kind), 0);
                self.failed(now, kind)
            }
        }
    }

    /// Counts a failure. One that asks for a pause counts too, because the endpoint is no more
    /// useful than one that does not answer.
    fn count(
        &mut self,
        cause: Cause,
        retry_after: Option<Duration>,
        now: Duration,
        kind: CallKind,
    ) -> Option<Change> {
        self.held.extend(retry_after.unwrap_or_default(), None, now);
        if kind == CallKind::Probe && retry_after.is_none() && self.cut_short.until > self.held.until {
            self.held = std::mem::take(&mut self.cut_short);
        }
        self.failures = self.failures.saturating_add(1);
        self.fails_with(cause, self.failures);
        self.failed(now, kind)
    }

    /// Opens the breaker if enough failures were counted, or again if the call was a probe.
    fn failed(&mut self, now: Duration, kind: CallKind) -> Option<Change> {
        let is_enough = self.failures >= FAILURES || self.refused.len() >= USERS_REFUSED;
        let change = match kind {
            CallKind::Usual if is_enough && matches!(self.state, State::Closed) => Some(Change::Opened),
            CallKind::Usual => return None,
            CallKind::Probe => {
                self.pause = (self.pause * 2).min(self.longest_pause);
                None
            }
        };
        self.open_since.get_or_insert(now);
        self.state = State::Open { until: now + self.pause };
        change
    }
}

/// Returns a cause without what is too long.
fn shortened(mut cause: String) -> String {
    if let Some((end, _)) = cause.char_indices().nth(LONGEST_CAUSE) {
        cause.truncate(end);
        cause.push('…');
    }
    cause
}
