//! `GET /v1/merchants/{merchant}/users/{user}/export`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::stream::try_unfold;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::AppState;
use super::answers::{Absent, Common};
use super::auth::Caller;
use super::extract::{InPath, UserPath};
use super::orders::Order;
use super::problem::{Kind, Problem};
use super::tokens::Token;
use super::users::Exchange;
use crate::ids::UserKey;
use crate::order::{self, OrderError, OrderId};
use crate::store::{self, Exports, StoreError, up_to_date};
use crate::token::LedgerCursor;
use crate::vault::Registry;

/// How many rows one query reads. An order may have a body of a megabyte.
const ROWS: u32 = 20;

/// Everything that is stored of a user.
//
// This describes the document, which `Export` writes part by part: it may be large.
#[derive(ToSchema)]
pub struct UserExport {
    /// The merchant's name.
    #[schema(example = "shop")]
    pub merchant: String,
    /// The shop's own id for the user.
    #[schema(example = "u-1")]
    pub user: String,
    /// When the export began.
    pub exported_at: DateTime<Utc>,
    /// The state of the user's refresh token. Missing if none was ever registered.
    #[schema(required = false, nullable = false)]
    pub token: Option<Token>,
    /// When the refresh token was presented, newest first.
    pub history: Vec<Exchange>,
    /// The orders, newest first.
    pub orders: Vec<ExportedOrder>,
    /// The webhooks about the user, newest first.
    pub webhooks: Vec<ExportedWebhook>,
}

/// The beginning of the document, up to its lists.
#[derive(Serialize)]
struct Head<'a> {
    merchant: &'a str,
    user: &'a str,
    exported_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Token>,
}

/// An order, without what the shop got for the shopper's browser.
#[derive(Serialize, ToSchema)]
pub struct ExportedOrder {
    /// The order, as in lists.
    pub order: Order,
    /// Klarna's order as the shop wrote it, until `retention.bodies` is over. Without an access
    /// token, should SQL have written one into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Object>)]
    pub body: Option<Box<RawValue>>,
    /// The attempts that failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub failed_attempts: Vec<FailedAttempt>,
}

/// An attempt at an order that failed.
#[derive(Serialize, ToSchema)]
pub struct FailedAttempt {
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Whether its worker was lost, so that it is unknown how far it came.
    pub lost: bool,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<OrderError>,
}

/// A webhook about a user.
#[derive(Serialize, ToSchema)]
pub struct ExportedWebhook {
    /// The event's id, as the shop sees it.
    pub id: Uuid,
    /// What happened.
    #[schema(example = "order.submitted")]
    pub kind: String,
    /// What the event tells the shop.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
    /// `pending`, `delivered` or `failed`.
    #[schema(example = "delivered")]
    pub status: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was delivered or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended_at: Option<DateTime<Utc>>,
    /// The number of attempts to deliver it that have ended.
    #[schema(example = 1, minimum = 0)]
    pub attempts: i64,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
}

impl From<store::ExportedOrder> for ExportedOrder {
    fn from(order: store::ExportedOrder) -> Self {
        let store::ExportedOrder { view, body, failed_attempts } = order;
        let failed_attempts = failed_attempts.into_iter();
        Self {
            order: view.into(),
            body: body.and_then(without_token),
            failed_attempts: failed_attempts
                .map(|store::FailedAttempt { ended_at, lost, error }| FailedAttempt { ended_at, lost, error })
                .collect(),
        }
    }
}

impl From<store::ExportedWebhook> for ExportedWebhook {
    fn from(webhook: store::ExportedWebhook) -> Self {
        Self {
            id: webhook.id.as_uuid(),
            kind: webhook.kind,
            data: json(webhook.data),
            status: webhook.status,
            occurred_at: webhook.occurred_at,
            ended_at: webhook.ended_at,
            attempts: webhook.attempts,
            error: webhook.error,
        }
    }
}

