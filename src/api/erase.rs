//! `DELETE /v1/merchants/{merchant}/users/{user}`

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::AppState;
use super::answers::Common;
use super::auth::Caller;
use super::extract::{InPath, UserPath, check_names};
use super::problem::Problem;

/// Erase a user's data.
///
/// For keys of both scopes, `orders` and `tokens`. The refresh token and what was kept from it, bodies and results of orders,
/// and pending webhooks are deleted; orders and ledger stay under a random name. Orders that have not ended are cancelled: of
/// one that is being submitted Klarna may have a session, whose result is not kept. Idempotency keys of the user's orders
/// are free again. Also where there is nothing of the user.
#[utoipa::path(
    delete,
    operation_id = "erase_user",
    path = "/v1/merchants/{merchant}/users/{user}",
    tag = "users",
    params(UserPath),
    responses((status = 204, description = "Nothing leads to the user any more"), Common)
)]
pub(super) async fn erase(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(UserPath { merchant, user }): InPath<UserPath>,
) -> Result<StatusCode, Problem> {
    caller.act_for(&merchant)?;
    check_names(&merchant, &user)?;
    let erased = app.upkeep.erase_user(&merchant, &user).await?;
    tracing::info!(
        merchant,
        token = erased.token,
        orders = erased.orders,
        cancelled = erased.cancelled,
        webhooks = erased.webhooks,
        "A user was erased"
    );
    Ok(StatusCode::NO_CONTENT)
}
