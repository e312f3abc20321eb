//! Heartbeats: this worker shows that it is alive, and reclaims the jobs of workers whose
//! heartbeats stopped.
//!
//! It runs beside the queue, so that a feeder that waits for slots or for the database does not
//! delay a heartbeat. Another worker is silent for as long as this one has watched its count of
//! heartbeats stay the same ([`SilenceWatch`]): after an outage all look dead, and clocks may step.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::clock;
use crate::silence::{HeartbeatCount, Poll, SilenceWatch};

/// The rows of the workers. Errors are logged with their `Display`, so they must not contain
/// secrets. Every call has a time-out and is *dropped* there, so use a single statement in each.
#[async_trait]
pub trait WorkerRows: Send + Sync + 'static {
    /// Why the rows could not be reached.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Renews this worker's row, and adds one to its count of heartbeats.
    async fn heartbeat(&self) -> Result<HeartbeatOutcome, Self::Error>;

    /// Inserts this worker's row again after [`HeartbeatOutcome::Lost`]; does nothing if it exists.
    async fn register(&self) -> Result<(), Self::Error>;

    /// Returns the counts of heartbeats of all workers that have not ended.
    async fn heartbeats(&self) -> Result<Vec<HeartbeatCount>, Self::Error>;

    /// Reclaims the jobs of workers that have ended, and of `silent` ones whose count is still the
    /// same: they are due again under new claim numbers. Returns how many there were.
    async fn reclaim(&self, silent: &[HeartbeatCount]) -> Result<usize, Self::Error>;
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
    /// How long this worker must have watched another one be silent to consider it lost.
    pub worker_lost_after: Duration,
}

impl HeartbeatOptions {
    /// The longest time between two successful heartbeats, or two polls of the others, that is no
    /// gap: one interval plus one time-out.
    const fn longest_gap(self) -> Duration {
        self.every.saturating_mul(2)
    }
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
    pub fn start<R: WorkerRows>(rows: Arc<R>, options: HeartbeatOptions) -> Self {
        Self::start_with(rows, options, Arc::new(clock::since_boot))
    }

    fn start_with<R: WorkerRows>(rows: Arc<R>, options: HeartbeatOptions, now: Now) -> Self {
        let record = Record { last_round: now(), ..Record::default() };
        let silence = SilenceWatch::new(options.longest_gap());
        let record = Arc::new(Mutex::new(record));
        let watch = HeartbeatMonitor { record, silence, asked: Arc::default(), now };
        let heartbeat_task = HeartbeatTask { rows, options, watch: watch.clone() };
        let task = tokio::spawn(async move {
            // Side by side, so that slow reclaiming delays no heartbeat.
            tokio::join!(heartbeat_task.heartbeat_loop(), heartbeat_task.reclaim_loop());
        });
        Self { watch, task }
    }

    /// Ends it. Afterwards it writes nothing more.
    pub async fn stop(mut self) {
        self.task.abort();
        // It has ended: it was aborted, or panicked before.
        let _ = (&mut self.task).await;
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
    silence: SilenceWatch,
    /// The other workers are to be polled now.
    asked: Arc<Notify>,
    now: Now,
}

/// Times since boot, taken before the heartbeat was sent, so that the row in the database is no
/// older.
#[derive(Default)]
struct Record {
    last_good: Option<Duration>,
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

    /// What this worker has watched of the others.
    #[must_use]
    pub fn silence(&self) -> SilenceWatch {
        self.silence.clone()
    }

    /// Polls the other workers now, because one has begun.
    pub fn poll_now(&self) {
        self.asked.notify_one();
    }

    /// The time since a heartbeat last ended, successful or not (before the first: since the
    /// start). It shows whether the task is alive.
    #[must_use]
    pub fn round(&self) -> Duration {
        let last = self.record().last_round;
        (self.now)().saturating_sub(last)
    }

    /// Records a successful heartbeat sent at `sent`.
    fn good(&self, sent: Duration) {
        self.record().last_good = Some(sent);
    }

    /// Records the end of a heartbeat.
    fn rounded(&self) {
        let now = (self.now)();
        self.record().last_round = now;
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct HeartbeatTask<R> {
    rows: Arc<R>,
    options: HeartbeatOptions,
    watch: HeartbeatMonitor,
}

impl<R: WorkerRows> HeartbeatTask<R> {
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
                    self.watch.good(sent);
                }
                Err(error) => {
                    if !failing {
                        tracing::error!(error, "This worker's heartbeat failed; it keeps trying");
                    }
                    failing = true;
                    self.watch.silence.forget();
                }
            }
            self.watch.rounded();
        }
    }

    async fn heartbeat_once(&self) -> Result<(), R::Error> {
        if self.rows.heartbeat().await? == HeartbeatOutcome::Lost {
            tracing::warn!("This worker was considered lost and registers again; others reclaimed its jobs");
            // Others considered this worker dead, so its own view of the others is not reliable.
            self.watch.silence.forget();
            self.rows.register().await?;
        }
        Ok(())
    }

    async fn reclaim_loop(&self) {
        let mut ticks = interval(self.options.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.watch.asked.notified() => {}
            }
            // Failures are not logged here: the heartbeat logs the outage.
            if let Ok(rows @ 1..) = self.poll_and_reclaim().await {
                tracing::warn!(rows, "Jobs of lost workers were reclaimed and are due again");
            }
        }
    }

    /// Polls the other workers, and reclaims the jobs of those that are lost. Returns how many
    /// jobs there were.
    async fn poll_and_reclaim(&self) -> Result<usize, String> {
        let asked_at = (self.watch.now)();
        let polled = self.bounded(self.rows.heartbeats()).await;
        let counts = polled.inspect_err(|_| self.watch.silence.forget())?;
        let answered_at = (self.watch.now)();
        // A worker that the database does not hear must not call others silent.
        if self.watch.age() > self.options.longest_gap() {
            self.watch.silence.forget();
            return Ok(0);
        }
        self.watch.silence.note(Poll { asked_at, answered_at }, &counts);
        let silent = self.watch.silence.silent(self.options.worker_lost_after);
        self.bounded(self.rows.reclaim(&silent)).await
    }

    /// Runs `call` with the time-out. A panic of the call does not stop the heartbeat.
    async fn bounded<T>(&self, call: impl Future<Output = Result<T, R::Error>>) -> Result<T, String> {
        match timeout(self.options.every, AssertUnwindSafe(call).catch_unwind()).await {
            Ok(Ok(answer)) => answer.map_err(|error| error.to_string()),
            Ok(Err(_)) => Err("the call panicked".to_owned()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
