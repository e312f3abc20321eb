//! `DELETE /v1/merchants/{merchant}/users/{user}`

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::AppState;
use super::answers::Common;
use super::auth::Caller;
use super::extract::{InPath, UserPath};
use super::problem::Problem;

/// Erase all data of a user.
///
/// Needs a key with both scopes, `orders:write` and `tokens:write`. Deletes the refresh token,
/// which is revoked at Klarna soon after (setting `revoke_on_forget`), with everything derived from
/// it, bodies and results of orders, and pending webhooks. Orders and ledger stay, with a random
/// name in place of the user. Orders that have not ended are cancelled; if one is just being
/// submitted, Klarna may have a session for it, but its result is not stored. The idempotency keys
/// of the user's orders can be used again. Succeeds even if there is no data of the user.
#[utoipa::path(
    delete,
    operation_id = "erase_user",
    path = "/v1/merchants/{merchant}/users/{user}",
    tag = "users",
    params(UserPath),
    responses((status = 204, description = "No data refers to the user any more"), Common)
)]
pub(super) async fn erase(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<UserPath>,
) -> Result<StatusCode, Problem> {
    let key = path.of(&caller)?;
    // This first, because erasing leaves nothing that could be revoked.
    app.registry.forget(&key).await?;
    let erased = app.upkeep.erase_user(&key).await?;
    tracing::info!(
        merchant = key.merchant.as_str(),
        token = erased.token,
        orders = erased.orders,
        cancelled = erased.cancelled,
        webhooks = erased.webhooks,
        "A user was erased"
    );
    Ok(StatusCode::NO_CONTENT)
}
