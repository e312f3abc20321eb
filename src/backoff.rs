//! When to try again: exponential back-off with jitter.

use std::time::Duration;

/// An exponential back-off. Half of each wait is fixed and half is random ("equal jitter"), so that
/// nobody retries at once, and those that failed together do not retry together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure. It doubles with each further failure.
    pub base: Duration,
    /// The longest wait of all.
    pub cap: Duration,
}

impl Default for Backoff {
    /// From 1 s to 60 s.
    fn default() -> Self {
        Self { base: Duration::from_secs(1), cap: Duration::from_mins(1) }
    }
}

impl Backoff {
    /// Returns the wait after failed attempt number `attempt` (the first is 1). `unit` is a random
    /// number from 0 to 1.
    ///
    /// `retry_after` is the wait that the other side asked for (`Retry-After`, RFC 9110 section
    /// 10.2.3). The wait is never shorter, even if that exceeds the cap. Where it decides, the wait
    /// is up to one `base` longer, because other callers were given the same time.
    #[must_use]
    pub fn delay(&self, attempt: u32, unit: f64, retry_after: Option<Duration>) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let longest = self.base.saturating_mul(1 << doublings).min(self.cap);
        let wait = longest / 2 + fraction(longest / 2, unit);
        // A shorter one is kept anyway, and must not lengthen the wait.
        let floor = retry_after.filter(|floor| *floor > longest / 2);
        let asked = floor.map(|floor| floor.saturating_add(fraction(self.base, unit)));
        wait.max(asked.unwrap_or_default())
    }
}

/// Returns the fraction `unit` of `whole`. A `unit` outside 0 to 1 counts as 0 or 1.
fn fraction(whole: Duration, unit: f64) -> Duration {
    let unit = if unit.is_nan() { 0.0 } else { unit.clamp(0.0, 1.0) };
    Duration::try_from_secs_f64(whole.as_secs_f64() * unit).unwrap_or(whole).min(whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_up_to_the_cap() {
        let longest: Vec<u64> =
            [1, 2, 3, 6, 7, 8, u32::MAX].map(|n| Backoff::default().delay(n, 1.0, None).as_secs()).to_vec();
        assert_eq!(longest, [1, 2, 4, 32, 60, 60, 60]);
    }

    #[test]
    fn what_was_asked_for_is_kept_beyond_the_cap() {
        let asked = Some(Duration::from_mins(5));
        assert_eq!(Backoff::default().delay(1, 0.0, asked), Duration::from_mins(5));
        assert_eq!(Backoff::default().delay(1, 1.0, asked), Duration::from_secs(301));
    }

    #[test]
    fn a_shorter_wait_that_was_asked_for_lengthens_nothing() {
        let asked = Some(Duration::from_millis(500));
        assert_eq!(Backoff::default().delay(1, 1.0, asked), Duration::from_secs(1));
        assert_eq!(Backoff::default().delay(3, 1.0, Some(Duration::from_secs(2))), Duration::from_secs(4));
    }

    proptest! {
        #[test]
        fn waits_stay_within_their_bounds(
            attempt: u32,
            unit in proptest::num::f64::ANY,
            asked in proptest::option::of(0_u64..=u64::MAX),
        ) {
            let backoff = Backoff::default();
            let asked = asked.map(Duration::from_secs);
            let wait = backoff.delay(attempt, unit, asked);
            let floor = asked.unwrap_or_default();
            prop_assert!(wait >= floor);
            prop_assert!(wait >= backoff.base / 2);
            prop_assert!(wait <= backoff.cap.max(floor.saturating_add(backoff.base)));
        }

        #[test]
        fn a_later_attempt_never_waits_less(attempt in 0_u32..100, unit in 0.0..=1.0) {
            let backoff = Backoff::default();
            prop_assert!(backoff.delay(attempt, unit, None) <= backoff.delay(attempt + 1, unit, None));
        }
    }
}
