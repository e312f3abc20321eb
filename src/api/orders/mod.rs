//! `/v1/orders`

mod patience;
mod view;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

pub use view::{Order, OrderList, OrderRequest};

use super::Rooms;
use super::auth::Caller;
use super::extract::{self, InPath, InQuery, invalid};
use super::openapi::{Absent, Common, SentOrder};
use super::problem::{Kind, Problem};
use crate::intake::Accepted;
use crate::order::{Fault, MAX_BODY, NewOrder, OrderId, Status, check_idempotency_key};
use crate::store::{OrderFilter, OrderView, StoreError};

/// The largest order, and room for the envelope around it.
const LARGEST: usize = MAX_BODY + 16 * 1024;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The most orders on one page of a list.
const MOST: u32 = 200;

/// Hand in an order.
///
/// It is checked against Klarna's rules, stored, and submitted in the background; wait for its end with
/// `GET /v1/orders/{id}?wait=25s`. With an idempotency key, in the header or in the body, a request may be repeated
/// without ordering twice: the repeat answers with the same order as it stands by then.
#[utoipa::path(
    post,
    operation_id = "submit_order",
    path = "/v1/orders",
    tag = "orders",
    params(("Idempotency-Key" = Option<String>, Header, example = "cart-1001",
        description = "The shop's own name for this request, unique per merchant: 1 to 255 visible ASCII characters")),
    request_body = OrderRequest,
    responses(
        (status = 202, description = "The order is stored, now or by an earlier equal request", body = Order,
            headers(("Location" = String, description = "The order's path"))),
        SentOrder,
        Common,
    )
)]
pub(super) async fn post(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body = extract::Json::read(&headers, body, LARGEST).await?;
    let mut order = NewOrder::parse(body.text()?)?;
    order.idempotency_key = idempotency_key(&headers, order.idempotency_key)?;
    caller.act_for(&order.merchant)?;
    let (merchant, user) = (order.merchant.clone(), order.user.clone());
    let accepted = rooms.intake.submit(order).await?;
    let read = rooms.store.order(accepted.id).await;
    let order = stored(accepted, read, merchant, user)?;
    let location = [(LOCATION, format!("/v1/orders/{}", accepted.id))];
    Ok((StatusCode::ACCEPTED, location, Json(order)).into_response())
}

/// The key of header or body; both may be there only where they are equal.
fn idempotency_key(headers: &HeaderMap, in_body: Option<String>) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(in_header) = given.next() else { return Ok(in_body) };
    if given.next().is_some() {
        return Err(invalid("the header Idempotency-Key is there twice: send one"));
    }
    // What is no text is no visible ASCII either.
    let key = in_header.to_str().unwrap_or_default();
    check_idempotency_key(key).map_err(|wrong| invalid(format!("the header Idempotency-Key {wrong}")))?;
    if in_body.is_some_and(|in_body| in_body != key) {
        let message = "differs from the header Idempotency-Key, expected one of them, or both alike";
        return Err(Problem::with_faults(Kind::InvalidOrder, vec![Fault::new("/idempotency_key", message)]));
    }
    Ok(Some(key.to_owned()))
}

/// The order as it stands after it was accepted. A new one is in the database even where it cannot be read back now: an
/// error would make the caller send it again, and without an idempotency key order twice.
fn stored(
    accepted: Accepted,
    read: Result<Option<OrderView>, StoreError>,
    merchant: String,
    user: String,
) -> Result<Order, Problem> {
    match read {
        Ok(Some(order)) => Ok(order.into()),
        Err(error) if !accepted.new => Err(error.into()),
        read => {
            tracing::warn!(
                error = read.err().map(tracing::field::display),
                "An order that was taken in could not be read back"
            );
            Ok(Order::just_accepted(accepted.id, merchant, user))
        }
    }
}

/// Query of `GET /v1/orders/{id}`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowQuery {
    /// How long to wait for the order's end, such as `25s` or `25`; at most 60 s count. The answer comes as soon as the
    /// order is settled, and otherwise then, with the order as it stands.
    #[param(example = "25s")]
    wait: Option<String>,
}

/// Read an order, and wait for its end.
#[utoipa::path(
    get,
    operation_id = "get_order",
    path = "/v1/orders/{id}",
    tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id"), ShowQuery),
    responses((status = 200, description = "The order as it stands", body = Order), Absent, Common)
)]
pub(super) async fn show(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    InPath(id): InPath<String>,
    InQuery(query): InQuery<ShowQuery>,
) -> Result<Json<Order>, Problem> {
    let patience = patience::read(query.wait.as_deref())?;
    let absent = || Problem::new(Kind::NotFound, "there is no order with this id");
    let id: OrderId = id.parse().map_err(|_| absent())?;
    // Nobody waits for another's order.
    let order = rooms.store.order(id).await?.filter(|order| caller.sees(&order.merchant)).ok_or_else(absent)?;
    if patience.is_zero() || order.status.is_settled() {
        return Ok(Json(order.into()));
    }
    let order = rooms.waiters.wait(id, patience).await?.ok_or_else(absent)?;
    Ok(Json(order.into()))
}

/// Query of `GET /v1/orders`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only orders in this state.
    #[param(inline)]
    status: Option<Status>,
    /// Only this merchant's.
    #[param(example = "shop")]
    merchant: Option<String>,
    /// Only this user's.
    #[param(example = "u-1")]
    user: Option<String>,
    /// At most so many orders.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page before ended: its `next`.
    #[param(value_type = Option<String>)]
    cursor: Option<OrderId>,
}

/// List orders, newest first, without their snippets.
#[utoipa::path(
    get,
    operation_id = "list_orders",
    path = "/v1/orders",
    tag = "orders",
    params(ListQuery),
    responses((status = 200, description = "A page of orders", body = OrderList), Common)
)]
pub(super) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    InQuery(query): InQuery<ListQuery>,
) -> Result<Json<OrderList>, Problem> {
    let limit = query.limit.unwrap_or(50);
    if !(1..=MOST).contains(&limit) {
        return Err(invalid(format!("limit: is {limit}, expected 1 to {MOST}")));
    }
    // One more than asked for tells whether another page follows.
    let filter = |merchant: Option<String>| OrderFilter {
        status: query.status,
        merchant,
        user: query.user.clone(),
        before: query.cursor,
        limit: limit + 1,
    };
    let mut orders = Vec::new();
    match (&query.merchant, caller.merchants()) {
        (None, Some(merchants)) => {
            for merchant in merchants {
                orders.extend(rooms.store.orders(&filter(Some(merchant.to_owned()))).await?);
            }
            orders.sort_by_key(|order| std::cmp::Reverse(order.id));
        }
        (merchant, _) => {
            merchant.as_deref().map_or(Ok(()), |merchant| caller.act_for(merchant))?;
            orders = rooms.store.orders(&filter(merchant.clone())).await?;
        }
    }
    Ok(Json(OrderList::page(orders, limit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(new: bool, read: Result<Option<OrderView>, StoreError>) -> Result<Order, Problem> {
        let accepted = Accepted { id: OrderId::new(chrono::DateTime::UNIX_EPOCH), new };
        stored(accepted, read, "shop".into(), "u-1".into())
    }

    #[test]
    fn a_new_order_is_never_denied() {
        let away = || Err(StoreError::Unavailable("gone".into()));
        let order = read_back(true, away()).unwrap();
        assert_eq!((order.status, order.merchant.as_str()), (Status::Queued, "shop"));
        // A repeat may be sent again at no risk, and its order may stand anywhere by now.
        assert_eq!(read_back(false, away()).unwrap_err().details().status, 503);
    }
}
