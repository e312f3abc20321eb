//! What an order waited for before it was claimed again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The most waits of an order that are kept.
const MOST: usize = 20;
/// An order that has waited is claimed again within this time, unless others are before it.
const SOON: TimeDelta = TimeDelta::minutes(1);

/// A time for which an order was put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// What it waited for, in words without secrets, to read after "waited for".
    pub what: String,
    /// When it began.
    pub since: DateTime<Utc>,
    /// When the order was due again.
    pub until: DateTime<Utc>,
}

/// The waits of an order, oldest first. Waits between attempts are not among them: the attempts
/// tell those.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Waits(Vec<Wait>);

impl Waits {
    /// Adds a wait from `since` on. If the last one was for the same thing and has just ended, it
    /// goes on. Of too many, the oldest goes.
    #[must_use]
    pub fn and(&self, what: impl Into<String>, since: DateTime<Utc>, lasts: Duration) -> Self {
        let (what, mut waits) = (what.into(), self.0.clone());
        let until = later(since, lasts);
        match waits.last_mut() {
            Some(last) if last.what == what && since - last.until < SOON => last.until = until,
            last => {
                if let Some(last) = last {
                    // An operator may have made it due before.
                    last.until = last.until.min(since);
                }
                waits.push(Wait { what, since, until });
            }
        }
        if waits.len() > MOST {
            waits.remove(0);
        }
        Self(waits)
    }

    /// Returns them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Wait> {
        self.0.iter()
    }

    /// Lets the last one last longer.
    pub(super) fn prolong(&mut self, by: Duration) {
        if let Some(last) = self.0.last_mut() {
            last.until = later(last.until, by);
        }
    }
}

fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let later = TimeDelta::from_std(by).ok().and_then(|by| time.checked_add_signed(by));
    later.unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
    }

    fn told(waits: &Waits) -> Vec<(&str, i64, i64)> {
        let second = |time: DateTime<Utc>| (time - at(0)).num_seconds();
        waits.iter().map(|wait| (&*wait.what, second(wait.since), second(wait.until))).collect()
    }

    #[test]
    fn a_wait_that_goes_on_is_one_and_another_is_another() {
        let seconds = Duration::from_secs;
        let waits = Waits::default().and("a", at(0), seconds(10)).and("a", at(12), seconds(10));
        let waits =
            waits.and("b", at(20), seconds(5)).and("a", at(25), seconds(5)).and("a", at(90), seconds(1));
        assert_eq!(told(&waits), [("a", 0, 20), ("b", 20, 25), ("a", 25, 30), ("a", 90, 91)]);
        let many = (0..30).fold(waits, |waits, n| waits.and(n.to_string(), at(100 + n), seconds(1)));
        assert_eq!((many.iter().count(), told(&many)[0]), (MOST, ("10", 110, 111)));
    }
}
