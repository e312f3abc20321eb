//! Why an order cannot be cancelled or retried.

use super::{OrderView, Status};

/// Why an order was not cancelled or retried. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OrderAdminRefusal {
    /// It does not exist.
    #[error("there is no order with this id")]
    Missing,
    /// It failed, and its body has been deleted, so there is nothing to send.
    #[error("the order's body was deleted (retention.bodies): submit it again, with another idempotency key")]
    BodyGone,
    /// Only a queued order can be cancelled.
    #[error("the order {}", why_not_cancelled(.0.status))]
    NotCancelled(Box<OrderView>),
    /// Only a failed order can be retried.
    #[error("the order {}", why_not_retried(.0.status))]
    NotRetried(Box<OrderView>),
    /// Only follow-ups that fail can be retried.
    #[error("the order has no follow-up that fails")]
    NoFollowUp,
}

fn why_not_cancelled(status: Status) -> &'static str {
    match status {
        Status::Cancelled => "is cancelled already",
        Status::Running => "is being submitted: wait for its end",
        Status::Submitted => {
            "was submitted: an unpaid session expires at Klarna by itself; cancel a paid order at Klarna"
        }
        Status::Failed => "has failed: it will not be tried again",
        // It was running when the change was tried.
        Status::Queued => "was running a moment ago: try again",
    }
}

fn why_not_retried(status: Status) -> &'static str {
    match status {
        Status::Queued => "is queued already: it starts at its due_at",
        Status::Running => "is being submitted: wait for its end",
        Status::Submitted => "was submitted: submit a new order instead",
        Status::Cancelled => "was cancelled: submit it again, with another idempotency key",
        Status::Failed => "failed a moment ago: try again",
    }
}
