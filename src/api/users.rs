//! `/v1/merchants/{merchant}/users`, and the history of a user's token.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::AppState;
use super::answers::{Absent, Common};
use super::auth::Caller;
use super::extract::{InPath, InQuery, MerchantPath, UserPath, check_filter, cut_page, invalid, page_size};
use super::problem::{Kind, Problem};
use super::tokens::Token;
use crate::ids::UserKey;
use crate::store::TokenFilter;
use crate::token::{LedgerCursor, LedgerEntry, Outcome, PurposeKind, TokenState};

/// Query of `GET /v1/merchants/{merchant}/users`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersQuery {
    /// Only users whose token has this state. Without it, all users with a token in any state.
    #[param(inline)]
    state: Option<TokenState>,
    /// The most users to return.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next` of the previous page.
    #[param(format = "name")]
    cursor: Option<String>,
}

/// A page of users.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserList {
    /// The users, by name.
    pub users: Vec<Token>,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// List a merchant's users by the state of their refresh token.
#[utoipa::path(
    get,
    operation_id = "list_users",
    path = "/v1/merchants/{merchant}/users",
    tag = "tokens",
    params(MerchantPath, UsersQuery),
    responses((status = 200, description = "A page of users", body = UserList), Common)
)]
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<MerchantPath>,
    InQuery(query): InQuery<UsersQuery>,
) -> Result<Json<UserList>, Problem> {
    let merchant = path.of(&caller)?;
    check_filter("cursor", query.cursor.as_deref())?;
    let limit = page_size(query.limit)?;
    let filter = TokenFilter {
        state: query.state,
        merchant: Some(merchant.clone()),
        expiring_within: None,
        after: query.cursor.map(|user| UserKey { merchant, user: user.into() }),
        // One more than the limit tells whether there is another page.
        limit: limit + 1,
    };
    let mut users: Vec<Token> =
        app.registry_for_lists.list(&filter).await?.into_iter().map(Token::from).collect();
    let next = cut_page(&mut users, limit).map(|last| last.user.clone());
    Ok(Json(UserList { users, next }))
}

/// Query of `GET /v1/merchants/{merchant}/users/{user}/token/history`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    /// The most rows to return.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next` of the previous page.
    #[param(pattern = "^[0-9]{1,18}-[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// A page of a token's history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct History {
    /// The orders, newest first.
    pub history: Vec<Exchange>,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// One presentation of a user's refresh token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Exchange {
    /// The id of the exchange.
    pub id: Uuid,
    /// The generation of the token that was presented.
    #[schema(example = 1, minimum = 0)]
    pub generation: i64,
    /// The number of this presentation of the same token. More than 1 only if an earlier one was
    /// not answered.
    #[schema(example = 1, minimum = 1)]
    pub presentation: i64,
    /// `order`, `keeper`, or `manual` (an operator).
    pub purpose: PurposeKind,
    /// The order's id, or the id of the keeper's run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub purpose_id: Option<Uuid>,
    /// The id of the process that presented the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "worker-1/4711")]
    pub worker: Option<String>,
    /// When the intent was recorded, just before the request was sent.
    pub opened_at: DateTime<Utc>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed_at: Option<DateTime<Utc>>,
    /// The outcome; absent while it is in flight. `rotated`: Klarna issued a new token.
    /// `unchanged`: the provider did not rotate. `rejected`: the token no longer works. `not_sent`.
    /// `refused`: answered, but not processed. `no_answer`. `superseded`: a newer token was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub outcome: Option<Outcome>,
    /// What it failed with, such as the status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "HTTP 503")]
    pub cause: Option<String>,
}

impl From<LedgerEntry> for Exchange {
    fn from(entry: LedgerEntry) -> Self {
        Self {
            id: entry.exchange.as_uuid(),
            generation: entry.cursor.generation,
            presentation: entry.cursor.presentation.0,
            purpose: entry.purpose,
            purpose_id: entry.purpose_ref.map(|id| id.as_uuid()),
            worker: entry.worker,
            opened_at: entry.opened_at,
            closed_at: entry.closed_at,
            outcome: entry.outcome,
            cause: entry.cause,
        }
    }
}

/// List when a user's refresh token was presented, for what, by whom, and with what outcome.
///
/// Contains no token. Rows are kept for `retention.ledger`, even if the token was forgotten.
#[utoipa::path(
    get,
    operation_id = "get_token_history",
    path = "/v1/merchants/{merchant}/users/{user}/token/history",
    tag = "tokens",
    params(
        UserPath,
        HistoryQuery,
    ),
    responses((status = 200, description = "A page of the token's history", body = History), Absent, Common)
)]
pub(super) async fn history(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<UserPath>,
    InQuery(query): InQuery<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    let key = path.of(&caller)?;
    let limit = page_size(query.limit)?;
    let before = query.cursor.as_deref().map(parse_cursor).transpose()?;
    let mut entries = app.registry_for_lists.history(&key, before, limit + 1).await?;
    if entries.is_empty() && app.registry.view(&key).await?.is_none() {
        return Err(Problem::new(Kind::NotFound, "no refresh token was ever registered for this user"));
    }
    let next = cut_page(&mut entries, limit).map(|last| {
        let LedgerCursor { generation, presentation } = last.cursor;
        format!("{generation}-{presentation}")
    });
    Ok(Json(History { history: entries.into_iter().map(Exchange::from).collect(), next }))
}

/// Parses a cursor of the history.
fn parse_cursor(cursor: &str) -> Result<LedgerCursor, Problem> {
    let parsed = cursor.split_once('-').and_then(|(generation, presentation)| {
        Some(LedgerCursor { generation: generation.parse().ok()?, presentation: presentation.parse().ok()? })
    });
    parsed.ok_or_else(|| invalid("cursor: is invalid; send the `next` of the previous page"))
}
