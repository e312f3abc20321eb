//! Orders called back or tried again.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{Order, absent, find};
use crate::api::AppState;
use crate::api::answers::{Absent, Common, OrderAdminOutcome as SteeredAnswers, Sent};
use crate::api::auth::Caller;
use crate::api::extract::{self, Expected, InPath, check_filter, invalid, parse};
use crate::api::problem::{Kind, Problem};
use crate::order::{OrderId, Status};
use crate::store::{OrderAdminOutcome, OrderFilter};

/// The most orders that one request changes.
const MOST: u32 = 1000;

/// Call an order back.
///
/// Only while it is queued: once a worker is at it, nobody knows whether Klarna has it. Cancelling it again changes nothing.
#[utoipa::path(
    post,
    operation_id = "cancel_order",
    path = "/v1/orders/{id}/cancel",
    tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order is cancelled, now or before", body = Order),
        SteeredAnswers,
        Absent,
        Common,
    )
)]
pub(in crate::api) async fn cancel(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<Order>, Problem> {
    let found = find(&app, &caller, &id).await?;
    match app.orders.cancel_order(found.id).await? {
        OrderAdminOutcome::Done(order) => {
            tracing::info!(order = %order.id, "An order was cancelled");
            Ok(Json(order.into()))
        }
        OrderAdminOutcome::WrongStatus(order) => match order.status {
            Status::Cancelled => Ok(Json(order.into())),
            Status::Running => Err(unfit("is being submitted: wait for its end with GET /v1/orders/{id}?wait=25s")),
            Status::Submitted => Err(unfit(
                "was submitted: an unpaid session lapses at Klarna by itself, a paid order is cancelled there",
            )),
            Status::Failed => Err(unfit("has failed: nothing of it is tried any more")),
            // It was running when it was to be changed, and is queued again.
            Status::Queued => Err(unfit("was just being tried: send the request again")),
        },
        // It was there a moment ago.
        OrderAdminOutcome::BodyGone | OrderAdminOutcome::Missing => Err(absent()),
    }
}

/// Try a failed order again.
///
/// As if it had just come in, with a new deadline. Its id and idempotency key stay, and so does `possible_duplicate`; the
/// user's refresh token is exchanged anew.
#[utoipa::path(
    post,
    operation_id = "retry_order",
    path = "/v1/orders/{id}/retry",
    tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id")),
    responses((status = 200, description = "The order is queued", body = Order), SteeredAnswers, Absent, Common)
)]
pub(in crate::api) async fn retry(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<Order>, Problem> {
    let found = find(&app, &caller, &id).await?;
    match app.intake.retry(found.id).await? {
        OrderAdminOutcome::Done(order) => {
            tracing::info!(order = %order.id, "A failed order is retried");
            Ok(Json(order.into()))
        }
        OrderAdminOutcome::WrongStatus(order) => Err(unfit(match order.status {
            Status::Queued => "is queued: it is tried at its due_at without a request",
            Status::Running => "is being submitted: wait for its end with GET /v1/orders/{id}?wait=25s",
            Status::Submitted => "was submitted: hand in a new order for another one",
            Status::Cancelled => "was cancelled: hand it in anew, under another idempotency key",
            Status::Failed => "failed just now: send the request again",
        })),
        OrderAdminOutcome::BodyGone => {
            let detail =
                "the order's body was deleted (retention.bodies): hand it in anew, under another idempotency key";
            Err(Problem::new(Kind::BodyGone, detail))
        }
        OrderAdminOutcome::Missing => Err(absent()),
    }
}

/// Which failed orders to try again; all of them where nothing is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// Only this merchant's. To be named where the key is good for several, but not for all.
    #[schema(
        required = false,
        example = "shop",
        min_length = 1,
        max_length = 255,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$"
    )]
    pub merchant: Option<String>,
    /// Only this user's.
    #[schema(
        required = false,
        example = "u-1",
        min_length = 1,
        max_length = 255,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$"
    )]
    pub user: Option<String>,
    /// Only orders with an error of this code.
    #[schema(
        required = false,
        example = "klarna_unavailable",
        min_length = 1,
        max_length = 255,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$"
    )]
    pub error: Option<String>,
    /// Only orders taken in at this time or later.
    #[schema(required = false, example = "2026-01-31T12:00:00Z")]
    pub since: Option<DateTime<Utc>>,
    /// Only orders taken in before this time.
    #[schema(required = false, example = "2026-01-31T13:00:00Z")]
    pub until: Option<DateTime<Utc>>,
    /// At most so many, the newest first; 1000 where absent.
    #[serde(default, deserialize_with = "whole")]
    #[schema(required = false, minimum = 1, maximum = 1000, example = 1000)]
    pub limit: Option<u32>,
    /// Where the request before ended: its `next`.
    #[schema(required = false, value_type = Option<String>, format = Uuid)]
    pub cursor: Option<OrderId>,
}

/// How many orders are tried again.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RetryAnswer {
    /// So many were failed, and are queued now.
    #[schema(example = 12, minimum = 0)]
    pub retried: usize,
    /// The `cursor` of the next request; absent where there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = Uuid)]
    pub next: Option<OrderId>,
}

/// Try many failed orders again, by filter.
///
/// Orders whose body was deleted are left out. Send the request again with `next` as its `cursor` until there is none.
#[utoipa::path(
    post,
    operation_id = "retry_orders",
    path = "/v1/orders/retry",
    tag = "ops",
    request_body = RetryRequest,
    responses((status = 200, description = "How many are tried again", body = RetryAnswer), Sent, Common)
)]
pub(in crate::api) async fn retry_many(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<RetryAnswer>, Problem> {
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
            _ => return Err(invalid("merchant: is missing; name one of those that the API key is good for")),
        },
        (merchant, _) => merchant,
    };
    merchant.as_deref().map_or(Ok(()), |merchant| caller.act_for(merchant))?;
    let filter = OrderFilter { merchant, user, error, since, until, before: cursor, limit, ..OrderFilter::default() };
    let swept = app.intake.retry_all(&filter).await?;
    tracing::info!(orders = swept.orders.len(), "Failed orders are retried");
    Ok(Json(RetryAnswer { retried: swept.orders.len(), next: swept.next }))
}

/// A number without a fraction, however it is written: to JSON Schema `1000.0` is an integer.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    let written = number.as_u64().or_else(|| number.to_string().strip_suffix(".0")?.parse().ok());
    let whole = written.and_then(|number| u32::try_from(number).ok());
    whole.map(Some).ok_or_else(|| D::Error::custom(format!("{number} is not a whole number from 0 on")))
}

fn unfit(why: &str) -> Problem {
    Problem::new(Kind::WrongStatus, format!("the order {why}"))
}
