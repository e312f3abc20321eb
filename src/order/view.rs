//! An order as the API, the pages and the command line show it.

use chrono::{DateTime, Utc};

use super::{
    ErrorCode, KlarnaState, OrderError, OrderId, OrderResult, Prefill, Status, Summary, Target, TokenOutcome,
};
use crate::ids::{MerchantName, UserId};

/// An order as the API, the pages and the command line show it.
#[derive(Clone, Debug)]
pub struct OrderView {
    /// The order's id.
    pub id: OrderId,
    /// The merchant's name.
    pub merchant: MerchantName,
    /// The shop's own id for the user.
    pub user: UserId,
    /// The earlier order with the same idempotency key, which could not be paid any more.
    pub supersedes: Option<OrderId>,
    /// The later order that took over the idempotency key.
    pub superseded_by: Option<OrderId>,
    /// The version of its body, from 1.
    pub version: i64,
    /// The target that the order is submitted to. `None`: the merchant's setting decides when it is
    /// submitted, because SQL accepted it without one.
    pub target: Option<Target>,
    /// The shop's id for the request that submitted it.
    pub idempotency_key: Option<String>,
    /// What is kept of the order's body.
    pub summary: Summary,
    /// The order's status.
    pub status: Status,
    /// When the order was accepted.
    pub accepted_at: DateTime<Utc>,
    /// When the order is tried next, while it is queued.
    pub due_at: DateTime<Utc>,
    /// The deadline: when the order is given up.
    pub deadline_at: DateTime<Utc>,
    /// When the order ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The number of attempts that have ended.
    pub attempts: i64,
    /// Which access token the order was submitted with, or why without one.
    pub token: Option<TokenOutcome>,
    /// The fields filled in from the id_token.
    pub prefilled: Prefill,
    /// Whether Klarna may have a second, unpaid session for this order.
    pub possible_duplicate: bool,
    /// Klarna's id of the order or session.
    pub klarna_id: Option<String>,
    /// What the shop gets for the shopper's browser; absent in lists.
    pub result: Option<OrderResult>,
    /// What Klarna said of the order or session when it was last read.
    pub session: Option<KlarnaState>,
    /// The id of the call in Klarna's logs.
    pub correlation_id: Option<String>,
    /// Why the order failed, or why it still waits.
    pub error: Option<OrderError>,
}

impl OrderView {
    /// Returns its error for people: with when it is tried next, if it waits because Klarna could
    /// not take it.
    #[must_use]
    pub fn error_with_next_try(&self) -> Option<OrderError> {
        let mut error = self.error.clone()?;
        if self.status == Status::Queued
            && ErrorCode::known(&error.code).is_some_and(ErrorCode::is_tried_again)
        {
            error.message.push_str(&self.due_at.format("; next try %H:%M:%S UTC").to_string());
        }
        Some(error)
    }
}
