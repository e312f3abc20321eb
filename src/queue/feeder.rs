//! Claims due rows when slots are free, and feeds them to the worker.
//!
//! It claims at most as many rows as there are free slots, so nothing claimed waits in a buffer,
//! and a crash leaves behind only jobs that were running. It ends only when it is told to stop.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::backend::SlottedJob;
use super::slots::Slots;
use super::source::{ClaimBatch, Claimed, Source};
use super::wake::WakeListener;
use crate::backoff::Backoff;
use crate::bulkhead::Reservation;

/// The back-off while the source cannot be reached.
const OUTAGE: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(5) };
/// The minimum pause between two full scans while due rows cannot be claimed and nothing runs: each
/// scan reads the whole backlog of such rows.
const BLOCKED: Duration = Duration::from_millis(25);
/// The same while jobs are running. Rows that wait for another row of their user give way to other
/// rows.
const BLOCKED_AMONG_OTHERS: Duration = Duration::from_millis(100);
/// After a full scan that claimed nothing, wait at least ten times as long as the scan took,
/// because nothing else is claimed during a scan.
const REST: u32 = 10;
/// How long before the last full scan a row may have become due and still be claimed by a scan of
/// recent rows: it may have been committed after the scan. Later commits are found by the next full
/// scan.
const LATE: Duration = Duration::from_millis(250);
/// How often to search for rows with this worker's claim that it does not run, without any other
/// cause.
const RECOVER_EVERY: Duration = Duration::from_mins(1);

pub(super) struct Feeder<S: Source> {
    pub(super) source: Arc<S>,
    pub(super) slots: Slots<S::Id>,
    pub(super) jobs: mpsc::Sender<SlottedJob<S>>,
    pub(super) woken: WakeListener,
    pub(super) stopping: Stopping,
    pub(super) recovery: RecoveryRequest,
    /// The maximum wait between two claims.
    pub(super) poll: Duration,
    /// The last full scan, if it found due rows but could claim none.
    pub(super) blocked: Option<BlockedScan>,
    /// Whether there are, or may be, due rows of groups that could not have more slots.
    pub(super) held_back: bool,
}

/// A full scan that found due rows but could claim none.
#[derive(Clone, Copy)]
pub(super) struct BlockedScan {
    seen: Instant,
    /// When the next full scan may start if no job is running.
    soonest: Instant,
    /// When the next full scan starts even if jobs are running.
    latest: Instant,
}

impl BlockedScan {
    fn new(seen: Instant, poll: Duration) -> Self {
        let rest = seen.elapsed().saturating_mul(REST).min(poll);
        let end = Instant::now();
        Self { seen, soonest: end + rest.max(BLOCKED), latest: end + rest.max(BLOCKED_AMONG_OTHERS) }
    }

    fn is_over(self, idle: bool) -> bool {
        Instant::now() >= if idle { self.soonest } else { self.latest }
    }
}

