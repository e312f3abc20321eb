//! `POST /v1/webhooks/resend`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::answers::{Common, Sent};
use super::audit_trail::Concerns;
use super::auth::Caller;
use super::extract::{self, check_filter, invalid, whole};
use super::problem::Problem;
use crate::audit::{Action, Entry};
use crate::ids::WebhookId;
use crate::store::{EventKind, WebhookFilter, WebhookStatus};

/// The most webhooks that one request sends again.
const MOST: u32 = 1000;

/// Which webhooks to send again: those that match everything that is given. Name at least one
/// thing, or `all`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSelection {
    /// Only webhooks of this merchant. Required if the key is valid for several merchants, but not
    /// for all.
    #[schema(required = false, example = "shop", format = "name")]
    pub merchant: Option<String>,
    /// Only webhooks about this user.
    #[schema(required = false, example = "u-1", format = "name")]
    pub user: Option<String>,
    /// Only webhooks with this status: `pending`, `delivered` or `failed`.
    #[schema(required = false, example = "failed", pattern = "^(pending|delivered|failed)$")]
    pub status: Option<String>,
    /// Only webhooks of this kind of event, such as `order.failed`.
    #[schema(
        required = false,
        example = "order.failed",
        pattern = "^(order\\.submitted|order\\.failed|order\\.cancelled|order\\.completed|order\\.expired|\
            token\\.reauth_required|token\\.recovered|webhook\\.test)$"
    )]
    pub kind: Option<String>,
    /// Only webhooks whose event happened at this time or later.
    #[schema(required = false, example = "2026-01-31T12:00:00Z")]
    pub since: Option<DateTime<Utc>>,
    /// All webhooks. Needed where nothing else chooses webhooks.
    #[serde(default)]
    #[schema(required = false)]
    pub all: bool,
    /// The most webhooks to send again, newest first. The default is 1000.
    #[serde(default, deserialize_with = "whole")]
    #[schema(required = false, minimum = 1, maximum = 1000, example = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the previous answer.
    #[schema(required = false, value_type = Option<String>, format = Uuid)]
    pub cursor: Option<WebhookId>,
}

/// How many webhooks are sent again.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ResendAnswer {
    /// The number of webhooks that are due now.
    #[schema(example = 12, minimum = 0)]
    pub resent: usize,
    /// The `cursor` of the next request; absent if there are no more webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = Uuid)]
    pub next: Option<WebhookId>,
}

/// Send many webhooks again.
///
/// Each is sent with the same id, and retried for up to three days. Disabled endpoints are enabled.
/// Repeat the request with `next` as `cursor` until the answer has no `next`.
#[utoipa::path(
    post,
    operation_id = "resend_webhooks",
    path = "/v1/webhooks/resend",
    tag = "ops",
    request_body = WebhookSelection,
    responses((status = 200, description = "How many webhooks are sent again", body = ResendAnswer), Sent, Common)
)]
pub(super) async fn resend(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(Extension<Concerns>, Json<ResendAnswer>), Problem> {
    let filter = chosen(&caller, &headers, body).await?;
    let sent = app.webhooks.resend_webhooks(&filter).await?;
    let count = sent.webhooks.len();
    tracing::info!(webhooks = count, "Webhooks are sent again");
    let entry = Entry::new(caller.actor(), Action::WebhookResend).merchant(filter.merchant.as_ref());
    app.audit.record_each(&entry, &sent.webhooks).await;
    let concerns = Concerns::many(filter.merchant, format!("{count} webhooks"));
    Ok((Extension(concerns), Json(ResendAnswer { resent: count, next: sent.next })))
}

/// Reads which webhooks of the caller are chosen.
async fn chosen(caller: &Caller, headers: &HeaderMap, body: Body) -> Result<WebhookFilter, Problem> {
    let WebhookSelection { merchant, user, status, kind, since, all, limit, cursor } =
        extract::json(headers, body, 16 * 1024).await?;
    for (name, value) in [("merchant", &merchant), ("user", &user)] {
        check_filter(name, value.as_deref())?;
    }
    let limit = limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(invalid(format!("limit: is {limit}, expected 1 to {MOST}")));
    }
    let words = [&merchant, &user, &status, &kind];
    let is_chosen = since.is_some() || words.iter().any(|word| word.is_some());
    extract::RowChoice { is_chosen, all, rows: "webhooks", filters: "status or since" }.check()?;
    let status = one_of("status", status.as_deref(), &WebhookStatus::ALL, WebhookStatus::as_str)?;
    let kind = one_of("kind", kind.as_deref(), &EventKind::ALL, EventKind::as_str)?;
    let merchant = caller.only_merchant(merchant)?;
    Ok(WebhookFilter {
        id: None,
        merchant: merchant.map(Into::into),
        user: user.map(Into::into),
        status,
        kind,
        since,
        before: cursor,
        limit,
    })
}

/// Reads a word from a fixed list.
fn one_of<T: Copy>(
    name: &str,
    wanted: Option<&str>,
    all: &[T],
    word: fn(T) -> &'static str,
) -> Result<Option<T>, Problem> {
    let Some(wanted) = wanted else { return Ok(None) };
    let found = all.iter().copied().find(|value| word(*value) == wanted);
    let known: Vec<&str> = all.iter().map(|value| word(*value)).collect();
    let unknown = || invalid(format!("Unknown {name} {wanted:?}. Use: {}.", known.join(", ")));
    found.map(Some).ok_or_else(unknown)
}
