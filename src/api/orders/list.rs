//! `GET /v1/orders`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::OrderList;
use crate::api::AppState;
use crate::api::answers::Common;
use crate::api::auth::Caller;
use crate::api::extract::{InQuery, check_filter, page_size};
use crate::api::problem::Problem;
use crate::ids::MerchantName;
use crate::order::{ErrorCode, FollowUpState, OrderId, Status, Target};
use crate::store::{OrderFilter, OrderName};

/// Query of `GET /v1/orders`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ListQuery {
    /// Only orders with this name: their id, idempotency key, `merchant_reference1` or `2`,
    /// Klarna's id of the order or session, or their user. If it is the whole name of none, those
    /// with a name that begins so: with 3 characters or more, or 8 of an order's id; of each kind
    /// of name at most 1000, the last ones in alphabetical order. Capital and small letters differ.
    #[param(example = "order-1001", format = "name")]
    q: Option<String>,
    /// Only orders with this status.
    #[param(inline)]
    status: Option<Status>,
    /// Only orders for this target.
    #[param(inline)]
    target: Option<Target>,
    /// Only orders of this merchant.
    #[param(example = "shop", format = "name")]
    merchant: Option<String>,
    /// Only orders of this user.
    #[param(example = "u-1", format = "name")]
    user: Option<String>,
    /// Only orders whose `error` has this code. Failed orders have other codes than waiting ones.
    #[param(inline)]
    error: Option<ErrorCode>,
    /// Only orders with a follow-up that fares so. Follow-ups are calls to Klarna about a submitted
    /// order that the service makes by itself, such as the read after a push. `failing`: one has
    /// failed, whether it is tried again or was given up; `given_up`: one failed for two days, and
    /// is not tried by itself any more.
    #[param(inline)]
    follow_ups: Option<FollowUpState>,
    /// Only orders accepted at this time or later.
    #[param(example = "2026-01-31T12:00:00Z")]
    since: Option<DateTime<Utc>>,
    /// Only orders accepted before this time.
    #[param(example = "2026-01-31T13:00:00Z")]
    until: Option<DateTime<Utc>>,
    /// Only orders that ended at this time or later; with `status=failed`, that failed then.
    #[param(example = "2026-01-31T12:00:00Z")]
    ended_since: Option<DateTime<Utc>>,
    /// Only orders that ended before this time; with `status=failed`, that failed before.
    #[param(example = "2026-01-31T13:00:00Z")]
    ended_until: Option<DateTime<Utc>>,
    /// Only orders with this `possible_duplicate`.
    possible_duplicate: Option<bool>,
    /// The most orders to return.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next` of the previous page.
    #[param(value_type = Option<String>, format = Uuid)]
    cursor: Option<OrderId>,
}

/// List orders, newest first, without their snippets.
///
/// With a read replica (`database.read_url`), a list may be some seconds old; `GET /v1/orders/{id}`
/// is not.
#[utoipa::path(
    get,
    operation_id = "list_orders",
    path = "/v1/orders",
    tag = "orders",
    params(ListQuery),
    responses((status = 200, description = "A page of orders", body = OrderList), Common)
)]
pub(in crate::api) async fn list(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InQuery(query): InQuery<ListQuery>,
) -> Result<Json<OrderList>, Problem> {
    let limit = page_size(query.limit)?;
    for (name, value) in [("q", &query.q), ("merchant", &query.merchant), ("user", &query.user)] {
        check_filter(name, value.as_deref())?;
    }
    let scopes: Vec<Option<MerchantName>> = match (&query.merchant, caller.merchants()) {
        (None, Some(merchants)) => merchants.map(|merchant| Some(merchant.into())).collect(),
        (merchant, _) => {
            merchant.as_deref().map_or(Ok(()), |merchant| caller.act_for(merchant))?;
            vec![merchant.clone().map(Into::into)]
        }
    };
    let name = match &query.q {
        Some(text) => Some(OrderName::of(&*app.lists, text, &scopes).await?),
        None => None,
    };
    // Read one more than the limit, to know whether there is another page.
    let filter = |merchant: Option<MerchantName>| OrderFilter {
        status: query.status,
        target: query.target,
        merchant,
        user: query.user.clone().map(Into::into),
        errors: query.error.map(|code| code.as_str().to_owned()).into_iter().collect(),
        follow_ups: query.follow_ups,
        name: name.clone(),
        since: query.since,
        until: query.until,
        ended_since: query.ended_since,
        ended_until: query.ended_until,
        duplicates: query.possible_duplicate,
        before: query.cursor,
        limit: limit + 1,
        ..OrderFilter::default()
    };
    let mut orders = Vec::new();
    for merchant in scopes {
        orders.extend(app.lists.orders(&filter(merchant)).await?);
    }
    orders.sort_by_key(|order| std::cmp::Reverse(order.id));
    Ok(Json(OrderList::page(orders, limit)))
}
