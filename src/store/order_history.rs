//! What happened to an order.

use chrono::{DateTime, Utc};

use super::FailingFollowUp;
use crate::order::{OrderError, Waits};
use crate::pauses::Pause;

/// The part of an order's history that its row does not have.
#[derive(Clone, Debug, Default)]
pub struct OrderHistory {
    /// When a worker first claimed it since it was accepted or last retried.
    pub first_claimed_at: Option<DateTime<Utc>>,
    /// When Klarna first pushed it: said that a shopper has paid it.
    pub pushed_at: Option<DateTime<Utc>>,
    /// When it was first read as completed at Klarna.
    pub completed_at: Option<DateTime<Utc>>,
    /// When it was first acknowledged at Klarna.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// When it was last read at Klarna.
    pub read_at: Option<DateTime<Utc>>,
    /// Whether its body is still stored, so that it can be retried.
    pub has_body: bool,
    /// The attempts that did not submit it, oldest first.
    pub attempts: Vec<Attempt>,
    /// The last changes of it that somebody asked for, oldest first, as long as the audit log has
    /// them.
    pub changes: Vec<OrderChange>,
    /// What it waited for, before it was claimed again.
    pub waits: Waits,
    /// The pauses while it had not ended that may have kept it waiting.
    pub pauses: Vec<Pause>,
    /// Its follow-ups that fail.
    pub follow_ups: Vec<FailingFollowUp>,
}

impl OrderHistory {
    /// When it was queued again for the last time.
    #[must_use]
    pub fn retried_at(&self) -> Option<DateTime<Utc>> {
        self.retries().next_back()
    }

    /// When it was queued again for the last time before this time.
    #[must_use]
    pub fn retried_before(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.retries().rev().find(|at| *at < time)
    }

    fn retries(&self) -> impl DoubleEndedIterator<Item = DateTime<Utc>> {
        self.changes.iter().filter(|change| change.kind == ChangeKind::Retry).map(|change| change.at)
    }
}

/// A change of an order that somebody asked for.
#[derive(Clone, Debug)]
pub struct OrderChange {
    /// When it was done.
    pub at: DateTime<Utc>,
    /// Who did it, as the audit log names them.
    pub actor: String,
    /// What was done.
    pub kind: ChangeKind,
}

/// What was done to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was queued again.
    Retry,
    /// It was cancelled.
    Cancel,
    /// Its body was replaced.
    Update,
}

/// An attempt that did not submit its order, or the end of an order without an attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The name of the process that made it, if its row still exists.
    pub worker: Option<String>,
    /// Whether that process was lost, so that the attempt's result is unknown.
    pub lost: bool,
    /// Why it failed.
    pub error: Option<OrderError>,
}
