//! `/v1/ops/breakers`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::answers::{AbsentMerchant, Common, Sent};
use super::audit_trail::Concerns;
use super::auth::Caller;
use super::extract::{self, check_filter};
use super::problem::Problem;
use crate::breaker::{Endpoint, probed};
use crate::ids::MerchantName;

/// The circuit breakers that try a call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeRequest {
    /// The merchant's name in the settings.
    #[schema(example = "shop", format = "name")]
    pub merchant: String,
    /// The endpoint. Without it, all endpoints of the merchant.
    #[serde(default, deserialize_with = "present")]
    #[schema(required = false, nullable = false)]
    pub endpoint: Option<Endpoint>,
}

/// Reads an endpoint that may be left out, but not be `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Endpoint>, D::Error> {
    Endpoint::deserialize(deserializer).map(Some)
}

/// What was ordered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderedProbe {
    /// The merchant.
    #[schema(example = "shop")]
    pub merchant: String,
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
    /// When.
    pub asked_at: DateTime<Utc>,
}

/// Let circuit breakers try a call now.
///
/// In every process within a second: where calls to the endpoint wait, because its circuit breaker
/// is open or because Klarna asked for a pause, the pause ends, and the next call tests the
/// endpoint. If it succeeds, the others follow. Orders that wait for their next try are due at
/// once, at most a thousand for each process. If none waits, the next order makes that call: this
/// request itself calls nothing. A closed circuit breaker stays as it is.
#[utoipa::path(
    post,
    operation_id = "probe_breakers",
    path = "/v1/ops/breakers/probe",
    tag = "ops",
    request_body = ProbeRequest,
    responses((status = 200, description = "Ordered", body = OrderedProbe), Sent, AbsentMerchant, Common)
)]
pub(super) async fn probe(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(Extension<Concerns>, Json<OrderedProbe>), Problem> {
    let ProbeRequest { merchant, endpoint } = extract::json(&headers, body, 8 * 1024).await?;
    check_filter("merchant", Some(&merchant))?;
    caller.act_for(&merchant)?;
    let merchant = MerchantName::from(merchant);
    app.merchant(&merchant)?;
    let endpoints = endpoint.map_or(Endpoint::ALL.to_vec(), |endpoint| vec![endpoint]);
    let asked_at = app.pausing.probe(&merchant, &endpoints).await?;
    tracing::info!(%merchant, endpoint = probed(endpoint), "An operator ordered a try of circuit breakers");
    let concerns = Concerns::many(Some(merchant.clone()), probed(endpoint).to_owned());
    Ok((Extension(concerns), Json(OrderedProbe { merchant: merchant.into(), endpoints, asked_at })))
}
