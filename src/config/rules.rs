//! Rules between settings of different sections, which the exchange protocol depends on.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::api_key::{Credential, STRONG_KEY};
use super::reader::Reader;
use super::strength::is_hash_of_trial;
use super::{Checkout, Keeper, Merchants, Queue, Retention, Server, Vault};
use crate::clock::delta;

/// The interval of the heartbeat that renews a process's row in `workers`.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// Time to store the results of the last calls during a stop.
const SETTLE: Duration = Duration::from_secs(5);

/// A duration with a minimum that follows from other settings.
struct AtLeast<'a> {
    key: &'a str,
    value: Duration,
    least: Duration,
    /// The minimum in words, naming the other keys.
    formula: &'a str,
    others: &'a [&'a str],
}

/// Checks that no API key is one of the trial in `deploy/try`, unless this is that trial.
pub(super) fn check_keys(reader: &mut Reader, installation: Option<&str>, server: &Server) {
    let installation = installation.unwrap_or_default();
    for key in &server.api_keys {
        if let Credential::Key(hash) = &key.credential
            && is_hash_of_trial(hash, installation)
        {
            let wrong =
                format!("the key {} is that of the trial in deploy/try, which everybody knows", key.name);
            reader.fault("server.api_keys", wrong, STRONG_KEY);
        }
    }
}

pub(super) fn check(reader: &mut Reader, server: &Server, vault: &Vault, checkout: &Checkout, queue: &Queue) {
    let rules = [
        // A replay that overtakes its own first request would look like a stolen token to Klarna.
        AtLeast {
            key: "vault.replay_after",
            value: vault.replay_after,
            least: vault.exchange_timeout / 2,
            formula: "half of vault.exchange_timeout",
            others: &["vault.exchange_timeout"],
        },
        // A process must not be considered dead while its request is in flight.
        AtLeast {
            key: "vault.orphan_after",
            value: vault.orphan_after,
            least: 4 * (vault.send_within + vault.exchange_timeout),
            formula: "four times vault.send_within plus vault.exchange_timeout",
            others: &["vault.send_within", "vault.exchange_timeout"],
        },
        AtLeast {
            key: "queue.worker_lost_after",
            value: queue.worker_lost_after,
            least: 4 * HEARTBEAT,
            formula: "four heartbeats of a worker",
            others: &[],
        },
        AtLeast {
            key: "server.shutdown_grace",
            value: server.shutdown_grace,
            least: vault.exchange_timeout + checkout.timeout + SETTLE,
            formula: "vault.exchange_timeout plus checkout.timeout plus 5s",
            others: &["vault.exchange_timeout", "checkout.timeout"],
        },
        // The token must still be valid when Klarna reads the order.
        AtLeast {
            key: "vault.access_token_margin",
            value: vault.access_token_margin,
            least: checkout.timeout,
            formula: "checkout.timeout",
            others: &["checkout.timeout"],
        },
    ];
    for AtLeast { key, value, least, formula, others } in rules {
        let unsure = reader.is_faulty(key) || others.iter().any(|other| reader.is_faulty(other));
        if value < least && !unsure {
            let instead = format!("write \"{}\" or more", humantime::format_duration(least));
            reader.fault(key, format!("shorter than {formula}"), instead);
        }
    }
}

/// A schedule that never fires, or settings that can never act, look right until tokens expire.
pub(super) fn check_effect(
    reader: &mut Reader,
    keeper: &Keeper,
    vault: &Vault,
    queue: &Queue,
    now: DateTime<Utc>,
) {
    let sure = |reader: &Reader, keys: &[&str]| !keys.iter().any(|key| reader.is_faulty(key));
    if let Some(schedule) = &keeper.schedule
        && sure(reader, &["keeper.schedule", "keeper.refresh_before"])
    {
        match longest_gap(schedule, now, keeper.refresh_before) {
            Gap::Never => {
                reader.fault(
                    "keeper.schedule",
                    "never fires",
                    "write a schedule that fires at least daily, or \"off\"",
                );
            }
            Gap::Long => {
                let wrong =
                    "does not fire for longer than keeper.refresh_before, so that tokens would expire";
                reader.fault(
                    "keeper.schedule",
                    wrong,
                    "write a schedule that fires at least daily, or \"off\"",
                );
            }
            Gap::Short => {}
        }
    }
    if let (Some(stop), Some(forget)) = (keeper.stop_after_idle, keeper.forget_after_idle)
        && stop >= forget
    {
        let wrong = "not shorter than keeper.forget_after_idle, so it never acts";
        reader.fault("keeper.stop_after_idle", wrong, "write a shorter time, or leave it out");
    }
    if vault.token_patience > queue.order_deadline
        && sure(reader, &["vault.token_patience", "queue.order_deadline"])
    {
        let wrong = "longer than queue.order_deadline, so orders fail instead of going out without a token";
        let deadline = humantime::format_duration(queue.order_deadline);
        reader.fault("vault.token_patience", wrong, format!("write \"{deadline}\" or less"));
    }
    if vault.access_token_margin >= ACCESS_TOKEN_LIFE && sure(reader, &["vault.access_token_margin"]) {
        let wrong =
            "not shorter than the life of Klarna's access tokens (299 s), so no token is ever used again";
        reader.fault("vault.access_token_margin", wrong, "write \"4m\" or less");
    }
}

