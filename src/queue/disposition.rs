//! How an attempt at a job may end.

use std::time::Duration;

/// The named end of one attempt, to be written in the same transaction as its result. An attempt that was interrupted
/// (a stop, a lost worker) has none of these: interrupted is not failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The job has its result and is over.
    Done,
    /// The attempt failed and counts; another is due after the wait, as [`Backoff`](super::Backoff) reckons it.
    RetryAt {
        /// The wait from now.
        after: Duration,
    },
    /// Not the job's turn yet (it waits for something else); due again after the wait, and no attempt is counted.
    Snooze {
        /// The wait from now.
        after: Duration,
    },
    /// The job is over without a result, and no further attempt would change that.
    Fail,
}
