//! Cancels and retries orders.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{Order, find};
use crate::api::AppState;
use crate::api::answers::{Absent, ChangedOrder, Common, Sent};
use crate::api::audit_trail::Concerns;
use crate::api::auth::Caller;
use crate::api::extract::{self, Expected, InPath, check_filter, invalid, parse};
use crate::api::problem::Problem;
use crate::ids::UserKey;
use crate::order::{OrderAdminRefusal, OrderId, OrderView, Status};
use crate::store::OrderFilter;

/// The most orders that one request changes.
const MOST: u32 = 1000;

/// Cancel an order.
///
/// Works only while the order is queued: once a worker runs it, Klarna may already have it.
/// Cancelling it again changes nothing.
#[utoipa::path(
    post,
    operation_id = "cancel_order",
    path = "/v1/orders/{id}/cancel",
    tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order is cancelled, by this or an earlier request", body = Order),
        ChangedOrder,
        Absent,
        Common,
    )
)]
pub(in crate::api) async fn cancel(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<(Extension<Concerns>, Json<Order>), Problem> {
    let found = find(&app, &caller, &id).await?;
    let concerns = of(&found);
    match app.orders.cancel_order(found.id).await? {
        Ok(order) => {
            tracing::info!(order = %order.id, "An order was cancelled");
            Ok((concerns, Json(order.into())))
        }
        Err(OrderAdminRefusal::NotCancelled(order)) if order.status == Status::Cancelled => {
            Ok((concerns, Json((*order).into())))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Retry a failed order.
///
/// The order starts again as if it were new, with a new deadline. It keeps its id, its idempotency
/// key and `possible_duplicate`. The user's refresh token is exchanged again.
#[utoipa::path(
    post,
    operation_id = "retry_order",
    path = "/v1/orders/{id}/retry",
    tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id")),
    responses((status = 200, description = "The order is queued", body = Order), ChangedOrder, Absent, Common)
)]
pub(in crate::api) async fn retry(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<(Extension<Concerns>, Json<Order>), Problem> {
    let found = find(&app, &caller, &id).await?;
    let concerns = of(&found);
    let order = app.intake.retry(found.id).await??;
    tracing::info!(order = %order.id, "A failed order is retried");
    Ok((concerns, Json(order.into())))
}

fn of(order: &OrderView) -> Extension<Concerns> {
    let user = UserKey { merchant: order.merchant.clone(), user: order.user.clone() };
    Extension(Concerns::order(order.id, user))
}

/// Which failed orders to retry. Without filters: all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// Only orders of this merchant. Required if the key is valid for several merchants, but not
    /// for all.
    #[schema(
        required = false,
        example = "shop",
        min_length = 1,
        max_length = 255,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$"
    )]
    pub merchant: Option<String>,
    /// Only orders of this user.
    #[schema(
        required = false,
        example = "u-1",
        min_length = 1,
        max_length = 255,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$"
    )]
    pub user: Option<String>,
    /// Only orders whose `error` has this code.
    #[schema(
        required = false,
        example = "klarna_unavailable",
        min_length = 1,
        max_length = 255,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$"
    )]
    pub error: Option<String>,
    /// Only orders accepted at this time or later.
    #[schema(required = false, example = "2026-01-31T12:00:00Z")]
    pub since: Option<DateTime<Utc>>,
    /// Only orders accepted before this time.
    #[schema(required = false, example = "2026-01-31T13:00:00Z")]
    pub until: Option<DateTime<Utc>>,
    /// The most orders to retry, newest first. The default is 1000.
    #[serde(default, deserialize_with = "whole")]
    #[schema(required = false, minimum = 1, maximum = 1000, example = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the previous answer.
    #[schema(required = false, value_type = Option<String>, format = Uuid)]
    pub cursor: Option<OrderId>,
}

/// How many orders are retried.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RetryAnswer {
    /// The number of failed orders that are queued now.
    #[schema(example = 12, minimum = 0)]
    pub retried: usize,
    /// The `cursor` of the next request; absent if there are no more orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = Uuid)]
    pub next: Option<OrderId>,
}

/// Retry many failed orders, by filter.
///
/// Orders whose body was deleted are skipped. Repeat the request with `next` as `cursor` until the
/// answer has no `next`.
#[utoipa::path(
    post,
    operation_id = "retry_orders",
    path = "/v1/orders/retry",
    tag = "ops",
    request_body = RetryRequest,
    responses((status = 200, description = "How many orders are retried", body = RetryAnswer), Sent, Common)
)]
pub(in crate::api) async fn retry_many(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(Extension<Concerns>, Json<RetryAnswer>), Problem> {
    let body = extract::Text::read(&headers, body, &Expected::json(16 * 1024)).await?;
    let RetryRequest { merchant, user, error, since, until, limit, cursor } = parse(body.text()?)?;
    for (name, value) in [("merchant", &merchant), ("user", &user), ("error", &error)] {
        check_filter(name, value.as_deref())?;
    }
    let limit = limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(invalid(format!("limit: is {limit}, expected 1 to {MOST}")));
    }
    let merchant = match (merchant, caller.merchants()) {
        (None, Some(mut own)) => match (own.next(), own.next()) {
            (Some(only), None) => Some(only.to_owned()),
            _ => {
                return Err(invalid(
                    "merchant: is missing; name one of the merchants that the API key is valid for",
                ));
            }
        },
        (merchant, _) => merchant,
    };
    merchant.as_deref().map_or(Ok(()), |merchant| caller.act_for(merchant))?;
    let (merchant, user) = (merchant.map(Into::into), user.map(Into::into));
    let filter =
        OrderFilter { merchant, user, error, since, until, before: cursor, limit, ..OrderFilter::default() };
    let swept = app.intake.retry_all(&filter).await?;
    tracing::info!(orders = swept.orders.len(), "Failed orders are retried");
    let concerns = Concerns::many(filter.merchant, format!("{} orders", swept.orders.len()));
    Ok((Extension(concerns), Json(RetryAnswer { retried: swept.orders.len(), next: swept.next })))
}

/// Reads a whole number, however it is written: for JSON Schema, `1000.0` is an integer.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    let written = number.as_u64().or_else(|| number.to_string().strip_suffix(".0")?.parse().ok());
    let whole = written.and_then(|number| u32::try_from(number).ok());
    whole.map(Some).ok_or_else(|| D::Error::custom(format!("{number} is not a whole number from 0 on")))
}
