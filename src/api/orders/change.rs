//! Cancels and retries one order.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};

use super::{Order, find};
use crate::api::AppState;
use crate::api::answers::{Absent, ChangedOrder, Common};
use crate::api::audit_trail::Concerns;
use crate::api::auth::Caller;
use crate::api::extract::InPath;
use crate::api::problem::Problem;
use crate::ids::UserKey;
use crate::order::{OrderAdminRefusal, OrderId, OrderView, Status};

/// Cancel an order.
///
/// Works only while the order is queued: once a worker runs it, Klarna may already have it.
/// Cancelling it again changes nothing. The webhook `order.cancelled` tells the shop, once.
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

pub(super) fn of(order: &OrderView) -> Extension<Concerns> {
    let user = UserKey { merchant: order.merchant.clone(), user: order.user.clone() };
    Extension(Concerns::order(order.id, user))
}
