//! What came of each order.

use serde::Serialize;
use serde_json::Value;

use crate::order::{OrderId, OrderView, Status, TokenOutcome};

/// An order of `examples/orders.jsonl`, as it ended.
#[derive(Serialize)]
pub(super) struct Ended {
    /// Of the file, counted from 1.
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

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// Created by Klarna.
    Submitted,
    /// Not accepted by the service.
    RefusedAtTheDoor,
    /// Accepted by the service and refused by Klarna.
    RefusedByKlarna,
    /// None of these: the message says more.
    Unfinished,
}

impl Ended {
    /// An order that was not taken in. `text` is its line.
    pub(super) fn refused(line: u64, text: &str, error: String) -> Self {
        let user = serde_json::from_str::<Value>(text).ok().and_then(|order| Some(order["user"].as_str()?.to_owned()));
        Self {
            line,
            user: user.unwrap_or_default(),
            result: Outcome::RefusedAtTheDoor,
            token: None,
            id: None,
            klarna_order_id: None,
            prefilled: Vec::new(),
            error: Some(error),
        }
    }

    /// An order that was taken in and waited for.
    pub(super) fn settled(line: u64, order: OrderView) -> Self {
        let result = match (order.status, &order.error) {
            (Status::Submitted, _) => Outcome::Submitted,
            (Status::Failed, Some(error)) if error.code == "klarna_refused_order" => Outcome::RefusedByKlarna,
            _ => Outcome::Unfinished,
        };
        Self {
            line,
            user: order.user,
            result,
            token: order.token,
            id: Some(order.id),
            klarna_order_id: order.klarna_order_id,
            prefilled: order.prefilled,
            error: order.error.filter(|_| result != Outcome::Submitted).map(|error| error.message),
        }
    }
}
