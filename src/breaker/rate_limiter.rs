//! How fast an endpoint may be called.

use std::time::Duration;

/// A pace of so many a second, with a burst of as many (the generic cell rate algorithm: one time is all its state).
#[derive(Clone, Copy, Debug)]
pub struct RateLimiter {
    interval: Duration,
    burst: Duration,
    /// When a call at exactly the pace would be due.
    due: Duration,
}

impl RateLimiter {
    /// A pace of `rate` a second; one that is no positive number holds nothing back.
    #[must_use]
    pub fn new(rate: f64) -> Self {
        let interval = Duration::try_from_secs_f64(1.0 / rate).unwrap_or_default();
        Self { interval, burst: Duration::from_secs(1).max(interval), due: Duration::ZERO }
    }

    /// Reserves one call's place: how long to hold the call back, `longest` at most.
    ///
    /// # Errors
    /// How long it would have to be held back, where that is longer; nothing is reserved.
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
        /// Over any span, no more than rate times span calls are let go, and one burst.
        #[test]
        fn a_pace_is_kept(rate in 1_u32..500, steps in prop::collection::vec(0_u64..50, 1..400)) {
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
