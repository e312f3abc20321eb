//! Calculates when a token is due. Pure functions.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::backoff::Backoff;
use crate::clock::delta;
use crate::config;
use crate::ids::UserKey;
use crate::vault::DueDates;

/// The back-off after failures: from 5 minutes to a day.
const AFTER_FAILURE: Backoff = Backoff { base: Duration::from_mins(5), cap: Duration::from_hours(24) };
/// The wait after an exchange that brought no new refresh token: such a provider announces no new
/// expiry.
pub(super) const AFTER_UNCHANGED: Duration = Duration::from_hours(24);

/// Due dates by the settings `keeper.refresh_before` and `keeper.spread`.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    refresh_before: Duration,
    spread: Duration,
}

impl Due {
    /// Due dates by these settings.
    #[must_use]
    pub fn new(settings: &config::Keeper) -> Self {
        Self { refresh_before: settings.refresh_before, spread: settings.spread }
    }
}

impl DueDates for Due {
    /// `refresh_before` ahead of the expiry, and up to `spread` earlier by a hash of merchant and
    /// user: constant for a user, and evenly distributed over users, so that the tokens of one
    /// import do not become due at the same time.
    fn due_at(&self, key: &UserKey, expires_at: DateTime<Utc>) -> DateTime<Utc> {
        let earlier = self.spread.mul_f64(share(key));
        expires_at.checked_sub_signed(delta(self.refresh_before) + delta(earlier)).unwrap_or(expires_at)
    }
}

/// A number from 0 to 1 derived from merchant and user, equal on every machine and in every version
/// of the program.
fn share(key: &UserKey) -> f64 {
    let mut hash = Sha256::new();
    for part in [key.merchant.as_str(), "\0", key.user.as_str()] {
        hash.update(part);
    }
    let hash = hash.finalize();
    let first = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    f64::from(first) / f64::from(u32::MAX)
}

/// The wait after `failures` failures in a row: at least `asked`, but no longer than `left`, the
/// time until the token expires. `unit` is a random number from 0 to 1.
pub(super) fn after_failure(failures: u32, unit: f64, asked: Duration, left: TimeDelta) -> Duration {
    let wait = AFTER_FAILURE.delay(failures, unit, Some(asked));
    match left.to_std() {
        // Half of it, so that there are more tries.
        Ok(left) if !left.is_zero() => wait.min(left / 2),
        // By this clock the token has expired, but the clock may be wrong.
        _ => wait,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const DUE: Due =
        Due { refresh_before: Duration::from_hours(20 * 24), spread: Duration::from_hours(10 * 24) };

    fn expiry() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    #[test]
    fn the_date_is_the_same_everywhere_and_for_ever() {
        let left = |merchant: &str, user: &str| {
            (expiry() - DUE.due_at(&UserKey::new(merchant, user), expiry())).num_seconds()
        };
        assert_eq!(
            [left("shop", "u-1"), left("shop", "u-2"), left("other", "u-1")],
            [1_916_859, 2_187_285, 2_095_620]
        );
        assert_ne!(left("a", "bc"), left("ab", "c"));
    }

    #[test]
    fn many_users_are_spread_evenly() {
        let mut days = [0_u32; 10];
        for user in 0..10_000 {
            let left = expiry() - DUE.due_at(&UserKey::new("shop", format!("u-{user}")), expiry());
            days[usize::try_from(left.num_days() - 20).unwrap().min(9)] += 1;
        }
        assert!(days.iter().all(|count| (750..=1250).contains(count)), "{days:?}");
    }

    #[test]
    fn waits_grow_from_minutes_to_a_day() {
        let waits = [1, 2, 3, 9, 100]
            .map(|failures| after_failure(failures, 1.0, Duration::ZERO, TimeDelta::days(60)));
        assert_eq!(waits.map(|wait| wait.as_secs() / 60), [5, 10, 20, 1280, 1440]);
    }

    proptest! {
        #[test]
        fn a_date_lies_within_the_spread(user in ".{0,40}") {
            let left = (expiry() - DUE.due_at(&UserKey::new("shop", user), expiry())).to_std().unwrap();
            prop_assert!(left >= 20 * DAY && left <= 30 * DAY);
        }

        #[test]
        fn no_wait_outlasts_the_token(
            failures in 1_u32..100,
            unit in 0.0..=1.0,
            asked in 0_u64..1_000_000,
            left in 1_i64..5_000_000,
        ) {
            let wait = after_failure(failures, unit, Duration::from_secs(asked), TimeDelta::seconds(left));
            prop_assert!(delta(wait) < TimeDelta::seconds(left));
        }

        #[test]
        fn past_its_time_a_token_is_tried_on(failures in 1_u32..100, unit in 0.0..=1.0, past in 0_i64..5_000_000) {
            let wait = after_failure(failures, unit, Duration::ZERO, TimeDelta::seconds(-past));
            prop_assert!(wait >= Duration::from_secs(150) && wait <= DAY);
        }
    }
}
