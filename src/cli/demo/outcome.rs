//! The result of each order.

use serde::Serialize;
use serde_json::Value;

use crate::order::{ErrorCode, OrderId, OrderView, Status, TokenOutcome};

/// The result of one order in `examples/orders.jsonl`.
#[derive(Serialize)]
pub(super) struct OrderResult {
    /// Its line in the file, counted from 1.
    pub line: u64,
    pub user: String,
    pub result: Outcome,
    pub token: Option<TokenOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub klarna_order_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefilled: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// Created by Klarna.
    Submitted,
    /// Not accepted by the service.
    RefusedByService,
    /// Accepted by the service and refused by Klarna.
    RefusedByKlarna,
    /// Anything else; the message says more.
    Unfinished,
}

impl OrderResult {
    /// Returns the result of an order that the service did not accept. `text` is its line.
    pub(super) fn refused(line: u64, text: &str, error: String) -> Self {
        let user = serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|order| Some(order["user"].as_str()?.to_owned()));
        Self {
            line,
            user: user.unwrap_or_default(),
            result: Outcome::RefusedByService,
            token: None,
            id: None,
            klarna_order_id: None,
            prefilled: Vec::new(),
            error: Some(error),
        }
    }

    /// Returns the result of an accepted order.
    pub(super) fn settled(line: u64, order: OrderView) -> Self {
        let result = match (order.status, &order.error) {
            (Status::Submitted, _) => Outcome::Submitted,
            (Status::Failed, Some(error)) if error.code == ErrorCode::KlarnaRefusedOrder.as_str() => {
                Outcome::RefusedByKlarna
            }
            _ => Outcome::Unfinished,
        };
        Self {
            line,
            user: order.user.into(),
            result,
            token: order.token,
            id: Some(order.id),
            klarna_order_id: order.klarna_id,
            prefilled: order.prefilled.filled().to_vec(),
            error: order.error.filter(|_| result != Outcome::Submitted).map(|error| error.message),
        }
    }
}