/// Returns a text as the JSON that it is; `null` if it is none.
fn json(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Returns a body without an access token. Only SQL can have stored one, in an order that then
/// failed. `None` if the body is no JSON.
fn without_token(body: String) -> Option<Box<RawValue>> {
    let mut parsed: Value = serde_json::from_str(&body).ok()?;
    let token = parsed.get_mut("customer").and_then(Value::as_object_mut);
    let had_token = token.and_then(|customer| customer.remove("klarna_access_token")).is_some();
    // A member that occurs twice may hide another one.
    if had_token || order::Body::parse(&body).is_err() {
        return serde_json::value::to_raw_value(&parsed).ok();
    }
    RawValue::from_string(body).ok()
}

/// An export under way: what is written next.
pub struct Export {
    registry: Registry,
    store: Arc<dyn Exports>,
    key: UserKey,
    next: Next,
    /// Whether an item of the same list was written before.
    follows: bool,
}

enum Next {
    Head(String),
    History(Option<LedgerCursor>),
    Orders(Option<OrderId>),
    Webhooks(Option<i64>),
    End,
}

impl Export {
    /// Begins the export of a user's data; `None` if there is none.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin(
        registry: Registry,
        store: Arc<dyn Exports>,
        key: UserKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, StoreError> {
        let token = registry.view(&key).await?.map(Token::from);
        if token.is_none()
            && store.exported_orders(&key, None, 1).await?.is_empty()
            && store.exported_webhooks(&key, None, 1).await?.is_empty()
        {
            return Ok(None);
        }
        let head = Head { merchant: key.merchant.as_str(), user: key.user.as_str(), exported_at: now, token };
        // The lists follow in the same object.
        let mut head = text(&head)?;
        head.pop();
        head.push(',');
        Ok(Some(Self { registry, store, key, next: Next::Head(head), follows: false }))
    }

    /// Returns the next part of the document, which is one JSON object; `None` at its end.
    ///
    /// # Errors
    /// If the store fails. The document then has no end.
    pub async fn part(&mut self) -> Result<Option<String>, StoreError> {
        match &self.next {
            Next::Head(head) => {
                let head = head.clone();
                Ok(Some(self.begin_list(&head, "history", Next::History(None))))
            }
            Next::History(before) => {
                let page = self.registry.history(&self.key, *before, ROWS).await?;
                let Some(last) = page.last().map(|entry| entry.cursor) else {
                    return Ok(Some(self.begin_list("],", "orders", Next::Orders(None))));
                };
                self.next = Next::History(Some(last));
                self.items(page.into_iter().map(Exchange::from)).map(Some)
            }
            Next::Orders(before) => {
                let page = self.store.exported_orders(&self.key, *before, ROWS).await?;
                let Some(last) = page.last().map(|order| order.view.id) else {
                    return Ok(Some(self.begin_list("],", "webhooks", Next::Webhooks(None))));
                };
                self.next = Next::Orders(Some(last));
                self.items(page.into_iter().map(ExportedOrder::from)).map(Some)
            }
            Next::Webhooks(before) => {
                let page = self.store.exported_webhooks(&self.key, *before, ROWS).await?;
                let Some(last) = page.last().map(|webhook| webhook.cursor) else {
                    self.next = Next::End;
                    return Ok(Some("]}".to_owned()));
                };
                self.next = Next::Webhooks(Some(last));
                self.items(page.into_iter().map(ExportedWebhook::from)).map(Some)
            }
            Next::End => Ok(None),
        }
    }

    fn begin_list(&mut self, before: &str, name: &str, next: Next) -> String {
        (self.next, self.follows) = (next, false);
        format!("{before}\"{name}\":[")
    }

    fn items(&mut self, items: impl Iterator<Item = impl Serialize>) -> Result<String, StoreError> {
        let mut written = String::new();
        for item in items {
            if std::mem::replace(&mut self.follows, true) {
                written.push(',');
            }
            written.push_str(&text(&item)?);
        }
        Ok(written)
    }
}

fn text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unreadable(error.to_string()))
}

/// Export everything that is stored of a user, for a request under article 15 of the GDPR.
///
/// Needs a key with both scopes, `orders:read` and `tokens:read`. Secrets are left out: the refresh
/// token, cached access tokens and id_tokens, keyed hashes, and what the shop got for the shopper's
/// browser. The document is sent while it is read, so it can be large; if the connection ends
/// before the document does, it failed.
#[utoipa::path(
    get,
    operation_id = "export_user",
    path = "/v1/merchants/{merchant}/users/{user}/export",
    tag = "users",
    params(UserPath),
    responses((status = 200, description = "Everything that is stored of the user", body = UserExport), Absent, Common)
)]
pub(super) async fn export(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<UserPath>,
) -> Result<Response, Problem> {
    let key = path.of(&caller)?;
    let merchant = key.merchant.clone();
    // From the primary: an erased user is exported no more.
    let first = Export::begin(app.registry_for_lists.clone(), app.exports.clone(), key, app.clock.now());
    let begun = up_to_date(first).await?;
    let export = begun.ok_or_else(|| Problem::new(Kind::NotFound, "no data is stored for this user"))?;
    tracing::info!(merchant = merchant.as_str(), "A user's data was exported");
    let parts = try_unfold(export, |mut export| async move {
        let part = up_to_date(export.part()).await.inspect_err(|error| {
            tracing::warn!(%error, "An export of a user's data broke off");
        })?;
        Ok::<_, StoreError>(part.map(|part| (part, export)))
    });
    Ok(([(CONTENT_TYPE, "application/json")], Body::from_stream(parts)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_as_it_was_except_for_an_access_token() {
        let kept = |body: &str| without_token(body.to_owned()).map(|body| body.get().to_owned());
        let as_it_was = r#"{ "order_amount": 1E2, "customer": {"type":"person"} }"#;
        assert_eq!(kept(as_it_was).as_deref(), Some(as_it_was));
        for body in [
            r#"{"customer":{"klarna_access_token":"sesame","type":"person"}}"#,
            r#"{"customer":{"klarna\u005faccess_token":"sesame","type":"person"}}"#,
            r#"{"customer":{"klarna_access_token":"sesame"},"customer":{"type":"person"}}"#,
        ] {
            assert_eq!(kept(body).as_deref(), Some(r#"{"customer":{"type":"person"}}"#), "{body}");
        }
        assert_eq!(kept("sesame"), None);
    }
}
