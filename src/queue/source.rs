//! The traits that a user of the queue implements: [`Source`] for the rows, [`Handler`] for the
//! work.

use std::time::Duration;

use async_trait::async_trait;

use super::share::Load;
use super::slots::Slot;

use crate::ids::MerchantName;

/// A set of rows that become due. The row is the job; there is no second table to keep in step.
///
/// Errors are logged with their `Display`, so they must not contain secrets. No call is dropped
/// before it ends, so a source may use transactions; it must bound its own waiting (statement and
/// connection time-outs).
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// A claimed row, with all data that the handler needs.
    type Job: Send + 'static;
    /// Identifies a claim: the row and its claim number.
    type Id: Clone + PartialEq + Send + Sync + 'static;
    /// Why the rows could not be reached. Every error counts as transient: the queue tries again
    /// until it succeeds.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The claim that `job` belongs to.
    fn id(job: &Self::Job) -> Self::Id;

    /// Whether jobs of this group may start now without a claim by the queue: whatever keeps a
    /// claim from taking rows of the group also keeps them from starting
    /// [directly](super::DirectStarts).
    fn may_start(&self, _group: &MerchantName) -> bool {
        true
    }

    /// Whether no group may have more of the slots, by what runs in this process: a claim would be
    /// in vain.
    fn is_full(&self, _load: &Load) -> bool {
        false
    }

    /// Claims up to `free` due rows, shared among the groups (merchants) as by
    /// [`share`](super::share()). `load` says what runs in this process. With `recent`, rows that
    /// became due longer ago than that may be left out.
    async fn claim(
        &self,
        free: usize,
        load: &Load,
        recent: Option<Duration>,
    ) -> Result<ClaimBatch<Self::Job>, Self::Error>;

    /// The time until the next row becomes due of those that are not due yet; `None` if there is
    /// none.
    async fn next_due(&self) -> Result<Option<Duration>, Self::Error>;

    /// Releases claimed rows whose jobs have not started. They are due at once, and no attempt is
    /// counted.
    async fn give_back(&self, jobs: Vec<Self::Job>) -> Result<(), Self::Error>;

    /// Returns the claims that rows have for this worker.
    async fn claims(&self) -> Result<Vec<Self::Id>, Self::Error>;

    /// Makes the rows of these claims of this worker due again, and returns how many there were.
    /// Nobody runs their jobs: the answer to a claim was lost, or a handler panicked before it
    /// settled its job. No other worker would reclaim them, because this worker is alive.
    async fn recover(&self, lost: &[Self::Id]) -> Result<usize, Self::Error>;
}

/// The result of a claim.
#[derive(Clone, Debug)]
pub struct ClaimBatch<J> {
    /// The claimed rows.
    pub claimed: Vec<Claimed<J>>,
    /// Whether rows are due but none could be claimed: they wait for another row of their user, or
    /// another worker is claiming them.
    pub blocked: bool,
    /// Whether rows are due of groups that may not have more slots now.
    pub held_back: bool,
    /// Whether the claim failed after these rows were claimed, so that more may be claimed than
    /// these.
    pub in_doubt: bool,
}

impl<J> ClaimBatch<J> {
    /// A result with these rows; `due` says whether any row is due whose group may have more slots.
    #[must_use]
    pub fn new(claimed: Vec<Claimed<J>>, due: bool) -> Self {
        Self { blocked: due && claimed.is_empty(), held_back: false, in_doubt: false, claimed }
    }
}

/// A claimed row and its group.
#[derive(Clone, Debug)]
pub struct Claimed<J> {
    /// The group that shares are counted for.
    pub group: MerchantName,
    /// The row, as the handler gets it.
    pub job: J,
}

/// Does the work of one job.
#[async_trait]
pub trait Handler<J>: Send + Sync + 'static {
    /// Runs `job` in `slot` and settles it: the result, the next attempt or the end is stored
    /// before this returns. It reports no error to the queue. After a panic the row is
    /// [recovered](Source::recover); the panic's message is not logged.
    async fn run(&self, job: J, slot: &mut Slot);
}
