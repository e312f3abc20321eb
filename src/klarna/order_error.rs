//! Says in the error of an order, for programs, what a call failed with.

use crate::cause::CauseKind;
use crate::order::{ErrorCause, OrderError};

/// Adds the status of Klarna's answer, or what there was instead of one, if either is known.
pub(crate) fn with_kind(error: OrderError, kind: Option<CauseKind>) -> OrderError {
    let cause = match kind {
        None => return error,
        Some(CauseKind::Status(status)) => return with_status(error, status),
        Some(CauseKind::NotReached) => ErrorCause::NotReached,
        Some(CauseKind::NoAnswer) => ErrorCause::NoAnswer,
        Some(CauseKind::AskedToWait) => ErrorCause::AskedToWait,
        Some(CauseKind::RateLimit) => ErrorCause::RateLimit,
    };
    OrderError { cause: Some(cause), ..error }
}

/// Adds the status of Klarna's answer.
pub(crate) fn with_status(error: OrderError, status: u16) -> OrderError {
    OrderError { http_status: Some(status), ..error }
}
