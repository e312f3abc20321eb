//! Which processes are silent. Silence is what this process watched, by its own monotonic clock:
//! clocks of machines and databases may step, so the difference of two wall-clock times says
//! nothing about who is alive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ids::WorkerId;

/// How many heartbeats a worker has sent, by its row. It changes with each heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatCount {
    /// The worker.
    pub worker: WorkerId,
    /// The number of its heartbeats.
    pub heartbeats: i64,
}

/// What this process has seen of other workers' heartbeats. Clones share it.
#[derive(Clone)]
pub struct SilenceWatch {
    seen: Arc<Mutex<HashMap<WorkerId, Observation>>>,
    /// The longest time between two polls after which the first still counts. After a longer one,
    /// this process was suspended or had no database.
    longest_gap: Duration,
}

/// Consecutive polls that all showed the same count of a worker. Times since boot.
#[derive(Clone, Copy)]
struct Observation {
    heartbeats: i64,
    /// When the answer of the first poll came.
    since: Duration,
    /// When the last poll was sent.
    until: Duration,
}

/// A poll of all workers' rows.
#[derive(Clone, Copy, Debug)]
pub struct Poll {
    /// When it was asked for; time since boot.
    pub asked_at: Duration,
    /// When its answer came; time since boot.
    pub answered_at: Duration,
}

impl SilenceWatch {
    /// Returns a watch that has seen nothing yet.
    #[must_use]
    pub fn new(longest_gap: Duration) -> Self {
        Self { seen: Arc::default(), longest_gap }
    }

    /// Records what a poll showed: the counts of all workers that have not ended.
    pub fn note(&self, poll: Poll, counts: &[HeartbeatCount]) {
        let mut seen = self.seen();
        let next = |count: &HeartbeatCount| {
            let series = seen.get(&count.worker).copied().filter(|series| {
                series.heartbeats == count.heartbeats
                    && poll.asked_at.saturating_sub(series.until) <= self.longest_gap
            });
            let since = series.map_or(poll.answered_at, |series| series.since);
            (count.worker, Observation { heartbeats: count.heartbeats, since, until: poll.asked_at })
        };
        *seen = counts.iter().map(next).collect();
    }

    /// Forgets everything, because this process could not reach the database: all workers would
    /// appear silent.
    pub fn forget(&self) {
        self.seen().clear();
    }

    /// Returns how long this process has watched the worker's count stay at this value. It ends
    /// with the last poll.
    #[must_use]
    pub fn silent_for(&self, count: HeartbeatCount) -> Duration {
        let seen = self.seen();
        let series = seen.get(&count.worker).filter(|series| series.heartbeats == count.heartbeats);
        series.map_or(Duration::ZERO, |series| series.until.saturating_sub(series.since))
    }

    /// Returns the workers that this process has watched be silent for at least `least`.
    #[must_use]
    pub fn silent(&self, least: Duration) -> Vec<HeartbeatCount> {
        let seen = self.seen();
        let silent = seen.iter().filter(|(_, series)| series.until.saturating_sub(series.since) >= least);
        silent.map(|(&worker, series)| HeartbeatCount { worker, heartbeats: series.heartbeats }).collect()
    }

    /// Returns how many workers there are, this one included, without those that were silent for at
    /// least `least`. Zero if this process knows of none.
    #[must_use]
    pub fn living(&self, least: Duration) -> u32 {
        let seen = self.seen();
        let living = seen.values().filter(|series| series.until.saturating_sub(series.since) < least);
        u32::try_from(living.count()).unwrap_or(u32::MAX)
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<WorkerId, Observation>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const GAP: Duration = Duration::from_secs(4);

    fn count(worker: u128, heartbeats: i64) -> HeartbeatCount {
        HeartbeatCount { worker: Uuid::from_u128(worker).into(), heartbeats }
    }

    fn poll(watch: &SilenceWatch, second: u64, counts: &[HeartbeatCount]) {
        let at = Duration::from_secs(second);
        watch.note(Poll { asked_at: at, answered_at: at + Duration::from_millis(500) }, counts);
    }

    #[test]
    fn silence_is_the_time_between_the_first_and_the_last_look_at_the_same_count() {
        let watch = SilenceWatch::new(GAP);
        assert_eq!(watch.silent_for(count(1, 7)), Duration::ZERO, "never seen");
        for second in [10, 12, 14, 16] {
            poll(&watch, second, &[count(1, 7), count(2, i64::try_from(second).unwrap())]);
        }
        assert_eq!(watch.silent_for(count(1, 7)), Duration::from_millis(5500));
        assert_eq!(watch.silent_for(count(2, 16)), Duration::ZERO);
        assert_eq!(watch.silent_for(count(1, 8)), Duration::ZERO, "it has sent one since the last poll");
        assert_eq!(watch.silent(Duration::from_millis(5500)), [count(1, 7)]);
        assert!(watch.silent(Duration::from_secs(6)).is_empty());
        assert_eq!((watch.living(Duration::from_millis(5500)), watch.living(Duration::from_secs(6))), (1, 2));
        poll(&watch, 18, &[count(1, 8)]);
        assert_eq!(watch.silent_for(count(1, 8)), Duration::ZERO);
    }

    #[test]
    fn a_gap_and_a_lost_database_begin_the_watch_anew() {
        let watch = SilenceWatch::new(GAP);
        for second in [0, 4, 8] {
            poll(&watch, second, &[count(1, 7)]);
        }
        assert_eq!(watch.silent_for(count(1, 7)), Duration::from_millis(7500));
        poll(&watch, 13, &[count(1, 7)]);
        assert_eq!(watch.silent_for(count(1, 7)), Duration::ZERO, "this process was away for five seconds");
        poll(&watch, 15, &[count(1, 7)]);
        assert_eq!(watch.silent_for(count(1, 7)), Duration::from_millis(1500));
        watch.forget();
        poll(&watch, 17, &[count(1, 7)]);
        assert_eq!(watch.silent_for(count(1, 7)), Duration::ZERO);
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        let watch = SilenceWatch::new(GAP);
        poll(&watch, 0, &[count(1, 7), count(2, 1)]);
        poll(&watch, 2, &[count(2, 1)]);
        poll(&watch, 4, &[count(1, 7), count(2, 1)]);
        assert_eq!(watch.silent_for(count(1, 7)), Duration::ZERO);
        assert_eq!(watch.silent(Duration::from_secs(1)), [count(2, 1)]);
    }
}
