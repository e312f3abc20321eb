//! Pauses: an operator stops a kind of work of a merchant, or of all merchants, for a time or until
//! it is resumed. The database has the rows. A process that works keeps a copy of them here, so
//! that nobody who asks has to wait for the database.
//!
//! A pause that ends by time needs no process to end it: whoever reads it sees that it is over.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use utoipa::ToSchema;

use crate::ids::MerchantName;
use crate::words::words;

/// The longest time that a pause can be given; without a time it lasts until it is resumed.
const LONGEST: Duration = Duration::from_hours(366 * 24);
/// The most characters of a reason.
const LONGEST_REASON: usize = 500;
/// When to ask again while something is paused that may be resumed at any time.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest wait before asking again: an operator may resume before the time is over.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// What a pause stops. Work that has started is completed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum PauseKind {
    /// No order is started, and no submitted one is changed or acknowledged at Klarna. Orders are
    /// accepted and wait, and their deadlines go on
    Orders,
    /// No refresh token is presented. Orders wait within `vault.token_patience`, then go without a
    /// token
    Exchanges,
    /// The keeper refreshes no token of the merchant
    Keeper,
    /// No webhook is sent. Events wait, and no attempt is counted
    Webhooks,
}

words!(PauseKind { Orders = "orders", Exchanges = "exchanges", Keeper = "keeper", Webhooks = "webhooks" });

impl PauseKind {
    /// Returns what is paused, in words for people, in the plural.
    #[must_use]
    pub const fn named(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Exchanges => "exchanges of refresh tokens",
            Self::Keeper => "sweeps of the keeper",
            Self::Webhooks => "webhooks",
        }
    }
}

/// A pause, as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The merchant; `None`: all merchants.
    pub merchant: Option<MerchantName>,
    /// What it stops.
    pub kind: PauseKind,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who ordered it, as the audit log names them.
    pub paused_by: String,
    /// When it began.
    pub since: DateTime<Utc>,
    /// When it ends by itself; `None`: when it is resumed.
    pub until: Option<DateTime<Utc>>,
    /// The database's time when this was read.
    pub read_at: DateTime<Utc>,
}

impl Pause {
    /// Whether it stops this kind of work of the merchant.
    #[must_use]
    pub fn stops(&self, kind: PauseKind, merchant: &MerchantName) -> bool {
        self.kind == kind && self.merchant.as_ref().is_none_or(|paused| paused == merchant)
    }

    /// For how long it had lasted when it was read.
    #[must_use]
    pub fn age(&self) -> Duration {
        (self.read_at - self.since).to_std().unwrap_or_default()
    }

    /// What is left of it this long after it was read; `None` if it is over.
    fn after(&self, passed: Duration) -> Option<Paused> {
        let left = match self.until {
            Some(until) => {
                let left = (until - self.read_at).to_std().unwrap_or_default().saturating_sub(passed);
                (!left.is_zero()).then_some(Some(left))?
            }
            None => None,
        };
        Some(Paused { age: self.age() + passed, left })
    }

    /// What makes it another pause than an earlier one of the same place.
    fn identity(&self) -> (Option<&MerchantName>, PauseKind, DateTime<Utc>, Option<DateTime<Utc>>) {
        (self.merchant.as_ref(), self.kind, self.since, self.until)
    }
}

/// A kind of work of a merchant is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paused {
    /// For how long it has been.
    pub age: Duration,
    /// For how long it will be; `None`: until it is resumed.
    pub left: Option<Duration>,
}

impl Paused {
    /// When to ask again.
    #[must_use]
    pub fn wait(self) -> Duration {
        self.left.unwrap_or(AGAIN).min(LONGEST_WAIT)
    }

    /// Two pauses of the same work: one of the merchant and one of all merchants.
    fn and(self, other: Self) -> Self {
        let left = self.left.zip(other.left).map(|(left, other)| left.max(other));
        Self { age: self.age.max(other.age), left }
    }
}

/// The pauses that this process knows. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Pauses {
    copy: watch::Sender<Rows>,
    outdated: Arc<Notify>,
}

/// A copy of the rows.
#[derive(Debug, Default)]
pub struct Rows {
    pauses: Vec<Pause>,
    /// When they were read, since boot.
    read_at: Duration,
}

impl Pauses {
    /// Whether work of this kind of the merchant may begin, at the time `now` since boot. Whoever
    /// begins such work asks this first.
    #[must_use]
    pub fn allow(&self, kind: PauseKind, merchant: &MerchantName, now: Duration) -> bool {
        self.of(kind, merchant, now).is_none()
    }

    /// Returns the pause of this kind of work of the merchant, at the time `now` since boot.
    #[must_use]
    pub fn of(&self, kind: PauseKind, merchant: &MerchantName, now: Duration) -> Option<Paused> {
        let rows = self.copy.borrow();
        let passed = now.saturating_sub(rows.read_at);
        let found = rows.pauses.iter().filter(|pause| pause.stops(kind, merchant));
        found.filter_map(|pause| pause.after(passed)).reduce(Paused::and)
    }

    /// Replaces the copy by rows that were read at the time `read_at` since boot. Returns whether
    /// there are other pauses now.
    pub fn replace(&self, pauses: Vec<Pause>, read_at: Duration) -> bool {
        self.copy.send_if_modified(|rows| {
            let same = rows.pauses.iter().map(Pause::identity).eq(pauses.iter().map(Pause::identity));
            *rows = Rows { pauses, read_at };
            !same
        })
    }

