//! Orders in requests and answers of the API.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::klarna_order::OrderBody;
use crate::api::extract::cut_page;
use crate::history::OrderEvent;
use crate::order::{
    KlarnaState, OrderError, OrderId, OrderResult, OrderView, PaymentsSession, Status, Target, TokenOutcome,
};
use crate::sessions::Refreshed;

/// An order to submit.
//
// This only describes the request. `order::NewOrder` reads it, and keeps Klarna's order byte for
// byte, which a parsed one would not.
#[derive(Clone, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "merchant": "shop",
    "user": "u-1",
    "order": {
        "purchase_country": "SE",
        "purchase_currency": "SEK",
        "locale": "sv-SE",
        "order_amount": 50000,
        "order_tax_amount": 10000,
        "order_lines": [{
            "name": "T-shirt",
            "quantity": 5,
            "unit_price": 10000,
            "tax_rate": 2500,
            "total_amount": 50000,
            "total_tax_amount": 10000
        }],
        "merchant_urls": {
            "terms": "https://shop.example/terms",
            "checkout": "https://shop.example/checkout?o={checkout.order.id}",
            "confirmation": "https://shop.example/thanks?o={checkout.order.id}",
            "push": "https://shop.example/push?o={checkout.order.id}"
        }
    },
    "idempotency_key": "cart-1001"
}))]
pub struct OrderRequest {
    /// The merchant's name in the settings.
    #[schema(example = "shop", format = "name")]
    pub merchant: String,
    /// The shop's own id for the user whose refresh token is used. A user without a token is not an
    /// error: the order is submitted without an access token.
    #[schema(example = "u-1", format = "name")]
    pub user: String,
    /// The body of the create call of the order's target.
    #[schema(value_type = OrderBody)]
    pub order: Value,
    /// The product of Klarna that the order is submitted to. The default is the merchant's setting
    /// `target`.
    #[schema(required = false, nullable = false)]
    pub target: Option<Target>,
    /// Whether to fill in absent fields of the order from the user's `id_token`. The default is the
    /// merchant's setting `prefill`.
    #[schema(required = false)]
    pub prefill: Option<bool>,
    /// Do not submit the order before this time.
    #[schema(required = false, example = "2026-01-31T12:00:00Z")]
    pub not_before: Option<DateTime<Utc>>,
    /// Do not submit the order after this time, which must be later than `not_before`. The default
    /// follows from the setting `queue.order_deadline`.
    #[schema(required = false, example = "2026-01-31T12:10:00Z")]
    pub deadline: Option<DateTime<Utc>>,
    /// The same as the header `Idempotency-Key`.
    #[schema(
        required = false,
        example = "cart-1001",
        min_length = 1,
        max_length = 255,
        pattern = "^[\\x21-\\x7e]{1,255}$"
    )]
    pub idempotency_key: Option<String>,
}

/// An order. Members without a value are left out.
#[derive(Clone, Serialize, ToSchema)]
pub struct Order {
    /// The order's id in this service.
    #[schema(example = "0197a5e0-7c00-7000-8000-000000000001")]
    pub id: OrderId,
    /// The merchant of the order.
    #[schema(example = "shop")]
    pub merchant: String,
    /// The user whose refresh token is used.
    #[schema(example = "u-1")]
    pub user: String,
    /// The earlier order with the same idempotency key, which could not be paid any more when this
    /// one was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = Uuid)]
    pub supersedes: Option<OrderId>,
    /// The later order that took over the idempotency key, because this one could not be paid any
    /// more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = Uuid)]
    pub superseded_by: Option<OrderId>,
    /// The version of the order's body, from 1. Each change of the body counts; the header `ETag`
    /// has it, too.
    #[schema(example = 1, minimum = 0)]
    pub version: i64,
    /// The product of Klarna that the order is submitted to. Missing while it is not decided: an
    /// order that SQL submitted without a target gets the merchant's when a worker submits it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub target: Option<Target>,
    /// The idempotency key of the request that submitted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "cart-1001")]
    pub idempotency_key: Option<String>,
    /// `merchant_reference1` of Klarna's order, as the shop wrote it. It and the following three
    /// members stay when the order's body is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "order-1001")]
    pub merchant_reference1: Option<String>,
    /// `merchant_reference2` of Klarna's order, as the shop wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub merchant_reference2: Option<String>,
    /// `order_amount` of Klarna's order, in the currency's smallest unit. Missing if it is not
    /// written in plain digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 50000)]
    pub order_amount: Option<i64>,
    /// `purchase_currency` of Klarna's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "SEK")]
    pub purchase_currency: Option<String>,
    /// `queued`: waits for a worker or for its time. `running`: a worker runs it. `submitted`:
    /// Klarna has it. `failed`: it will not be submitted; see `error`. `cancelled`: it was
    /// cancelled while it was queued.
    pub status: Status,
    /// When the order was accepted.
    pub accepted_at: DateTime<Utc>,
    /// When the order is tried next, while it is queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub due_at: Option<DateTime<Utc>>,
    /// The deadline: when the order is given up.
    pub deadline_at: DateTime<Utc>,
    /// When the order ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<DateTime<Utc>>,
    /// The number of attempts to submit the order that have ended.
    #[schema(example = 1, minimum = 0)]
    pub attempts: i64,
    /// Which access token the order was submitted with: `fresh`, or `cached` from an earlier
    /// attempt. If it was submitted without one, why: `not_registered` (the service has no refresh
    /// token for the user), `reauth_required` (the token no longer works, and the user must sign in
    /// again), `uncertain` (the answer to an exchange was lost), `unavailable` (Klarna's token
    /// endpoint gave no token in time), `turned_off` (the merchant's setting `send_access_token` is
    /// off).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<TokenOutcome>,
    /// JSON pointers of the fields that were filled in from the `id_token`.
    #[schema(example = json!(["/billing_address/email"]))]
    pub prefilled: Vec<String>,
    /// JSON pointers of the fields that were filled in from the `id_token` and taken back: Klarna
    /// refused the order with them, and it was sent once more without them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["/billing_address/postal_code"]))]
    pub prefill_withdrawn: Vec<String>,
    /// Whether Klarna may have another, unpaid session for this order: an earlier attempt got no
    /// answer, or one such as HTTP 503, which does not say whether Klarna created the order.
    pub possible_duplicate: bool,
    /// Of the target `checkout`: Klarna's id of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub klarna_order_id: Option<String>,
    /// Of the target `checkout`: the HTML that the shop shows to the shopper. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub html_snippet: Option<String>,
    /// Of the target `payments`: Klarna's id of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session_id: Option<String>,
    /// Of the target `payments`: the token that initialises Klarna's script in the shopper's
    /// browser. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_token: Option<String>,
    /// Of the target `payments`: the payment methods that the shop can offer, as Klarna wrote them.
    /// Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Vec<PaymentMethodCategory>>)]
    pub payment_method_categories: Option<Value>,
    /// What Klarna said of the order or session when it was last read. Missing if it was not read
    /// yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<KlarnaState>,
    /// Why the order or session could not be read at Klarna for this answer. The order is not
    /// affected: ask again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_error: Option<OrderError>,
    /// The id of the call in Klarna's logs. Tell it to Klarna's support.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub correlation_id: Option<String>,
    /// Why the order failed, or why it still waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<OrderError>,
    /// What happened to the order, oldest first, if the request asks for it with `history=true`.
    /// Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub history: Option<Vec<OrderEvent>>,
}