/// The life of Klarna's access tokens.
const ACCESS_TOKEN_LIFE: Duration = Duration::from_secs(299);

/// How far ahead a schedule is examined.
const HORIZON: TimeDelta = TimeDelta::days(400);

/// The most points in time of a schedule that are examined.
const MOST_POINTS: i32 = 1000;

/// What is wrong with a schedule.
#[derive(Debug, PartialEq, Eq)]
enum Gap {
    Short,
    /// Two sweeps are at some time further apart than allowed, or no further sweep follows.
    Long,
    /// It does not fire at all.
    Never,
}

fn longest_gap(schedule: &cron::Schedule, now: DateTime<Utc>, allowed: Duration) -> Gap {
    if schedule.after(&now).next().is_none() {
        return Gap::Never;
    }
    let allowed = delta(allowed);
    let step = (allowed / 8).max(HORIZON / MOST_POINTS);
    let mut at = now;
    while at < now + HORIZON {
        match schedule.after(&at).next() {
            Some(next) if next - at <= allowed.max(TimeDelta::days(1)) => at = next.max(at + step),
            _ => return Gap::Long,
        }
    }
    Gap::Short
}

/// The keeper must not refresh tokens from their first day on, and must leave half of a merchant's
/// token rate to orders.
pub(super) fn check_keeper(reader: &mut Reader, keeper: &Keeper, merchants: &Merchants) {
    if let Some(shortest) = merchants.values().min_by_key(|merchant| merchant.refresh_token_lifetime) {
        let lifetime = format!("merchants.{}.refresh_token_lifetime", shortest.name);
        let unsure =
            ["keeper.refresh_before", "keeper.spread", &lifetime].iter().any(|key| reader.is_faulty(key));
        // A token that is due from its first day on would be refreshed at every sweep.
        if !unsure && keeper.refresh_before + keeper.spread >= shortest.refresh_token_lifetime {
            let wrong = format!("together with keeper.spread not shorter than {lifetime}");
            let instead = format!("write less, so that both together stay below {lifetime}");
            reader.fault("keeper.refresh_before", wrong, instead);
        }
    }
    let slowest =
        merchants.values().min_by(|a, b| a.token_rate_per_second.total_cmp(&b.token_rate_per_second));
    if let Some(slowest) = slowest {
        let rate = format!("merchants.{}.token_rate_per_second", slowest.name);
        let unsure = ["keeper.rate_per_second", &rate].iter().any(|key| reader.is_faulty(key));
        let half = slowest.token_rate_per_second / 2.0;
        // Both wait for the same rate limit, and orders must not wait long.
        if !unsure && keeper.rate_per_second > half {
            let wrong = format!("more than half of {rate}, which orders need too");
            reader.fault("keeper.rate_per_second", wrong, format!("write {half} or less, or raise {rate}"));
        }
    }
}

/// A body must be deleted no later than its order, and the hash of a former token not before that
/// token expires: registered again, it would look like a new one.
pub(super) fn check_retention(reader: &mut Reader, retention: &Retention, merchants: &Merchants) {
    let unsure = ["retention.bodies", "retention.orders"].iter().any(|key| reader.is_faulty(key));
    if !unsure && retention.bodies > retention.orders {
        let instead = format!("write \"{}\" or less", humantime::format_duration(retention.orders));
        reader.fault("retention.bodies", "longer than retention.orders", instead);
    }
    if let Some(longest) = merchants.values().max_by_key(|merchant| merchant.refresh_token_lifetime) {
        let lifetime = format!("merchants.{}.refresh_token_lifetime", longest.name);
        let unsure = ["retention.ledger", &lifetime].iter().any(|key| reader.is_faulty(key));
        if !unsure && retention.ledger < longest.refresh_token_lifetime {
            let instead =
                format!("write \"{}\" or more", humantime::format_duration(longest.refresh_token_lifetime));
            reader.fault("retention.ledger", format!("shorter than {lifetime}"), instead);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_must_fire_often_enough() {
        let gap = |schedule: &str| {
            let now = "2026-11-28T12:00:00Z".parse().unwrap();
            longest_gap(&schedule.parse().unwrap(), now, Duration::from_hours(20 * 24))
        };
        for schedule in ["0 */10 * * * *", "* * * * * *", "0 0 3 * * *", "0 0 3 * * Mon", "0 0 3 1,15 * *"] {
            assert_eq!(gap(schedule), Gap::Short, "{schedule}");
        }
        for schedule in ["0 0 0 1 1 *", "0 0 3 1 * *", "* * * * 1 *", "0 0 3 * * * 2027", "0 0 0 29 2 *"] {
            assert_eq!(gap(schedule), Gap::Long, "{schedule}");
        }
        for schedule in ["0 0 0 30 2 *", "0 0 0 31 4 *", "0 */10 * * * * 2020"] {
            assert_eq!(gap(schedule), Gap::Never, "{schedule}");
        }
    }
}
