//! `POST /v1/merchants/{merchant}/users/{user}/rename`

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::answers::{Absent, Common, RenamedUser};
use super::auth::Caller;
use super::extract::{self, InPath, UserPath, invalid};
use super::problem::{Kind, Problem};
use crate::ids::UserId;
use crate::store::{Moved, Renamed};
use crate::vault::{BEING_ERASED, BOTH_HAVE_TOKENS, BUSY};

/// How long a request waits for an order that a worker has.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The new name of a user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameRequest {
    /// The shop's new id for the user.
    #[schema(format = "name", example = "u-2")]
    pub to: String,
}

/// What was moved to the new name.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct MovedUser {
    /// Whether a refresh token was moved, with its history.
    pub token: bool,
    /// How many orders, those that have ended included.
    #[schema(example = 3)]
    pub orders: u64,
    /// How many webhook events. What they say of the user stays as it was.
    #[schema(example = 3)]
    pub webhooks: u64,
}

/// Give a user another name, or merge two users.
///
/// Needs a key with both scopes, `orders:write` and `tokens:write`. Moves the refresh token with
/// its history, all orders and webhook events. An exchange in flight is not disturbed; while a
/// worker may ask for the token of one of the user's orders, this waits for up to 10 seconds. If
/// both names have a refresh token, forget one first. Idempotency keys keep the request with the
/// old name.
#[utoipa::path(
    post,
    operation_id = "rename_user",
    path = "/v1/merchants/{merchant}/users/{user}/rename",
    tag = "users",
    params(UserPath),
    request_body = RenameRequest,
    responses((status = 200, description = "What has the new name now", body = MovedUser), RenamedUser, Absent, Common)
)]
pub(super) async fn rename(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<UserPath>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<MovedUser>, Problem> {
    let key = path.of(&caller)?;
    let RenameRequest { to } = extract::json(&headers, body, 4096).await?;
    let to = UserId::parse(&to).map_err(|wrong| invalid(format!("to: {wrong}")))?;
    if to == key.user {
        return Err(Problem::new(Kind::UserExists, "to: is the user's present name"));
    }
    match app.renamer.rename(&key, &to, LONGEST_WAIT).await? {
        Renamed::Done(moved) if moved == Moved::default() => {
            Err(Problem::new(Kind::NotFound, "no data is stored for this user"))
        }
        Renamed::Done(Moved { token, orders, webhooks }) => {
            tracing::info!(merchant = key.merchant.as_str(), token, orders, webhooks, "A user was renamed");
            Ok(Json(MovedUser { token, orders, webhooks }))
        }
        Renamed::BothHaveTokens => Err(Problem::new(Kind::UserExists, BOTH_HAVE_TOKENS)),
        Renamed::Busy => Err(Problem::new(Kind::UserBusy, BUSY)),
        Renamed::BeingErased => Err(Problem::new(Kind::UserBusy, BEING_ERASED)),
    }
}
