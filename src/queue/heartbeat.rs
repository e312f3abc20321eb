//! Leases: this worker says that it lives, and rows of workers that have fallen silent are due again.
//!
//! It runs beside the queue, not within: a feeder that waits for slots or for the database keeps no heartbeat from being sent.
//! Only time in which the observer itself had the database counts as another worker's silence: after an outage everybody
//! looks dead.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::clock;

/// This worker's row, and those of the others. Errors are logged as they display, so they must show no secret. Every call
/// is bounded by a time-out and *dropped* there: keep each to a single statement.
#[async_trait]
pub trait Lease: Send + Sync + 'static {
    /// Why the rows could not be reached.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Renews this worker's row by the database's time.
    async fn heartbeat(&self) -> Result<HeartbeatOutcome, Self::Error>;

    /// Writes this worker's row anew after [`HeartbeatOutcome::Lost`]; a no-op where it is there.
    async fn register(&self) -> Result<(), Self::Error>;

    /// Makes the jobs of other workers due again whose rows were not renewed for `silent_for` by the database's time, under
    /// new claim numbers; how many there were.
    async fn reclaim(&self, silent_for: Duration) -> Result<usize, Self::Error>;
}

/// What became of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatOutcome {
    /// The row is renewed.
    Alive,
    /// The row is gone: others took this worker for dead, and its jobs are theirs.
    Lost,
}

/// How often to send a heartbeat, and when another is lost.
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatOptions {
    /// From heartbeat to heartbeat; also the longest that one may take.
    pub every: Duration,
    /// How long a worker must be silent, while we have the database, to be taken for lost.
    pub worker_lost_after: Duration,
}

impl Default for HeartbeatOptions {
    /// Every 2 s; lost after 10 s.
    fn default() -> Self {
        Self { every: Duration::from_secs(2), worker_lost_after: Duration::from_secs(10) }
    }
}

/// Sends heartbeats until it is stopped or dropped. Stop it after the queue: handlers in their last seconds need their claims.
#[must_use = "the heartbeat ends when this is dropped"]
pub struct Heartbeat {
    watch: HeartbeatMonitor,
    task: JoinHandle<()>,
}

impl Heartbeat {
    /// Sends the first heartbeat at once. Call it within a tokio runtime, once this worker's row is registered.
    pub fn start<L: Lease>(lease: Arc<L>, options: HeartbeatOptions) -> Self {
        Self::start_with(lease, options, Arc::new(clock::since_boot))
    }

    fn start_with<L: Lease>(lease: Arc<L>, options: HeartbeatOptions, now: Now) -> Self {
        let record = Record { last_round: now(), ..Record::default() };
        let watch = HeartbeatMonitor { record: Arc::new(Mutex::new(record)), now };
        let heartbeat_task = HeartbeatTask { lease, options, watch: watch.clone() };
        let task = tokio::spawn(async move {
            // Side by side, so that slow reclaiming delays no heartbeat.
            tokio::join!(heartbeat_task.heartbeat_loop(), heartbeat_task.reclaim_loop());
        });
        Self { watch, task }
    }

