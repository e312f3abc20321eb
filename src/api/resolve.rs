//! `/v1/merchants/{merchant}/users/{user}/token/resolve`

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answers::{Absent, Common, Decided};
use super::auth::Caller;
use super::extract::{self, InPath, UserPath};
use super::problem::{Kind, Problem};
use super::{AppState, Token};
use crate::token::{Resolution, Resolved, TokenState};

/// A decision about an uncertain token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveRequest {
    /// `retry`: the token becomes active, and the next order or the keeper presents it, which shows
    /// whether it was spent. `present`: the same, and the keeper presents it in its next run if no
    /// order does so before. `dead`: the token is never presented again, and the shopper must sign
    /// in.
    pub decision: Decision,
}

/// What to do with an uncertain token.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Make it active; the next order or the keeper presents it.
    Retry,
    /// Make it active and due, so that the keeper presents it in its next run.
    Present,
    /// End it; it is never presented again.
    Dead,
}

impl From<Decision> for Resolution {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Retry => Self::Retry,
            Decision::Present => Self::Present,
            Decision::Dead => Self::Dead,
        }
    }
}

/// Decide about an uncertain refresh token.
///
/// A token is uncertain if nobody knows whether it was spent, because the answer to its last
/// presentation was lost or the database was restored. The command `tokens resolve --all` decides
/// about many tokens.
#[utoipa::path(
    post,
    operation_id = "resolve_token",
    path = "/v1/merchants/{merchant}/users/{user}/token/resolve",
    tag = "ops",
    params(UserPath),
    request_body = ResolveRequest,
    responses((status = 200, description = "The token's state now", body = Token), Decided, Absent, Common)
)]
pub(super) async fn resolve(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<UserPath>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Token>, Problem> {
    let key = path.of(&caller)?;
    let ResolveRequest { decision } = extract::json(&headers, body, 1024).await?;
    let absent = || Problem::new(Kind::NotFound, "there is no refresh token for this user");
    match app.registry.resolve(&key, decision.into()).await? {
        Resolved::Done(token) => {
            tracing::info!(merchant = key.merchant.as_str(), decision = ?decision, "An operator resolved a token");
            Ok(Json(token.into()))
        }
        Resolved::NotUncertain(token) if token.state == TokenState::Forgotten => Err(absent()),
        Resolved::NotUncertain(token) => {
            let state = token.state.as_str();
            let detail = format!("the token is {state}; only an uncertain token needs a decision");
            Err(Problem::new(Kind::WrongState, detail))
        }
        Resolved::Missing => Err(absent()),
    }
}
