//! Calculates when an event is sent again. Pure functions.

use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The waits after the first eight failed attempts. Later waits are twelve hours each, until the
/// event is three days old: about a dozen attempts in all. That limit is not here: it is the column
/// `webhooks.give_up_at`, with which the statement `webhook_retry` compares the next attempt's
/// time.
const WAITS: [Duration; 8] = [
    Duration::from_secs(5),
    MINUTE,
    Duration::from_mins(5),
    Duration::from_mins(15),
    HOUR,
    Duration::from_hours(3),
    Duration::from_hours(6),
    LONGEST,
];
const LONGEST: Duration = Duration::from_hours(12);

/// The wait after failed attempt number `attempt`, counted from 1: as in the table, randomly up to
/// a tenth shorter or longer, so that events that failed together are not retried together; but at
/// least `asked`, the shop's `Retry-After`. `unit` is a random number from 0 to 1.
pub(super) fn wait(attempt: i64, unit: f64, asked: Option<Duration>) -> Duration {
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or_default();
    let wait = WAITS.get(index).copied().unwrap_or(LONGEST);
    let jittered = wait.mul_f64(0.9 + 0.2 * unit.clamp(0.0, 1.0));
    jittered.max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_days_take_a_dozen_attempts() {
        let (mut at, mut attempts) = (Duration::ZERO, 1);
        while at + wait(attempts, 0.5, None) <= 72 * HOUR {
            at += wait(attempts, 0.5, None);
            attempts += 1;
        }
        assert_eq!(attempts, 13);
        assert!(at > 56 * HOUR, "{at:?}");
    }

    #[test]
    fn waits_grow_and_are_jittered_by_a_tenth() {
        for attempt in 1..20 {
            let (low, high) = (wait(attempt, 0.0, None), wait(attempt, 1.0, None));
            assert!(low < high && high <= low.mul_f64(1.23), "{attempt}: {low:?} {high:?}");
            assert!(wait(attempt + 1, 0.5, None) >= wait(attempt, 0.5, None));
        }
    }

    #[test]
    fn what_the_shop_asks_for_is_kept() {
        assert_eq!(wait(1, 0.0, Some(2 * HOUR)), 2 * HOUR);
        assert!(wait(8, 0.0, Some(2 * HOUR)) > 2 * HOUR);
    }
}
