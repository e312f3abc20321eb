//! `GET /v1/audit`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::AppState;
use super::answers::Common;
use super::extract::{InQuery, check_filter, cut_page, invalid, page_size};
use super::problem::Problem;
use crate::audit::{Action, Actor, Outcome};
use crate::ids::UserKey;
use crate::store::{AuditFilter, AuditRow};

/// Query of `GET /v1/audit`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// Only rows of this time or later.
    #[param(example = "2026-01-31T12:00:00Z")]
    since: Option<DateTime<Utc>>,
    /// Only what was done with the API key of this name.
    #[param(example = "shop", format = "name")]
    key: Option<String>,
    /// Only this action, such as `token.read`.
    #[param(example = "token.read", pattern = "^[a-z_]{1,20}\\.[a-z_]{1,20}$")]
    action: Option<String>,
    /// Only rows about this merchant.
    #[param(example = "shop", format = "name")]
    merchant: Option<String>,
    /// Only rows about this user of `merchant`, which is then required.
    #[param(example = "u-1", format = "name")]
    user: Option<String>,
    /// Only rows with this outcome: `begun` (by a command), `done`, `refused`, `not_found`,
    /// `rejected` or `failed`.
    #[param(example = "refused", pattern = "^(begun|done|refused|not_found|rejected|failed)$")]
    outcome: Option<String>,
    /// Only rows with exactly this object, such as the id of an order or a webhook, or `checkout`
    /// of `ops.breakers_probe`.
    #[param(example = "019abc3e-51c4-7d10-a2de-6b0f1c7f9a42", format = "name")]
    object: Option<String>,
    /// The most rows to return.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next` of the previous page.
    #[param(minimum = 1)]
    cursor: Option<i64>,
}

/// A page of the audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditList {
    /// The rows, newest first.
    pub rows: Vec<AuditRecord>,
    /// The `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<i64>,
}

/// A row of the audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditRecord {
    /// The row's number in the table.
    #[schema(example = 1, minimum = 1)]
    pub id: i64,
    /// When it happened, by the clock of the process.
    pub happened_at: DateTime<Utc>,
    /// Who did it: `key:` and the name of an API key, `command:` and a user of the machine, `local`
    /// (an API without keys) or `service`.
    #[schema(example = "key:shop")]
    pub actor: String,
    /// What was done.
    #[schema(example = "token.read")]
    pub action: String,
    /// How it ended: `done`, `refused` (not allowed), `not_found`, `rejected` (the request was
    /// wrong, or did not fit the state of things) or `failed`. `begun`: a command was about to do
    /// it; another row says how that ended, unless the command was killed.
    #[schema(example = "done")]
    pub outcome: String,
    /// The id of the request, as the log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<String>,
    /// The merchant that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub merchant: Option<String>,
    /// The user that it concerns, by a keyed hash: filter by `user` to find the rows of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0f3a")]
    pub user: Option<String>,
    /// What else it concerns: an id, or a number of rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub object: Option<String>,
    /// The chain of the process that wrote the row.
    pub chain: Uuid,
    /// The row's number in its chain.
    #[schema(example = 1, minimum = 1)]
    pub number: i64,
    /// The row's hash, which the next row of the chain carries.
    pub hash: String,
}

impl From<AuditRow> for AuditRecord {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            happened_at: row.happened_at,
            user: row.user_text(),
            chain: row.chain,
            number: row.number,
            hash: row.hash_text(),
            actor: row.actor,
            action: row.action,
            outcome: row.outcome,
            request_id: row.request_id,
            merchant: row.merchant,
            object: row.object,
        }
    }
}

/// Read the audit log: who read or changed what.
///
/// Needs a key with the scope `ops:read` that is not limited to some merchants. Rows appear within
/// a second after the action. Reading the log leaves a row too.
#[utoipa::path(
    get,
    operation_id = "list_audit",
    path = "/v1/audit",
    tag = "ops",
    params(AuditQuery),
    responses((status = 200, description = "A page of the audit log", body = AuditList), Common)
)]
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    InQuery(query): InQuery<AuditQuery>,
) -> Result<Json<AuditList>, Problem> {
    let limit = page_size(query.limit)?;
    for (name, value) in
        [("key", &query.key), ("merchant", &query.merchant), ("user", &query.user), ("object", &query.object)]
    {
        check_filter(name, value.as_deref())?;
    }
    if let Some(action) = &query.action {
        Action::from_word(action)
            .map_err(|_| invalid("action: is none of this program; see docs/security.md"))?;
    }
    if query.outcome.as_deref().is_some_and(|outcome| Outcome::from_word(outcome).is_err()) {
        let known = Outcome::ALL.map(Outcome::as_str).join(", ");
        return Err(invalid(format!("outcome: is none of {known}")));
    }
    if query.cursor.is_some_and(|cursor| cursor < 1) {
        return Err(invalid("cursor: is invalid; send the `next` of the previous page"));
    }
    let user_hash = match (&query.merchant, query.user) {
        (Some(merchant), Some(user)) => Some(app.audit.user(&UserKey::new(merchant.as_str(), user))),
        (None, Some(_)) => return Err(invalid("merchant: is missing; name the merchant of the user")),
        (_, None) => None,
    };
    let filter = AuditFilter {
        since: query.since,
        actor: query.key.map(|name| Actor::Key(name).to_string()),
        action: query.action,
        merchant: query.merchant,
        user_hash,
        outcome: query.outcome,
        object: query.object,
        without: Vec::new(),
        before: query.cursor,
        // Read one more than the limit, to know whether there is another page.
        limit: limit + 1,
    };
    let mut rows: Vec<AuditRecord> =
        app.audit_log.audit_rows(&filter).await?.into_iter().map(Into::into).collect();
    let next = cut_page(&mut rows, limit).map(|last| last.id);
    Ok(Json(AuditList { rows, next }))
}