impl<S: Source> Feeder<S> {
    /// Feeds the worker until told to stop. Dropping the sender at the end ends the worker.
    pub(super) async fn run(mut self) {
        let mut outage: Option<Outage> = None;
        let mut recovered_at = Instant::now();
        while let Some(free) = self.free_slots().await {
            // Before the scan, so that a later notice ends the wait after it.
            self.woken.mark_seen();
            let poll = AssertUnwindSafe(self.poll(free, &mut recovered_at)).catch_unwind().await;
            let problem = match poll {
                Ok(Ok(pause)) => {
                    if let Some(outage) = outage.take() {
                        outage.report_end();
                    }
                    self.pause(pause).await;
                    continue;
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the source panicked".to_owned(),
            };
            // The claim may have succeeded although its answer was lost.
            self.recovery.raise();
            let pause = outage.get_or_insert_with(|| Outage::begin(&problem)).next_pause();
            tokio::select! {
                () = self.stopping.requested() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Waits for a free slot and takes all free ones; `None` when told to stop.
    async fn free_slots(&mut self) -> Option<Reservation> {
        tokio::select! {
            biased;
            () = self.stopping.requested() => None,
            free = self.slots.take_free() => Some(free),
        }
    }

    /// Claims once. Returns how long to wait before the next claim.
    async fn poll(&mut self, free: Reservation, recovered_at: &mut Instant) -> Result<Duration, S::Error> {
        if self.recovery.is_raised() || recovered_at.elapsed() >= RECOVER_EVERY {
            self.recover().await?;
            *recovered_at = Instant::now();
        }
        let load = self.slots.load();
        if self.source.is_full(&load) {
            self.held_back = true;
            return Ok(self.poll);
        }
        let (wanted, begun) = (free.permits(), Instant::now());
        self.blocked = self.blocked.filter(|blocked| !blocked.is_over(self.slots.is_idle()));
        let recent = self.blocked.map(|blocked| blocked.seen.elapsed() + LATE);
        let batch = self.source.claim(wanted, &load, recent).await?;
        let ClaimBatch { claimed, blocked, held_back, in_doubt } = batch;
        let count = claimed.len();
        self.held_back = held_back;
        self.hand_in(claimed, free).await;
        if in_doubt {
            self.recovery.raise();
        }
        // Also claim again at once if fewer rows came than there are free slots: a claim takes only
        // one row of a user's burst, which may hide rows behind it.
        if count > 0 {
            return Ok(Duration::ZERO);
        }
        if blocked && recent.is_none() {
            self.blocked = Some(BlockedScan::new(begun, self.poll));
        }
        if let Some(blocked) = self.blocked {
            return Ok(blocked.latest.saturating_duration_since(Instant::now()).min(self.poll));
        }
        Ok(self.source.next_due().await?.unwrap_or(self.poll).min(self.poll))
    }

    async fn recover(&self) -> Result<(), S::Error> {
        // Cleared first, because a panic during the call sets it again.
        self.recovery.lower();
        match self.recover_lost().await {
            Ok(0) => Ok(()),
            Ok(rows) => {
                tracing::warn!(rows, "Jobs that this worker had claimed but was not running are due again");
                Ok(())
            }
            Err(error) => {
                self.recovery.raise();
                Err(error)
            }
        }
    }

    async fn recover_lost(&self) -> Result<usize, S::Error> {
        let mut lost = self.source.claims().await?;
        if lost.is_empty() {
            return Ok(0);
        }
        // Only now: a job that starts directly is held before its row has the claim, and every job
        // until its row has the claim no more.
        let held = self.slots.claims();
        lost.retain(|claim| !held.contains(claim));
        if lost.is_empty() { Ok(0) } else { self.source.recover(&lost).await }
    }

    /// Assigns a slot to each claimed row and sends it to the worker. During a stop it releases the
    /// rows instead.
    async fn hand_in(&self, claimed: Vec<Claimed<S::Job>>, mut free: Reservation) {
        let mut unstarted = Vec::new();
        for Claimed { group, job } in claimed {
            let permit = if self.stopping.is_requested() { None } else { free.give(&group) };
            let Some(permit) = permit else {
                unstarted.push(job);
                continue;
            };
            let claim = self.slots.hold(permit, S::id(&job), group);
            if let Err(refused) = self.jobs.send(SlottedJob { job, claim }).await {
                unstarted.push(refused.0.job);
            }
        }
        give_back(&*self.source, unstarted).await;
    }

    async fn pause(&mut self, longest: Duration) {
        if longest.is_zero() {
            return;
        }
        let gap = async {
            match self.blocked {
                Some(blocked) => {
                    tokio::time::sleep_until(blocked.soonest).await;
                    self.slots.idle().await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stopping.requested() => {}
            () = self.woken.woken() => {}
            () = tokio::time::sleep(longest) => {}
            () = self.slots.changed(), if self.held_back => {}
            () = gap => {}
        }
    }
}

/// Releases rows. If that fails, they are due again when this worker recovers them, or is
/// considered lost.
pub(super) async fn give_back<S: Source>(source: &S, jobs: Vec<S::Job>) {
    if jobs.is_empty() {
        return;
    }
    let rows = jobs.len();
    if let Err(error) = source.give_back(jobs).await {
        tracing::warn!(%error, rows, "Claimed jobs could not be released; they are due again later");
    }
}

/// Whether the queue was told to stop, or its owner was dropped.
#[derive(Clone)]
pub(super) struct Stopping(pub(super) watch::Receiver<bool>);

impl Stopping {
    pub(super) fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    async fn requested(&mut self) {
        // An error means that the owner was dropped.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// A flag: rows may carry this worker's claim without a running job.
#[derive(Clone, Default)]
pub(super) struct RecoveryRequest(Arc<AtomicBool>);

impl RecoveryRequest {
    pub(super) fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn lower(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// An outage of the source. It is logged once at its beginning and once at its end.
struct Outage {
    since: Instant,
    tries: u32,
}

impl Outage {
    fn begin(problem: &str) -> Self {
        tracing::error!(error = problem, "The queue cannot reach the database; it keeps trying");
        Self { since: Instant::now(), tries: 0 }
    }

    fn next_pause(&mut self) -> Duration {
        self.tries = self.tries.saturating_add(1);
        OUTAGE.delay(self.tries, rand::random(), None)
    }

    fn report_end(self) {
        let seconds = self.since.elapsed().as_secs();
        tracing::info!(seconds, tries = self.tries, "The queue reaches the database again");
    }
}
