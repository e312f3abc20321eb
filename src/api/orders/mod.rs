//! `/v1/orders`

mod batch;
mod bulk;
mod change;
mod klarna_order;
mod list;
mod split;
mod update;
mod view;
mod wait_param;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::IntoParams;

pub use batch::{BatchAnswer, BatchOutcome, BatchResult};
pub use bulk::{BulkAnswer, OrderSelection, UnchangedOrders};
pub use update::OrderUpdate;
pub use view::{Order, OrderList, OrderRequest};

pub(super) use batch::{__path_post as __path_batch, post as batch};
pub(super) use bulk::{
    __path_cancel_many, __path_retry_follow_ups, __path_retry_many, cancel_many, retry_follow_ups, retry_many,
};
pub(super) use change::{__path_cancel, __path_retry, cancel, retry};
pub(super) use list::{__path_list, list};
pub(super) use update::{__path_update, update};

use super::AppState;
use super::answers::{Absent, Common, SentOrder};
use super::audit_trail::Concerns;
use super::auth::Caller;
use super::drain;
use super::extract::{self, Expected, InPath, InQuery, invalid};
use super::problem::{Kind, Problem};
use crate::audit::Outcome;
use crate::config::Scope;
use crate::history::{History, OrderEvent, Sources};
use crate::ids::UserKey;
use crate::intake::{Accepted, IntakeError, Submitted};
use crate::order::{Fault, MAX_BODY, OrderId, OrderView, check_idempotency_key};
use crate::sessions::Refreshed;

/// The largest order, plus space for the other members of the request.
const LARGEST: usize = MAX_BODY + 16 * 1024;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Submit an order.
///
/// The order is checked against Klarna's rules, stored, and submitted to Klarna in the background.
/// Wait for its end with `GET /v1/orders/{id}?wait=25s`. With an idempotency key, in the header or
/// in the body, the request can be repeated without ordering twice: the answer then shows the first
/// order as it is now. Once nobody can pay that order any more, because its session has ended at
/// Klarna or retention has deleted its snippet, the same key makes a new order, which `supersedes`
/// it.
#[utoipa::path(
    post,
    operation_id = "submit_order",
    path = "/v1/orders",
    tag = "orders",
    params(("Idempotency-Key" = Option<String>, Header, example = "cart-1001", min_length = 1, max_length = 255,
        pattern = "^[\\x21-\\x7e]{1,255}$",
        description = "The shop's own id for this request, unique per merchant: 1 to 255 visible ASCII characters")),
    request_body = OrderRequest,
    responses(
        (status = 202, description = "The order is stored, by this or an earlier equal request", body = Order,
            headers(("Location" = String, description = "The order's path")),
            links(
                ("get_order" = (operation_id = "get_order", parameters(("id" = "$response.body#/id")))),
                ("cancel_order" = (operation_id = "cancel_order", parameters(("id" = "$response.body#/id")))),
                ("retry_order" = (operation_id = "retry_order", parameters(("id" = "$response.body#/id")))),
            )),
        Common,
        SentOrder,
    )
)]
pub(super) async fn post(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    drain::check(&app.probes.ready)?;
    let body = extract::Text::read(&headers, body, &Expected::json(LARGEST)).await?;
    let mut order = app.intake.parse(body.text()?, None)?;
    order.idempotency_key = idempotency_key(&headers, order.idempotency_key)?;
    caller.act_for(order.merchant.as_str())?;
    let key = UserKey { merchant: order.merchant.clone(), user: order.user.clone() };
    let submitted = match app.intake.submit(order).await {
        // If nobody can pay the known order any more, its key is free for this request.
        Ok(Submitted { accepted: Accepted { id, new: false }, .. }) | Err(IntakeError::KeyReused(id))
            if has_ended(&app, id).await =>
        {
            let mut order = app.intake.parse(body.text()?, None)?;
            order.idempotency_key = idempotency_key(&headers, order.idempotency_key)?;
            app.intake.submit(order).await?
        }
        submitted => submitted?,
    };
    let Submitted { accepted, order } = submitted;
    let concerns = Concerns::order(accepted.id, key);
    let order = match order {
        Some(order) => Order::from(order),
        // As it is now. It is absent only if retention has deleted it since it was found.
        None => app.orders.order(accepted.id).await?.ok_or_else(absent)?.into(),
    };
    let location = [(LOCATION, format!("/v1/orders/{}", accepted.id))];
    Ok((StatusCode::ACCEPTED, location, Extension(concerns), Json(order)).into_response())
}