/// A payment method that Klarna Payments offers for a session. Klarna may add members.
#[derive(Serialize, ToSchema)]
pub struct PaymentMethodCategory {
    /// The name that Klarna's script knows it by.
    #[schema(example = "klarna", required = false)]
    pub identifier: String,
    /// The name that shoppers see.
    #[schema(example = "Pay with Klarna", required = false)]
    pub name: String,
    /// The addresses of Klarna's pictures for it, by kind.
    #[schema(required = false, value_type = Object, example = json!({
        "standard": "https://x.klarnacdn.net/payment-method/assets/badges/generic/klarna.svg"
    }))]
    pub asset_urls: Value,
}

impl fmt::Debug for Order {
    /// Leaves out what belongs to the shopper's session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

impl From<OrderView> for Order {
    fn from(order: OrderView) -> Self {
        let error = order.error_with_next_try();
        let (klarna_order_id, session_id) = match order.target {
            Some(Target::Payments) => (None, order.klarna_id),
            Some(Target::Checkout) | None => (order.klarna_id, None),
        };
        let (html_snippet, client_token, payment_method_categories) = match order.result {
            Some(OrderResult::Checkout { html_snippet }) => (Some(html_snippet), None, None),
            Some(OrderResult::Payments(PaymentsSession { client_token, payment_method_categories })) => {
                (None, Some(client_token), Some(payment_method_categories))
            }
            None => (None, None, None),
        };
        Self {
            id: order.id,
            merchant: order.merchant.into(),
            user: order.user.into(),
            supersedes: order.supersedes,
            superseded_by: order.superseded_by,
            version: order.version,
            target: order.target,
            idempotency_key: order.idempotency_key,
            merchant_reference1: order.summary.merchant_reference1,
            merchant_reference2: order.summary.merchant_reference2,
            order_amount: order.summary.order_amount,
            purchase_currency: order.summary.purchase_currency,
            status: order.status,
            accepted_at: order.accepted_at,
            due_at: (order.status == Status::Queued).then_some(order.due_at),
            deadline_at: order.deadline_at,
            ended_at: order.ended_at,
            attempts: order.attempts,
            token: order.token,
            prefilled: order.prefilled.filled().to_vec(),
            prefill_withdrawn: order.prefilled.withdrawn().to_vec(),
            possible_duplicate: order.possible_duplicate,
            klarna_order_id,
            html_snippet,
            session_id,
            client_token,
            payment_method_categories,
            session: order.session,
            refresh_error: None,
            correlation_id: order.correlation_id,
            error,
            history: None,
        }
    }
}

impl From<Refreshed> for Order {
    fn from(Refreshed { order, error }: Refreshed) -> Self {
        Self { refresh_error: error, ..order.into() }
    }
}

/// A page of orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderList {
    /// The orders, newest first.
    pub orders: Vec<Order>,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    pub next: Option<OrderId>,
}

impl OrderList {
    /// Returns the first `limit` of `orders`, and the next cursor if there are more.
    pub(super) fn page(mut orders: Vec<OrderView>, limit: u32) -> Self {
        let next = cut_page(&mut orders, limit).map(|last| last.id);
        Self { orders: orders.into_iter().map(Order::from).collect(), next }
    }
}
