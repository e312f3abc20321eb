//! Rows in memory. A test causes outages and panics, and counts calls.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::ids::MerchantName;
use crate::queue::{ClaimBatch, Claimed, Load, Source, Wake, share};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Claimed,
    Done,
}

#[derive(Clone, Debug)]
struct Row {
    group: MerchantName,
    due: Instant,
    state: State,
}

/// The group of rows that wait for another row: due, but never claimed.
pub const BEHIND: &str = "behind";

#[derive(Debug, thiserror::Error)]
#[error("the rows are out of reach")]
pub struct Unreachable;

/// Jobs and claims are identified by the row's index.
#[derive(Default)]
pub struct Memory {
    rows: Mutex<Vec<Row>>,
    rounds: AtomicUsize,
    /// Every call fails.
    pub unreachable: AtomicBool,
    /// The next claim goes through, but its answer is lost.
    pub lose_answer: AtomicBool,
    /// The next claim reports its first row alone, and that more may have been claimed.
    pub doubt: AtomicBool,
    /// The next claim panics.
    pub panic: AtomicBool,
    /// The next claim never answers.
    pub hang: AtomicBool,
    /// Rows are reported as due, but another worker always claims them first.
    pub contended: AtomicBool,
    /// Each claim finds one row, which hides the others, and only later rows are reported.
    pub narrow: AtomicBool,
    /// How long a scan of all rows takes.
    pub slow: Mutex<Duration>,
    /// During the next claim that finds nothing, a new row and its notification arrive.
    pub overtake: Mutex<Option<Wake>>,
    /// The number of calls of any kind.
    pub calls: AtomicUsize,
    /// For each claim, whether it was for recent rows only.
    pub recent: Mutex<Vec<bool>>,
    /// How many slots each claim asked for, and how many rows it got.
    pub claims: Mutex<Vec<(usize, usize)>>,
    /// How many rows each call released.
    pub give_backs: Mutex<Vec<usize>>,
    pub recovered: AtomicUsize,
}

impl Memory {
    pub fn with_rows(count: usize) -> Arc<Self> {
        let memory = Arc::new(Self::default());
        (0..count).for_each(|_| memory.insert("shop"));
        memory
    }

    pub fn insert(&self, group: &str) {
        self.insert_later(group, Duration::ZERO);
    }

    pub fn insert_later(&self, group: &str, after: Duration) {
        let row = Row { group: group.into(), due: Instant::now() + after, state: State::Waiting };
        self.rows.lock().unwrap().push(row);
    }

    /// Adds a row that is claimed from the beginning, and returns its job.
    pub fn insert_claimed(&self, group: &str) -> usize {
        self.insert(group);
        let mut rows = self.rows.lock().unwrap();
        let job = rows.len() - 1;
        rows[job].state = State::Claimed;
        job
    }

    /// How many rows there are: the job of the next one.
    pub fn len(&self) -> usize {
        self.rows.lock().unwrap().len()
    }

    pub fn settle(&self, job: usize) {
        self.rows.lock().unwrap()[job].state = State::Done;
    }

    pub fn count(&self, state: State) -> usize {
        self.rows.lock().unwrap().iter().filter(|row| row.state == state).count()
    }

    pub fn group_of(&self, job: usize) -> MerchantName {
        self.rows.lock().unwrap()[job].group.clone()
    }

    /// Returns the numbers of full scans and of scans of recent rows.
    pub fn scans(&self) -> (usize, usize) {
        let recent = self.recent.lock().unwrap();
        let all = recent.iter().filter(|recent| !**recent).count();
        (all, recent.len() - all)
    }

    pub fn claim_calls(&self) -> usize {
        self.claims.lock().unwrap().len()
    }

    fn reach(&self) -> Result<(), Unreachable> {
        self.calls.fetch_add(1, SeqCst);
        if self.unreachable.load(SeqCst) { Err(Unreachable) } else { Ok(()) }
    }