    /// Returns a receiver that is notified when pauses begin, change or are resumed.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Rows> {
        self.copy.subscribe()
    }

    /// Says that the rows may have changed.
    pub fn set_outdated(&self) {
        self.outdated.notify_one();
    }

    /// Waits until somebody says that the rows may have changed. One task waits.
    pub async fn outdated(&self) {
        self.outdated.notified().await;
    }
}

/// Returns what a pause leaves in the audit log, beside its merchant.
#[must_use]
pub fn describe(kind: PauseKind, until: Option<DateTime<Utc>>, reason: &str) -> String {
    let until = until.map(|until| format!(" until {}", until.to_rfc3339_opts(SecondsFormat::Secs, true)));
    format!("{}{}: {reason}", kind.as_str(), until.unwrap_or_default())
}

/// Checks a reason.
///
/// # Errors
/// What is wrong, as a phrase to read after its name.
pub fn check_reason(reason: &str) -> Result<(), &'static str> {
    if reason.trim().is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err("is empty or too long, expected 1 to 500 characters");
    }
    if reason.chars().any(char::is_control) {
        return Err("has a control character, expected 1 to 500 characters without any");
    }
    Ok(())
}

/// Reads how long a pause lasts, such as `10m`.
///
/// # Errors
/// What to write instead.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    let duration = humantime::parse_duration(text).ok();
    duration
        .filter(|duration| (Duration::from_secs(1)..=LONGEST).contains(duration))
        .ok_or("is not a time from 1s to 366days; write 10m or 2h 30m, for example")
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn pause(merchant: Option<&str>, kind: PauseKind, seconds: Option<i64>) -> Pause {
        let since = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let read_at = since + TimeDelta::seconds(30);
        let until = seconds.map(|seconds| read_at + TimeDelta::seconds(seconds));
        let (reason, paused_by) = ("a test".to_owned(), "local".to_owned());
        Pause { merchant: merchant.map(Into::into), kind, reason, paused_by, since, until, read_at }
    }

    const AT: Duration = Duration::from_secs(1000);

    fn later(seconds: u64) -> Duration {
        AT + Duration::from_secs(seconds)
    }

    #[test]
    fn a_pause_stops_its_kind_of_its_merchant_until_its_time_is_over() {
        let pauses = Pauses::default();
        pauses.replace(vec![pause(Some("shop"), PauseKind::Orders, Some(10))], AT);
        let (shop, other) = ("shop".into(), "other".into());
        let of = |seconds| pauses.of(PauseKind::Orders, &shop, later(seconds));
        let second = Duration::from_secs;
        assert_eq!(of(0), Some(Paused { age: second(30), left: Some(second(10)) }));
        assert_eq!(of(9), Some(Paused { age: second(39), left: Some(second(1)) }));
        assert_eq!(of(10), None, "it is over, and nobody has ended it");
        assert!(pauses.allow(PauseKind::Orders, &other, AT) && pauses.allow(PauseKind::Keeper, &shop, AT));
    }

    #[test]
    fn a_pause_of_all_merchants_and_one_of_a_merchant_both_hold() {
        let pauses = Pauses::default();
        let all = pause(None, PauseKind::Webhooks, Some(5));
        pauses.replace(vec![all.clone(), pause(Some("shop"), PauseKind::Webhooks, Some(60))], AT);
        let of = |merchant: &str| pauses.of(PauseKind::Webhooks, &merchant.into(), AT).unwrap().left;
        assert_eq!((of("other"), of("shop")), (Some(Duration::from_secs(5)), Some(Duration::from_mins(1))));
        pauses.replace(vec![all, pause(Some("shop"), PauseKind::Webhooks, None)], AT);
        assert_eq!(of("shop"), None, "until it is resumed");
    }

    #[test]
    fn only_a_change_is_notified() {
        let pauses = Pauses::default();
        let changes = pauses.subscribe();
        let first = pause(None, PauseKind::Orders, None);
        pauses.replace(vec![first.clone()], AT);
        assert!(changes.clone().has_changed().unwrap());
        let changes = pauses.subscribe();
        pauses.replace(vec![Pause { read_at: first.read_at + TimeDelta::seconds(1), ..first }], later(1));
        assert!(!changes.has_changed().unwrap());
        pauses.replace(Vec::new(), later(2));
        assert!(changes.has_changed().unwrap());
    }

    #[test]
    fn whoever_waits_asks_again_soon_enough() {
        let wait = |seconds: Option<u64>| {
            Paused { age: Duration::ZERO, left: seconds.map(Duration::from_secs) }.wait().as_secs()
        };
        assert_eq!((wait(Some(20)), wait(Some(3600)), wait(None)), (20, 60, 1));
    }

    #[test]
    fn reasons_and_times_are_checked() {
        assert_eq!(check_reason("Klarna is down"), Ok(()));
        for bad in ["", "  ", "a\nb", &"x".repeat(501)] {
            assert!(check_reason(bad).is_err(), "{bad:?}");
        }
        assert_eq!(duration("2h 30m"), Ok(Duration::from_mins(150)));
        for bad in ["", "10", "0s", "500ms", "2years", "soon"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }
}
