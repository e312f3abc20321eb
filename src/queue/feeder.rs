//! Claims due rows as slots fall free, and feeds them to the worker.
//!
//! It claims no more than there are free slots, so nothing that is claimed waits in a buffer, and a crash strands only what
//! was running. It ends when it is told to stop, and at nothing else.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::Instant;

use super::backend::SlottedJob;
use super::slots::Slots;
use super::source::{ClaimBatch, Claimed, Source};
use super::wake::WakeListener;
use crate::backoff::Backoff;

/// The waits between tries while the rows cannot be reached.
const OUTAGE: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(5) };
/// How often all rows are looked at while due ones cannot be claimed: a long backlog of one user costs each look.
const BLOCKED: Duration = Duration::from_millis(25);
/// Likewise while jobs run: what waits behind others of its own gives way to what waits behind nothing, and comes in the gaps.
const BLOCKED_AMONG_OTHERS: Duration = Duration::from_millis(100);
/// By how many times what such a look took the next one is put off, where that is longer: meanwhile nobody else is looked at.
const REST: u32 = 10;
/// A row that fell due before the last look at all of them may have been committed after it by so much. One that was later
/// still is found by the next look at all.
const LATE: Duration = Duration::from_millis(250);
/// How often to look for rows of ours that we do not work on, where nothing gives cause for doubt.
const RECOVER_EVERY: Duration = Duration::from_mins(1);

pub(super) struct Feeder<S: Source> {
    pub(super) source: Arc<S>,
    pub(super) slots: Slots<S::Id>,
    pub(super) jobs: mpsc::Sender<SlottedJob<S>>,
    pub(super) woken: WakeListener,
    pub(super) stopping: Stopping,
    pub(super) recovery: RecoveryRequest,
    /// The longest wait between two looks.
    pub(super) poll: Duration,
    /// The last look at all rows, where due ones among them could not be claimed.
    pub(super) blocked: Option<BlockedScan>,
}

/// A look at all rows that found due ones, none of which could be claimed.
#[derive(Clone, Copy)]
pub(super) struct BlockedScan {
    seen: Instant,
    /// When all are looked at again, where nothing runs.
    soonest: Instant,
    /// And where something does.
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
    /// Feeds until told to stop. Dropping the sender at the end is what ends the worker.
    pub(super) async fn run(mut self) {
        let mut outage: Option<Outage> = None;
        let mut recovered_at = Instant::now();
        while let Some(free) = self.free_slots().await {
            // Before the look: what is said from here on ends the wait after it.
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
            // The claim may have gone through although its answer is lost.
            self.recovery.raise();
            let pause = outage.get_or_insert_with(|| Outage::begin(&problem)).next_pause();
            tokio::select! {
                () = self.stopping.requested() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// All free slots, as soon as there is one; `None` when told to stop.
    async fn free_slots(&mut self) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = self.stopping.requested() => None,
            free = self.slots.take_free() => free,
        }
    }

    /// One look at the rows; says how long to wait for the next.
    async fn poll(&mut self, free: OwnedSemaphorePermit, recovered_at: &mut Instant) -> Result<Duration, S::Error> {
        if self.recovery.is_raised() || recovered_at.elapsed() >= RECOVER_EVERY {
            self.recover().await?;
            *recovered_at = Instant::now();
        }
        let (wanted, begun) = (free.num_permits(), Instant::now());
        let idle = wanted == self.slots.count();
        self.blocked = self.blocked.filter(|blocked| !blocked.is_over(idle));
        let recent = self.blocked.map(|blocked| blocked.seen.elapsed() + LATE);
        let ClaimBatch { claimed, blocked } = self.source.claim(wanted, &self.slots.running(), recent).await?;
        let count = claimed.len();
        self.hand_in(claimed, free).await;
        // At once, too, where fewer came than were wanted: one group's rows may have hidden others behind them, as those of one
        // user's burst do, of which a claim takes one.
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
        // Lowered first: a panic while this runs raises it anew.
        self.recovery.lower();
        let held = self.slots.claims();
        match self.source.recover(&held).await {
            Ok(0) => Ok(()),
            Ok(rows) => {
                tracing::warn!(rows, "Rows that this worker had claimed but was not working on are due again");
                Ok(())
            }
            Err(error) => {
                self.recovery.raise();
                Err(error)
            }
        }
    }

    /// Gives each claimed row its slot and hands it to the worker; back to the source where that is no longer possible.
    async fn hand_in(&self, claimed: Vec<Claimed<S::Job>>, mut free: OwnedSemaphorePermit) {
        let mut unstarted = Vec::new();
        for Claimed { group, job } in claimed {
            let permit = if self.stopping.is_requested() { None } else { free.split(1) };
            let Some(permit) = permit else {
                unstarted.push(job);
                continue;
            };
            let slot = self.slots.hold(permit, S::id(&job), group);
            if let Err(refused) = self.jobs.send(SlottedJob { job, slot }).await {
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
                    self.slots.all_free().await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stopping.requested() => {}
            () = self.woken.woken() => {}
            () = tokio::time::sleep(longest) => {}
            () = gap => {}
        }
    }
}

/// Gives rows back. Where that fails they are due again once this worker is taken for lost, or recovers them.
pub(super) async fn give_back<S: Source>(source: &S, jobs: Vec<S::Job>) {
    if jobs.is_empty() {
        return;
    }
    let rows = jobs.len();
    if let Err(error) = source.give_back(jobs).await {
        tracing::warn!(%error, rows, "Claimed rows could not be given back; they are due again later");
    }
}

/// Whether the queue was told to stop; also where its owner is gone.
#[derive(Clone)]
pub(super) struct Stopping(pub(super) watch::Receiver<bool>);

impl Stopping {
    pub(super) fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    async fn requested(&mut self) {
        // An error says that the owner is gone.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// Whether rows may bear this worker's claim without being worked on.
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

/// A time in which the rows cannot be reached: told once when it begins and once when it is over.
struct Outage {
    since: Instant,
    tries: u32,
}

impl Outage {
    fn begin(problem: &str) -> Self {
        tracing::error!(error = problem, "The queue cannot reach its rows; it tries again until it can");
        Self { since: Instant::now(), tries: 0 }
    }

    fn next_pause(&mut self) -> Duration {
        self.tries = self.tries.saturating_add(1);
        OUTAGE.delay(self.tries, rand::random(), None)
    }

    fn report_end(self) {
        let seconds = self.since.elapsed().as_secs();
        tracing::info!(seconds, tries = self.tries, "The queue reaches its rows again");
    }
}
