//! The traits between the queue and whoever keeps the rows and does the work.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

/// Rows that fall due. The row is the job: there is no second table to keep in step.
///
/// Errors are logged as they display, so they must show no secret. No call is dropped half-way: a source may use
/// transactions freely, and bounds its waiting by itself (statement and connection time-outs).
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// One claimed row, with all that its handler needs.
    type Job: Send + 'static;
    /// Tells claims apart: the row together with its claim number.
    type Id: Clone + Send + Sync + 'static;
    /// Why the rows could not be reached. Every one is taken to be transient: the queue tries again for as long as it takes.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The claim that `job` was handed out under.
    fn id(job: &Self::Job) -> Self::Id;

    /// Claims up to `free` due rows, going round the groups (merchants) as [`share`](super::share()) says.
    /// `running` counts the rows of each group that this process works on. With `recent` it need not look at rows that fell
    /// due longer ago than that.
    async fn claim(
        &self,
        free: usize,
        running: &BTreeMap<String, usize>,
        recent: Option<Duration>,
    ) -> Result<ClaimBatch<Self::Job>, Self::Error>;

    /// How long until the next row falls due: zero where one is due already, `None` where nothing waits.
    async fn next_due(&self) -> Result<Option<Duration>, Self::Error>;

    /// Gives rows back that were claimed but never started: due at once, no attempt spent.
    async fn give_back(&self, jobs: Vec<Self::Job>) -> Result<(), Self::Error>;

    /// Treats every row that bears this worker's claim, but is not among `held`, like the row of a lost worker, and says
    /// how many there were. Such rows come from a claim whose answer was lost, or from a handler that panicked before
    /// it settled; nobody else would ever free them, since this worker lives.
    async fn recover(&self, held: &[Self::Id]) -> Result<usize, Self::Error>;
}

/// What a look at the rows brought.
#[derive(Clone, Debug)]
pub struct ClaimBatch<J> {
    /// The rows that were claimed.
    pub claimed: Vec<Claimed<J>>,
    /// Whether nothing could be claimed although rows are due: they wait for another of theirs (a user's burst), or another
    /// worker is about to have them.
    pub blocked: bool,
}

impl<J> ClaimBatch<J> {
    /// Rows that were claimed, of those that are due or not.
    #[must_use]
    pub fn new(claimed: Vec<Claimed<J>>, due: bool) -> Self {
        Self { blocked: due && claimed.is_empty(), claimed }
    }
}

/// A row that this process now owns.
#[derive(Clone, Debug)]
pub struct Claimed<J> {
    /// Whose row it is, for going round: a merchant.
    pub group: String,
    /// The row itself.
    pub job: J,
}

/// Does the work of one row.
#[async_trait]
pub trait Handler<J>: Send + Sync + 'static {
    /// Works on `job` and settles it: result, next attempt or end is written before this returns. It never fails
    /// upwards. A panic is survived: the row is [recovered](Source::recover), and the panic's message is not logged.
    async fn run(&self, job: J);
}