    fn take(&self, free: usize, load: &Load, recent: Option<Duration>) -> ClaimBatch<usize> {
        let mut rows = self.rows.lock().unwrap();
        let is_due = |row: &Row| {
            row.state == State::Waiting
                && row.due <= Instant::now()
                && recent.is_none_or(|recent| row.due.elapsed() < recent)
        };
        let waiting: Vec<MerchantName> =
            rows.iter().filter(|row| is_due(row)).map(|row| row.group.clone()).collect();
        let mut shares = share(free, load, &waiting, self.rounds.fetch_add(1, SeqCst));
        let held_back = free > 0 && !waiting.is_empty() && shares.is_empty();
        let mut claimed = Vec::new();
        for (job, row) in rows.iter_mut().enumerate().filter(|(_, row)| is_due(row)) {
            let left = shares.entry(row.group.clone()).or_default();
            if *left > 0 && row.group != BEHIND {
                *left -= 1;
                row.state = State::Claimed;
                claimed.push(Claimed { group: row.group.clone(), job });
            }
        }
        ClaimBatch { held_back, ..ClaimBatch::new(claimed, !waiting.is_empty() && !held_back) }
    }
}

#[async_trait]
impl Source for Memory {
    type Job = usize;
    type Id = usize;
    type Error = Unreachable;

    fn id(job: &usize) -> usize {
        *job
    }

    async fn claim(
        &self,
        free: usize,
        load: &Load,
        recent: Option<Duration>,
    ) -> Result<ClaimBatch<usize>, Unreachable> {
        // Lets other tasks run, as a database would.
        tokio::task::yield_now().await;
        self.claims.lock().unwrap().push((free, 0));
        self.recent.lock().unwrap().push(recent.is_some());
        let slow = *self.slow.lock().unwrap();
        if recent.is_none() && !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
        self.reach()?;
        if self.hang.swap(false, SeqCst) {
            std::future::pending::<()>().await;
        }
        assert!(!self.panic.swap(false, SeqCst), "as a test commands");
        let free = if self.narrow.load(SeqCst) { free.min(1) } else { free };
        let free = if self.contended.load(SeqCst) { 0 } else { free };
        let mut poll = self.take(free, load, recent);
        if self.doubt.swap(false, SeqCst) {
            poll.claimed.truncate(1);
            poll.in_doubt = true;
        }
        if self.lose_answer.swap(false, SeqCst) {
            return Err(Unreachable);
        }
        if poll.claimed.is_empty()
            && let Some(wake) = self.overtake.lock().unwrap().take()
        {
            self.insert("shop");
            wake.notify();
        }
        if let Some(last) = self.claims.lock().unwrap().last_mut() {
            last.1 = poll.claimed.len();
        }
        Ok(poll)
    }

    async fn next_due(&self) -> Result<Option<Duration>, Unreachable> {
        self.reach()?;
        // After a claim that found nothing, it reports only later rows. So a row that arrived
        // during the claim is found by its notification or not at all.
        let found = self.claims.lock().unwrap().last().is_some_and(|(_, got)| *got > 0);
        let earliest = Instant::now();
        let rows = self.rows.lock().unwrap();
        let waiting = rows.iter().filter(|row| row.state == State::Waiting);
        let found = found && !self.narrow.load(SeqCst);
        let told = waiting.filter(|row| found || self.contended.load(SeqCst) || row.due > earliest);
        Ok(told.map(|row| row.due.saturating_duration_since(earliest)).min())
    }

    async fn give_back(&self, jobs: Vec<usize>) -> Result<(), Unreachable> {
        self.reach()?;
        self.give_backs.lock().unwrap().push(jobs.len());
        let mut rows = self.rows.lock().unwrap();
        for job in jobs {
            rows[job].state = State::Waiting;
        }
        Ok(())
    }

    fn may_start(&self, group: &MerchantName) -> bool {
        *group != BEHIND
    }

    fn is_full(&self, load: &Load) -> bool {
        !load.full.is_empty() && self.rows.lock().unwrap().iter().all(|row| load.full.contains(&row.group))
    }

    async fn claims(&self) -> Result<Vec<usize>, Unreachable> {
        self.reach()?;
        let rows = self.rows.lock().unwrap();
        Ok((0..rows.len()).filter(|&job| rows[job].state == State::Claimed).collect())
    }

    async fn recover(&self, lost: &[usize]) -> Result<usize, Unreachable> {
        self.reach()?;
        let mut count = 0;
        for &job in lost {
            let row = &mut self.rows.lock().unwrap()[job];
            if row.state == State::Claimed {
                row.state = State::Waiting;
                count += 1;
            }
        }
        self.recovered.fetch_add(count, SeqCst);
        Ok(count)
    }
}