    /// Where others read how the heartbeat goes.
    #[must_use]
    pub fn watch(&self) -> HeartbeatMonitor {
        self.watch.clone()
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Now = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Reads how a [`Heartbeat`] goes. Clones read the same.
#[derive(Clone)]
pub struct HeartbeatMonitor {
    record: Arc<Mutex<Record>>,
    now: Now,
}

/// Times since boot, taken before the heartbeat was sent: what the database wrote is no older.
#[derive(Default)]
struct Record {
    last_good: Option<Duration>,
    /// Since when the database was there without a gap.
    unbroken_since: Option<Duration>,
    /// When a heartbeat last came to its end, good or bad; before that, when the heartbeat began.
    last_round: Duration,
}

impl HeartbeatMonitor {
    /// How long ago this worker's own last good heartbeat was, counting suspension; [`Duration::MAX`] before the first. A worker
    /// whose last heartbeat is too old may have been given up by the others and sends nothing that cannot be taken back.
    #[must_use]
    pub fn age(&self) -> Duration {
        let last = self.record().last_good;
        last.map_or(Duration::MAX, |last| (self.now)().saturating_sub(last))
    }

    /// How long this worker has had the database without a gap, up to its last good heartbeat.
    #[must_use]
    pub fn observed(&self) -> Duration {
        let record = self.record();
        match (record.last_good, record.unbroken_since) {
            (Some(last), Some(since)) => last.saturating_sub(since),
            _ => Duration::ZERO,
        }
    }

    /// How long ago a heartbeat last came to its end, good or bad (before the first, how long ago the heartbeat began): whether it
    /// goes on, whatever becomes of it.
    #[must_use]
    pub fn round(&self) -> Duration {
        let last = self.record().last_round;
        (self.now)().saturating_sub(last)
    }

    /// A heartbeat that was sent at `sent` went through. After more than `longest_gap` without one (the process or its machine
    /// was stopped), the time between was not observed.
    fn good(&self, sent: Duration, longest_gap: Duration) {
        let mut record = self.record();
        let gap = record.last_good.is_none_or(|last| sent.saturating_sub(last) > longest_gap);
        if gap || record.unbroken_since.is_none() {
            record.unbroken_since = Some(sent);
        }
        record.last_good = Some(sent);
    }

    /// A heartbeat came to its end.
    fn rounded(&self) {
        let now = (self.now)();
        self.record().last_round = now;
    }

    /// The database was not there.
    fn bad(&self) {
        self.record().unbroken_since = None;
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct HeartbeatTask<L> {
    lease: Arc<L>,
    options: HeartbeatOptions,
    watch: HeartbeatMonitor,
}

impl<L: Lease> HeartbeatTask<L> {
    async fn heartbeat_loop(&self) {
        let mut ticks = interval(self.options.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            ticks.tick().await;
            let sent = (self.watch.now)();
            match self.bounded(self.heartbeat_once()).await {
                Ok(()) => {
                    if failing {
                        tracing::info!("This worker's heartbeats go through again");
                    }
                    failing = false;
                    self.watch.good(sent, self.longest_gap());
                }
                Err(error) => {
                    if !failing {
                        tracing::error!(error, "This worker's heartbeat failed; it keeps trying");
                    }
                    failing = true;
                    self.watch.bad();
                }
            }
            self.watch.rounded();
        }
    }

    async fn heartbeat_once(&self) -> Result<(), L::Error> {
        if self.lease.heartbeat().await? == HeartbeatOutcome::Lost {
            tracing::warn!("This worker was taken for lost and registers anew; its jobs went to others");
            // Whoever was wrong about us: how long the others have been silent is not ours to say.
            self.watch.bad();
            self.lease.register().await?;
        }
        Ok(())
    }

    async fn reclaim_loop(&self) {
        let lost_after = self.options.worker_lost_after;
        let mut ticks = interval(self.options.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.watch.observed() < lost_after || self.watch.age() > self.longest_gap() {
                continue;
            }
            match self.bounded(self.lease.reclaim(lost_after)).await {
                Ok(0) => {}
                Ok(rows) => tracing::warn!(rows, "Rows of lost workers are due again"),
                // Silent where it fails: the heartbeat beside it tells of the outage.
                Err(_) => self.watch.bad(),
            }
        }
    }

    /// What `call` answers, or why there is no answer; a panic of the lease is no reason to stop the heartbeat.
    async fn bounded<T>(&self, call: impl Future<Output = Result<T, L::Error>>) -> Result<T, String> {
        match timeout(self.options.every, AssertUnwindSafe(call).catch_unwind()).await {
            Ok(Ok(answer)) => answer.map_err(|error| error.to_string()),
            Ok(Err(_)) => Err("the lease panicked".to_owned()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    /// The longest from one good heartbeat to the next that is no gap: a tick, and an answer at the last moment.
    fn longest_gap(&self) -> Duration {
        self.options.every.saturating_mul(2)
    }
}

#[cfg(test)]
#[path = "tests/heartbeat.rs"]
mod tests;
