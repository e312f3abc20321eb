//! The words of webhooks, and the claim on one.

use crate::ids::WebhookId;
use crate::words::words;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum EventKind {
    /// Klarna created an order.
    #[serde(rename = "order.submitted")]
    OrderSubmitted,
    /// An order was given up.
    #[serde(rename = "order.failed")]
    OrderFailed,
    /// An order was cancelled before it was submitted. The erasure of a user tells of none.
    #[serde(rename = "order.cancelled")]
    OrderCancelled,
    /// A shopper has paid an order, or the shop has placed it.
    #[serde(rename = "order.completed")]
    OrderCompleted,
    /// Nobody can pay a submitted order any more.
    #[serde(rename = "order.expired")]
    OrderExpired,
    /// A user's token no longer works: the user must sign in again.
    #[serde(rename = "token.reauth_required")]
    TokenReauthRequired,
    /// A user's token works again: the user signed in, or a late successor arrived.
    #[serde(rename = "token.recovered")]
    TokenRecovered,
    /// An operator tests the endpoint.
    #[serde(rename = "webhook.test")]
    Test,
}

/// The status of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookStatus {
    /// To be sent, or sent again.
    Pending,
    /// The shop accepted it.
    Delivered,
    /// It was given up.
    Failed,
}

/// Why nothing is sent to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisabledWhy {
    /// It answered 410 (Gone).
    Gone,
    /// No event was delivered for days.
    Failing,
}

words!(EventKind {
    OrderSubmitted = "order.submitted", OrderFailed = "order.failed", OrderCancelled = "order.cancelled",
    OrderCompleted = "order.completed", OrderExpired = "order.expired", TokenReauthRequired = "token.reauth_required",
    TokenRecovered = "token.recovered", Test = "webhook.test",
});
words!(WebhookStatus { Pending = "pending", Delivered = "delivered", Failed = "failed" });
words!(DisabledWhy { Gone = "gone", Failing = "failing" });

/// A claim on an event, which lasts until the event is due again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookClaim {
    /// The event.
    pub id: WebhookId,
    /// The claim number, which rises by one with each claim.
    pub number: i64,
}
