//! Orders as the API shows and takes them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::order::{OrderError, OrderId, OrderView, Status, TokenOutcome};

/// An order to hand in.
//
// It describes what `order::NewOrder` reads, which keeps Klarna's order byte for byte as a parsed one would not be.
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
    #[schema(example = "shop", min_length = 1, max_length = 255, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$")]
    pub merchant: String,
    /// The shop's own name for the user whose refresh token is to be used. A user without one is no error: the order
    /// goes out without an access token.
    #[schema(example = "u-1", min_length = 1, max_length = 255, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$")]
    pub user: String,
    /// The body of Klarna's create-order call, passed on byte for byte. No key may occur twice in one object, and
    /// `customer` must have no `klarna_access_token`: it is added here.
    #[schema(value_type = Object)]
    pub order: Value,
    /// Whether to fill absent fields of the order from the user's `id_token`; the merchant's setting where absent.
    #[schema(required = false)]
    pub prefill: Option<bool>,
    /// Not to be submitted before this time.
    #[schema(required = false, example = "2026-01-31T12:00:00Z")]
    pub not_before: Option<DateTime<Utc>>,
    /// Of no use after this time, which is later than `not_before`; the setting `queue.order_deadline` where absent.
    #[schema(required = false, example = "2026-01-31T12:10:00Z")]
    pub deadline: Option<DateTime<Utc>>,
    /// As the header `Idempotency-Key`.
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
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Order {
    /// The order's id in this service.
    #[schema(example = "0197a5e0-7c00-7000-8000-000000000001")]
    pub id: OrderId,
    /// Whose order.
    #[schema(example = "shop")]
    pub merchant: String,
    /// Whose refresh token.
    #[schema(example = "u-1")]
    pub user: String,
    /// Where it stands: `queued`, waiting for its turn or its time; `running`; or settled, which is `submitted` (Klarna has
    /// it), `failed` (see `error`) or `cancelled`.
    pub status: Status,
    /// When it was taken in. This and what follows can be missing only where the database failed just after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub accepted_at: Option<DateTime<Utc>>,
    /// When it is next tried, while it is queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub due_at: Option<DateTime<Utc>>,
    /// When it is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it was settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<DateTime<Utc>>,
    /// Attempts to submit it that have ended.
    #[schema(example = 1, minimum = 0)]
    pub attempts: i64,
    /// With what access token it went out: `fresh` or `kept` from an earlier attempt. Or why without one:
    /// `not_registered` (the user has no refresh token here), `reauth_required` (it is dead, and the user must sign in
    /// again), `uncertain` (the answer of an exchange was lost), `unavailable` (Klarna's token endpoint did not serve
    /// in time).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<TokenOutcome>,
    /// JSON pointers of the fields that were filled from the `id_token`.
    #[schema(example = json!(["/billing_address/email"]))]
    pub prefilled: Vec<String>,
    /// Whether Klarna may hold a second session of this order that nobody uses: the answer to an earlier attempt was
    /// lost.
    pub possible_duplicate: bool,
    /// Klarna's id of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub klarna_order_id: Option<String>,
    /// What the shop renders; never in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub html_snippet: Option<String>,
    /// Names the call in Klarna's logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub correlation_id: Option<String>,
    /// Why it failed, or why it still waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<OrderError>,
}

impl Order {
    /// A new order of which no more is known.
    pub(super) fn just_accepted(id: OrderId, merchant: String, user: String) -> Self {
        Self {
            id,
            merchant,
            user,
            status: Status::Queued,
            accepted_at: None,
            due_at: None,
            deadline_at: None,
            ended_at: None,
            attempts: 0,
            token: None,
            prefilled: Vec::new(),
            possible_duplicate: false,
            klarna_order_id: None,
            html_snippet: None,
            correlation_id: None,
            error: None,
        }
    }
}

impl From<OrderView> for Order {
    fn from(order: OrderView) -> Self {
        Self {
            id: order.id,
            merchant: order.merchant,
            user: order.user,
            status: order.status,
            accepted_at: Some(order.accepted_at),
            due_at: (order.status == Status::Queued).then_some(order.due_at),
            deadline_at: Some(order.deadline_at),
            ended_at: order.ended_at,
            attempts: order.attempts,
            token: order.token,
            prefilled: order.prefilled,
            possible_duplicate: order.possible_duplicate,
            klarna_order_id: order.klarna_order_id,
            html_snippet: order.html_snippet,
            correlation_id: order.correlation_id,
            error: order.error,
        }
    }
}

/// A page of orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderList {
    /// Newest first.
    pub orders: Vec<Order>,
    /// The `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    pub next: Option<OrderId>,
}

impl OrderList {
    /// The first `limit` of `orders`, and where to go on where there are more.
    pub(super) fn page(mut orders: Vec<OrderView>, limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = orders.len() > limit;
        orders.truncate(limit);
        let next = orders.last().filter(|_| more).map(|order| order.id);
        Self { orders: orders.into_iter().map(Order::from).collect(), next }
    }
}
