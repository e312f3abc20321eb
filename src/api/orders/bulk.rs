//! Cancels and retries many orders, and retries their follow-ups.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::answers::{Common, Sent};
use crate::api::audit_trail::Concerns;
use crate::api::auth::Caller;
use crate::api::extract::{self, check_filter, invalid, whole};
use crate::api::problem::Problem;
use crate::audit::{Action, Entry};
use crate::order::{ErrorCode, FollowUpState, OrderId, Status};
use crate::store::{ChangedOrders, OrderFilter, OrderName};

/// The most orders that one request changes.
const MOST: u32 = 1000;

/// Which orders to change: those that match everything that is given. Name at least one thing, or
/// `all`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderSelection {
    /// Only these orders, at most 1000.
    #[schema(required = false, max_items = 1000)]
    pub orders: Option<Vec<OrderId>>,
    /// Only orders with this name, as the `q` of the list of orders. The whole name: what only
    /// begins so is not changed.
    #[schema(required = false, example = "order-1001", format = "name")]
    pub q: Option<String>,
    /// Only orders of this merchant. Required if the key is valid for several merchants, but not
    /// for all.
    #[schema(required = false, example = "shop", format = "name")]
    pub merchant: Option<String>,
    /// Only orders of this user.
    #[schema(required = false, example = "u-1", format = "name")]
    pub user: Option<String>,
    /// Only orders whose `error` has this code. Failed orders, which a retry changes, have other
    /// codes than queued ones: those that waited until their deadline, for whatever reason, have
    /// `deadline_exceeded`.
    #[schema(inline, required = false, example = "deadline_exceeded")]
    pub error: Option<ErrorCode>,
    /// Only orders with a follow-up that fares so, as the `follow_ups` of the list of orders.
    #[schema(required = false, inline)]
    pub follow_ups: Option<FollowUpState>,
    /// Only orders accepted at this time or later.
    #[schema(required = false, example = "2026-01-31T12:00:00Z")]
    pub since: Option<DateTime<Utc>>,
    /// Only orders accepted before this time.
    #[schema(required = false, example = "2026-01-31T13:00:00Z")]
    pub until: Option<DateTime<Utc>>,
    /// Only orders that ended at this time or later; of failed ones, that failed then.
    #[schema(required = false, example = "2026-01-31T12:00:00Z")]
    pub ended_since: Option<DateTime<Utc>>,
    /// Only orders that ended before this time; of failed ones, that failed before.
    #[schema(required = false, example = "2026-01-31T13:00:00Z")]
    pub ended_until: Option<DateTime<Utc>>,
    /// Only orders with this `possible_duplicate`: `false` leaves out those that Klarna may have
    /// already.
    #[schema(required = false)]
    pub possible_duplicate: Option<bool>,
    /// All orders. Needed where nothing else chooses orders.
    #[serde(default)]
    #[schema(required = false)]
    pub all: bool,
    /// The most orders to look at, newest first. The default is 1000.
    #[serde(default, deserialize_with = "whole")]
    #[schema(required = false, minimum = 1, maximum = 1000, example = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the previous answer.
    #[schema(required = false, value_type = Option<String>, format = Uuid)]
    pub cursor: Option<OrderId>,
}

impl OrderSelection {
    /// Whether anything but `all` chooses orders.
    fn chooses(&self) -> bool {
        let names = [&self.q, &self.merchant, &self.user];
        let times = [self.since, self.until, self.ended_since, self.ended_until];
        self.orders.is_some()
            || self.error.is_some()
            || self.follow_ups.is_some()
            || self.possible_duplicate.is_some()
            || names.iter().any(|name| name.is_some())
            || times.iter().any(Option::is_some)
    }
}

/// How many orders were changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BulkAnswer {
    /// The number of orders that were changed.
    #[schema(example = 12, minimum = 0)]
    pub changed: usize,
    /// How many orders were not changed, by reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub unchanged: Vec<UnchangedOrders>,
    /// The `cursor` of the next request; absent if there are no more orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = Uuid)]
    pub next: Option<OrderId>,
}

/// Orders that were not changed for the same reason.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct UnchangedOrders {
    /// `body_deleted`: the order failed, and its body was deleted (`retention.bodies`).
    /// `not_found`: it does not exist, or something else that is given excludes it.
    /// `no_failing_follow_up`: none of its follow-ups fails. Otherwise the order's status.
    #[schema(example = "body_deleted")]
    pub reason: &'static str,
    /// How many orders.
    #[schema(example = 2, minimum = 1)]
    pub orders: u64,
}

impl From<&ChangedOrders> for BulkAnswer {
    fn from(changed: &ChangedOrders) -> Self {
        let unchanged = changed.unchanged.iter();
        Self {
            changed: changed.orders.len(),
            unchanged: unchanged
                .map(|(reason, orders)| UnchangedOrders { reason: reason.as_str(), orders: *orders })
                .collect(),
            next: changed.next,
        }
    }
}

