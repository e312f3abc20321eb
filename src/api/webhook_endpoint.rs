//! `/v1/merchants/{merchant}/webhook`: tests a merchant's endpoint, and returns its last answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::AppState;
use super::answers::{Common, NoEndpoint};
use super::auth::Caller;
use super::extract::{InPath, MerchantPath};
use super::problem::{Kind, Problem};
use crate::store::{EventKind, WebhookAnswer};

/// A test event.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct WebhookTest {
    /// The event's id, which the shop gets as `webhook-id`.
    pub id: Uuid,
}

/// The last answers of an endpoint.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EndpointAnswers {
    /// The answers, newest first, at most 20.
    pub answers: Vec<EndpointAnswer>,
}

/// What an endpoint answered to one attempt.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EndpointAnswer {
    /// The event's id.
    pub id: Uuid,
    /// The event's type.
    #[schema(example = "order.failed")]
    pub r#type: &'static str,
    /// When the attempt ended.
    pub at: DateTime<Utc>,
    /// The HTTP status; absent if there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 500)]
    pub status: Option<u16>,
    /// How long the attempt took, in milliseconds.
    #[schema(example = 35, minimum = 0)]
    pub took_ms: u64,
    /// Why the event was not accepted; absent if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "HTTP 500")]
    pub error: Option<String>,
}

impl From<WebhookAnswer> for EndpointAnswer {
    fn from(answer: WebhookAnswer) -> Self {
        let WebhookAnswer { webhook, kind, at, status, took, error } = answer;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self { id: webhook.as_uuid(), r#type: EventKind::as_str(kind), at, status, took_ms, error }
    }
}

/// Test a webhook endpoint.
///
/// Sends an event of the type `webhook.test` once, within a second if a worker runs. A disabled
/// endpoint is enabled. The list of its last answers shows what came of it.
#[utoipa::path(
    post,
    operation_id = "test_webhook",
    path = "/v1/merchants/{merchant}/webhook/test",
    tag = "ops",
    params(MerchantPath),
    responses((status = 200, description = "The event that will be sent", body = WebhookTest), NoEndpoint, Common)
)]
pub(super) async fn test(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<MerchantPath>,
) -> Result<Json<WebhookTest>, Problem> {
    let merchant = path.of(&caller)?;
    let absent = || Problem::new(Kind::NotFound, "this merchant has no webhook endpoint");
    let id = app.endpoints.test_webhook(&merchant).await?.ok_or_else(absent)?;
    tracing::info!(merchant = merchant.as_str(), webhook = %id, "An operator tests a webhook endpoint");
    Ok(Json(WebhookTest { id: id.as_uuid() }))
}

/// List the last answers of a webhook endpoint.
///
/// Needs a key with the scope `ops:read`. The list is empty if nothing was sent yet, or if the
/// merchant has no endpoint.
#[utoipa::path(
    get,
    operation_id = "list_webhook_answers",
    path = "/v1/merchants/{merchant}/webhook/answers",
    tag = "ops",
    params(MerchantPath),
    responses((status = 200, description = "The last answers", body = EndpointAnswers), Common)
)]
pub(super) async fn answers(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(path): InPath<MerchantPath>,
) -> Result<Json<EndpointAnswers>, Problem> {
    let merchant = path.of(&caller)?;
    let answers = app.endpoints.webhook_answers(&merchant).await?;
    Ok(Json(EndpointAnswers { answers: answers.into_iter().map(Into::into).collect() }))
}
