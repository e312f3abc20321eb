//! Limits the rate of calls.

use std::time::Duration;

/// Allows a number of calls a second, with a burst of the same number. It uses the generic cell
/// rate algorithm, whose whole state is one time.
#[derive(Clone, Copy, Debug)]
pub struct RateLimiter {
    interval: Duration,
    burst: Duration,
    /// When the next call is due at exactly this rate.
    due: Duration,
}

impl RateLimiter {
    /// Creates a limiter of `rate` calls a second. A rate that is not a positive number means no
    /// limit.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        let mut limiter = Self { interval: Duration::ZERO, burst: Duration::ZERO, due: Duration::ZERO };
        limiter.set_rate(rate);
        limiter
    }

    /// Changes the rate. Calls that are reserved already keep their places.
    pub fn set_rate(&mut self, rate: f64) {
        self.set_rate_with(rate, Duration::from_secs(1));
    }

    /// Changes the rate, with a burst of the calls of this time, but at least one.
    pub(super) fn set_rate_with(&mut self, rate: f64, burst: Duration) {
        self.interval = Duration::try_from_secs_f64(1.0 / rate).unwrap_or_default();
        self.burst = burst.max(self.interval);
    }

    /// Gives the place of one call back that is not made.
    pub(super) fn give_back(&mut self) {
        self.due = self.due.saturating_sub(self.interval);
    }

    /// Reserves one call and returns how long to delay it, at most `longest`.
    ///
    /// # Errors
    /// The delay that the call would need, if it is longer than `longest`. Nothing is reserved.
    pub fn reserve(&mut self, now: Duration, longest: Duration) -> Result<Duration, Duration> {
        let due = self.due.max(now) + self.interval;
        let wait = due.saturating_sub(now + self.burst);
        if wait > longest {
            return Err(wait);
        }
        self.due = due;
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONGEST_HOLD: Duration = Duration::from_secs(1);

    proptest! {
        /// In any period, the calls allowed are at most rate times period, plus one burst.
        #[test]
        fn a_rate_is_kept(rate in 1_u32..500, steps in prop::collection::vec(0_u64..50, 1..400)) {
            let mut rate_limiter = RateLimiter::new(f64::from(rate));
            let mut now = Duration::from_secs(5);
            let mut calls = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                match rate_limiter.reserve(now, LONGEST_HOLD) {
                    Ok(hold) => {
                        prop_assert!(hold <= LONGEST_HOLD);
                        calls.push(now + hold);
                    }
                    Err(wait) => prop_assert!(wait > LONGEST_HOLD),
                }
            }
            for (count, at) in (1_u32..).zip(&calls) {
                let span = at.saturating_sub(calls[0]).as_secs_f64();
                prop_assert!(f64::from(count) <= f64::from(rate) * (span + 1.0) + 2.0);
            }
        }

        #[test]
        fn the_wait_that_is_told_is_enough(rate in 1_u32..500, calls in 1_usize..1000) {
            let mut rate_limiter = RateLimiter::new(f64::from(rate));
            let mut now = Duration::from_secs(5);
            for _ in 0..calls {
                if let Err(wait) = rate_limiter.reserve(now, Duration::ZERO) {
                    now += wait;
                    prop_assert_eq!(rate_limiter.reserve(now, Duration::ZERO), Ok(Duration::ZERO));
                }
            }
        }
    }
}
