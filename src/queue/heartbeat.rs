//! Heartbeats: this worker shows that it is alive, and reclaims the jobs of workers whose
//! heartbeats stopped.
//!
//! It runs beside the queue, so that a feeder that waits for slots or for the database does not
//! delay a heartbeat. Only time in which this worker itself reached the database counts as silence
//! of another worker, because after an outage all look dead.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::clock;

/// The rows of the workers. Errors are logged with their `Display`, so they must not contain
/// secrets. Every call has a time-out and is *dropped* there, so use a single statement in each.
#[async_trait]
pub trait Lease: Send + Sync + 'static {
    /// Why the rows could not be reached.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Renews this worker's row by the database's time.
    async fn heartbeat(&self) -> Result<HeartbeatOutcome, Self::Error>;

    /// Inserts this worker's row again after [`HeartbeatOutcome::Lost`]; does nothing if it exists.
    async fn register(&self) -> Result<(), Self::Error>;

    /// Reclaims the jobs of other workers whose rows were not renewed for `silent_for`, by the
    /// database's clock: they are due again under new claim numbers. Returns how many there were.
    async fn reclaim(&self, silent_for: Duration) -> Result<usize, Self::Error>;
}

/// The result of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatOutcome {
    /// The row was renewed.
    Alive,
    /// The row is gone: others considered this worker dead and reclaimed its jobs.
    Lost,
}

/// The interval of heartbeats, and when a worker is considered lost.
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatOptions {
    /// The interval between two heartbeats, and the time-out of each.
    pub every: Duration,
    /// How long a worker must be silent, while this worker reaches the database, to be considered
    /// lost.
    pub worker_lost_after: Duration,
}

impl Default for HeartbeatOptions {
    /// Every 2 s; lost after 10 s.
    fn default() -> Self {
        Self { every: Duration::from_secs(2), worker_lost_after: Duration::from_secs(10) }
    }
}

/// Sends heartbeats until it is dropped. Drop it after the queue has stopped, because running
/// handlers need their claims.
#[must_use = "the heartbeat ends when this is dropped"]
pub struct Heartbeat {
    watch: HeartbeatMonitor,
    task: JoinHandle<()>,
}

impl Heartbeat {
    /// Sends the first heartbeat at once. Call it within a tokio runtime, once this worker's row is
    /// registered.
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

    /// A monitor of this heartbeat.
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

/// Reads the state of a [`Heartbeat`]. Clones read the same.
#[derive(Clone)]
pub struct HeartbeatMonitor {
    record: Arc<Mutex<Record>>,
    now: Now,
}

/// Times since boot, taken before the heartbeat was sent, so that the row in the database is no
/// older.
#[derive(Default)]
struct Record {
    last_good: Option<Duration>,
    /// Since when the database has been reachable without a gap.
    unbroken_since: Option<Duration>,
    /// When a heartbeat last ended, successful or not; initially, when the heartbeats started.
    last_round: Duration,
}

impl HeartbeatMonitor {
    /// The time since this worker's last successful heartbeat, including time suspended;
    /// [`Duration::MAX`] before the first. If it is too old, others may have reclaimed this
    /// worker's jobs, so it must not send anything irrevocable.
    #[must_use]
    pub fn age(&self) -> Duration {
        let last = self.record().last_good;
        last.map_or(Duration::MAX, |last| (self.now)().saturating_sub(last))
    }

    /// How long this worker has reached the database without a gap, up to its last successful
    /// heartbeat.
    #[must_use]
    pub fn observed(&self) -> Duration {
        let record = self.record();
        match (record.last_good, record.unbroken_since) {
            (Some(last), Some(since)) => last.saturating_sub(since),
            _ => Duration::ZERO,
        }
    }

    /// The time since a heartbeat last ended, successful or not (before the first: since the
    /// start). It shows whether the task is alive.
    #[must_use]
    pub fn round(&self) -> Duration {
        let last = self.record().last_round;
        (self.now)().saturating_sub(last)
    }

    /// Records a successful heartbeat sent at `sent`. After more than `longest_gap` without one
    /// (the process or machine was suspended), the time between does not count as observed.
    fn good(&self, sent: Duration, longest_gap: Duration) {
        let mut record = self.record();
        let gap = record.last_good.is_none_or(|last| sent.saturating_sub(last) > longest_gap);
        if gap || record.unbroken_since.is_none() {
            record.unbroken_since = Some(sent);
        }
        record.last_good = Some(sent);
    }

    /// Records the end of a heartbeat.
    fn rounded(&self) {
        let now = (self.now)();
        self.record().last_round = now;
    }

    /// Records that the database was not reachable.
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
                        tracing::info!("This worker's heartbeats succeed again");
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
            tracing::warn!("This worker was considered lost and registers again; others reclaimed its jobs");
            // Others considered this worker dead, so its own view of the others is not reliable.
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
                Ok(rows) => tracing::warn!(rows, "Jobs of lost workers were reclaimed and are due again"),
                // Not logged here: the heartbeat logs the outage.
                Err(_) => self.watch.bad(),
            }
        }
    }

    /// Runs `call` with the time-out. A panic of the lease does not stop the heartbeat.
    async fn bounded<T>(&self, call: impl Future<Output = Result<T, L::Error>>) -> Result<T, String> {
        match timeout(self.options.every, AssertUnwindSafe(call).catch_unwind()).await {
            Ok(Ok(answer)) => answer.map_err(|error| error.to_string()),
            Ok(Err(_)) => Err("the lease panicked".to_owned()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    /// The maximum time between two successful heartbeats that is no gap: one interval plus one
    /// time-out.
    fn longest_gap(&self) -> Duration {
        self.options.every.saturating_mul(2)
    }
}

#[cfg(test)]
mod tests;