/// Whether an order has ended at Klarna, as only Klarna knows. If it cannot be asked now, the order
/// counts as open.
async fn has_ended(app: &AppState, id: OrderId) -> bool {
    match app.orders.order(id).await {
        Ok(Some(order)) if app.sessions.is_to_be_read(&order) => {
            app.sessions.refresh(order).await.has_ended()
        }
        _ => false,
    }
}

/// Returns the idempotency key from the header or the body. If both have one, they must be equal.
fn idempotency_key(headers: &HeaderMap, in_body: Option<String>) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(in_header) = given.next() else { return Ok(in_body) };
    if given.next().is_some() {
        return Err(invalid("the header Idempotency-Key was sent twice: send it once"));
    }
    // A value that is not text is not visible ASCII either.
    let key = in_header.to_str().unwrap_or_default();
    check_idempotency_key(key).map_err(|wrong| invalid(format!("the header Idempotency-Key {wrong}")))?;
    if in_body.is_some_and(|in_body| in_body != key) {
        let message = "differs from the header Idempotency-Key: send one of them, or the same value in both";
        return Err(Problem::with_faults(Kind::InvalidOrder, vec![Fault::new("/idempotency_key", message)]));
    }
    Ok(Some(key.to_owned()))
}

/// Query of `GET /v1/orders/{id}`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowQuery {
    /// How long to wait for the order's end, such as `25s` or `25`; at most 60 s. The answer comes
    /// as soon as the order has ended. If the time is over first, the answer shows the order as it
    /// is.
    #[param(example = "25s", pattern = "^[0-9]{1,6}(ms|s|m)?$")]
    wait: Option<String>,
    /// Whether to read the order or session at Klarna first, if the order is submitted. The answer
    /// then has its present state in `session`, and its present snippet. If Klarna cannot be asked
    /// now, the answer says why in `refresh_error`.
    #[param(default = false)]
    refresh: Option<bool>,
    /// Whether the answer has what happened to the order, in `history`: for people who look into
    /// one order. Uses of the token are there only for a key that also has the scope `tokens:read`,
    /// and who paused work and why only with `ops:read`.
    #[param(default = false)]
    history: Option<bool>,
}

/// Get an order, and wait for its end if `wait` is given.
#[utoipa::path(
    get,
    operation_id = "get_order",
    path = "/v1/orders/{id}",
    tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id"), ShowQuery),
    responses(
        (status = 200, description = "The order", body = Order,
            headers(("ETag" = String, description = "The order's version, in quotes"))),
        Absent,
        Common,
    )
)]
pub(super) async fn show(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(id): InPath<String>,
    InQuery(query): InQuery<ShowQuery>,
) -> Result<([(HeaderName, String); 1], Json<Order>), Problem> {
    let wait = wait_param::read(query.wait.as_deref())?;
    let order = if wait.is_zero() {
        find(&app, &caller, &id).await?
    } else {
        let id = id.parse().map_err(|_| absent())?;
        // A caller must not wait for an order of a merchant that its key is not valid for.
        let order = app.waiters.wait(id, wait, |order| caller.sees(order.merchant.as_str())).await?;
        order.ok_or_else(absent)?
    };
    let refreshed = if query.refresh == Some(true) {
        app.sessions.refresh(order).await
    } else {
        Refreshed { order, error: None }
    };
    let history = if query.history == Some(true) {
        Some(history(&app, &caller, &refreshed.order).await?)
    } else {
        None
    };
    Ok((etag(&refreshed.order), Json(Order { history, ..refreshed.into() })))
}

async fn history(app: &AppState, caller: &Caller, order: &OrderView) -> Result<Vec<OrderEvent>, Problem> {
    let registry = caller.has(Scope::TokensRead).then_some(&app.registry);
    let from = Sources {
        dashboard: &*app.dashboard,
        registry,
        webhooks: &*app.webhooks,
        who_paused: caller.has(Scope::OpsRead),
    };
    Ok(History::read(&from, order, app.clock.now()).await?.events)
}

/// Returns the entity tag of an order: the version of its body.
fn etag(order: &OrderView) -> [(HeaderName, String); 1] {
    [(ETAG, format!("\"{}\"", order.version))]
}

/// Returns the order. An order of a merchant that the key is not valid for counts as not found.
async fn find(app: &AppState, caller: &Caller, id: &str) -> Result<OrderView, Problem> {
    let id: OrderId = id.parse().map_err(|_| absent())?;
    let order = app.orders.order(id).await?.ok_or_else(absent)?;
    if caller.sees(order.merchant.as_str()) { Ok(order) } else { Err(absent().audited(Outcome::Refused)) }
}

fn absent() -> Problem {
    Problem::new(Kind::NotFound, "there is no order with this id")
}