/// Retry many failed orders.
///
/// Each starts again as if it were new, like a single one. Repeat the request with `next` as
/// `cursor` until the answer has no `next`.
#[utoipa::path(
    post,
    operation_id = "retry_orders",
    path = "/v1/orders/retry",
    tag = "ops",
    request_body = OrderSelection,
    responses((status = 200, description = "How many orders are queued now", body = BulkAnswer), Sent, Common)
)]
pub(in crate::api) async fn retry_many(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(Extension<Concerns>, Json<BulkAnswer>), Problem> {
    let filter = chosen(&caller, &headers, body, Status::Failed).await?;
    let changed = app.intake.retry_all(&filter).await?;
    Ok(answer(&app, &caller, Action::OrderRetry, filter, &changed).await)
}

/// Cancel many queued orders.
///
/// Like a single one, an order can be cancelled only while it is queued. The webhook
/// `order.cancelled` tells the shop of each. Repeat the request with `next` as `cursor` until the
/// answer has no `next`.
#[utoipa::path(
    post,
    operation_id = "cancel_orders",
    path = "/v1/orders/cancel",
    tag = "ops",
    request_body = OrderSelection,
    responses((status = 200, description = "How many orders are cancelled now", body = BulkAnswer), Sent, Common)
)]
pub(in crate::api) async fn cancel_many(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(Extension<Concerns>, Json<BulkAnswer>), Problem> {
    let filter = chosen(&caller, &headers, body, Status::Queued).await?;
    let changed = app.orders.cancel_orders(&filter).await?;
    Ok(answer(&app, &caller, Action::OrderCancel, filter, &changed).await)
}

/// Retry the failing follow-ups of many orders.
///
/// Follow-ups are calls to Klarna about submitted orders that the service makes by itself. Those
/// that fail are tried again at once, and for two days, also those that were given up. No token is
/// used. Repeat the request with `next` as `cursor` until the answer has no `next`.
#[utoipa::path(
    post,
    operation_id = "retry_follow_ups",
    path = "/v1/orders/retry-follow-ups",
    tag = "ops",
    request_body = OrderSelection,
    responses(
        (status = 200, description = "How many orders have follow-ups that are due now", body = BulkAnswer),
        Sent,
        Common,
    )
)]
pub(in crate::api) async fn retry_follow_ups(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(Extension<Concerns>, Json<BulkAnswer>), Problem> {
    let filter = chosen(&caller, &headers, body, Status::Submitted).await?;
    let changed = app.orders.retry_follow_ups(&filter).await?;
    Ok(answer(&app, &caller, Action::OrderRetryFollowUps, filter, &changed).await)
}

/// Leaves a row of the audit log for each changed order. The row of the request has their number.
async fn answer(
    app: &AppState,
    caller: &Caller,
    action: Action,
    filter: OrderFilter,
    changed: &ChangedOrders,
) -> (Extension<Concerns>, Json<BulkAnswer>) {
    let count = changed.orders.len();
    tracing::info!(orders = count, action = action.as_str(), "Many orders were changed");
    let entry = Entry::new(caller.actor(), action).merchant(filter.merchant.as_ref());
    app.audit.record_each(&entry, &changed.orders).await;
    (Extension(Concerns::many(filter.merchant, format!("{count} orders"))), Json(changed.into()))
}

/// Reads which orders of the caller are chosen. Those with another status than `status` are not
/// changed.
async fn chosen(
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
    status: Status,
) -> Result<OrderFilter, Problem> {
    // A thousand ids take 40,000 bytes.
    let selection: OrderSelection = extract::json(headers, body, 64 * 1024).await?;
    let is_chosen = selection.chooses();
    let OrderSelection {
        orders,
        q,
        merchant,
        user,
        error,
        follow_ups,
        since,
        until,
        ended_since,
        ended_until,
        possible_duplicate,
        all,
        limit,
        cursor,
    } = selection;
    for (name, value) in [("q", &q), ("merchant", &merchant), ("user", &user)] {
        check_filter(name, value.as_deref())?;
    }
    if let Some(error) = error {
        error.check(Some(status)).map_err(|wrong| invalid(format!("error: {wrong}")))?;
    }
    let limit = limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(invalid(format!("limit: is {limit}, expected 1 to {MOST}")));
    }
    if orders.as_ref().is_some_and(|orders| orders.len() > MOST as usize) {
        return Err(invalid(format!("orders: has more than {MOST} ids; send several requests")));
    }
    extract::RowChoice { is_chosen, all, rows: "orders", filters: "error or ended_since" }.check()?;
    let merchant = caller.only_merchant(merchant)?;
    Ok(OrderFilter {
        merchant: merchant.map(Into::into),
        user: user.map(Into::into),
        errors: error.map(|code| code.as_str().to_owned()).into_iter().collect(),
        follow_ups,
        duplicates: possible_duplicate,
        name: q.as_deref().map(OrderName::from),
        since,
        until,
        ended_since,
        ended_until,
        ids: orders,
        before: cursor,
        limit,
        ..OrderFilter::default()
    })
}
