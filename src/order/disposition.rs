//! How an attempt at an order ended.

use std::time::Duration;

use super::{OrderError, TokenOutcome};

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum Disposition {
    /// Klarna created the order.
    Submitted {
        /// Klarna's id.
        klarna_order_id: String,
        /// What the shop renders.
        html_snippet: Option<String>,
        /// Names the call in Klarna's logs.
        correlation_id: Option<String>,
        /// What became of the shopper's token.
        token: TokenOutcome,
        /// JSON pointers of the fields filled in from the id_token.
        prefilled: Vec<String>,
    },
    /// The order is given up.
    Failed {
        /// Why.
        error: OrderError,
        /// What became of the shopper's token, where that was asked.
        token: Option<TokenOutcome>,
    },
    /// The attempt failed and is counted; another follows.
    Retry {
        /// From now.
        after: Duration,
        /// Why.
        error: OrderError,
        /// Whether the create may have reached Klarna.
        possible_duplicate: bool,
    },
    /// The order waits; no attempt is counted.
    Snooze {
        /// From now.
        after: Duration,
        /// What for, where somebody could act on it.
        error: Option<OrderError>,
    },
}
