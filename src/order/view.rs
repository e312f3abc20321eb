//! An order as shops and operators see it.

use chrono::{DateTime, Utc};

use super::{OrderError, OrderId, Status, TokenOutcome};

/// An order as shops and operators see it.
#[derive(Clone, Debug)]
pub struct OrderView {
    /// The order's id.
    pub id: OrderId,
    /// Whose order.
    pub merchant: String,
    /// Whose token.
    pub user: String,
    /// Where it stands.
    pub status: Status,
    /// When it was taken in.
    pub accepted_at: DateTime<Utc>,
    /// When it is next due, while it waits.
    pub due_at: DateTime<Utc>,
    /// When it is given up.
    pub deadline_at: DateTime<Utc>,
    /// When it was settled.
    pub ended_at: Option<DateTime<Utc>>,
    /// Attempts so far.
    pub attempts: i64,
    /// What became of the shopper's token.
    pub token: Option<TokenOutcome>,
    /// JSON pointers of the fields filled in from the id_token.
    pub prefilled: Vec<String>,
    /// Whether Klarna may hold a second, orphaned session of this order.
    pub possible_duplicate: bool,
    /// Klarna's id.
    pub klarna_order_id: Option<String>,
    /// What the shop renders; absent in lists.
    pub html_snippet: Option<String>,
    /// Names the call in Klarna's logs.
    pub correlation_id: Option<String>,
    /// Why the order failed, or why it still waits.
    pub error: Option<OrderError>,
}
