//! `/livez`, `/readyz` and `/metrics`, for load balancers and monitoring.

mod details;
mod readiness;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

pub use details::{Breakers, SettingsInForce, SuspiciousRejections, WebhookEndpoint};
pub use readiness::Readiness;

use super::answers::{Common, Open};
use super::auth::{Refusals, Refused};
use super::extract::InQuery;
use super::pauses::Pause;
use super::prepared::Prepared;
use super::problem::{Kind, Problem, ProblemDetails};
use super::read_replica::ReadReplica;
use super::shared::Shared;
use crate::config::{Live, SettingsStatus};
use crate::store::{Connections, Pausing, Providers, Replica, StoreError, WebhookEndpoints};

/// How long the database may take to answer a health check.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The answer if everything is well.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`; every other state is an error.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// Only with `verbose`: the circuit breakers of Klarna's endpoints in this process, by
    /// merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakers: Option<BTreeMap<String, Breakers>>,
    /// Only with `verbose`: the state of the webhook endpoints, by merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<BTreeMap<String, WebhookEndpoint>>,
    /// Only with `verbose`: the merchants that are stopped, because their token endpoint rejected
    /// too many refresh tokens in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspicious_rejections: Option<BTreeMap<String, SuspiciousRejections>>,
    /// Only with `verbose`: what operators have paused. This does not make the process unready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pauses: Option<Vec<Pause>>,
    /// Only with `verbose`: the settings in force, and how the last reload ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub settings: Option<SettingsInForce>,
    /// Only with `verbose`: how many requests were refused since the process started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refused: Option<Refused>,
    /// Only with `verbose`: how many log lines were dropped since the process started, because
    /// nobody read its standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub log_lines_dropped: Option<u64>,
    /// Only with `verbose`, and if there is one (`database.read_url`): the read replica. This does
    /// not make the process unready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub read_replica: Option<ReadReplica>,
}

/// Returns the breakers of this process, by merchant. Empty if the process runs no orders.
pub type AskBreakers = Arc<dyn Fn() -> BTreeMap<String, Breakers> + Send + Sync>;

/// Renders the metrics in Prometheus' text format.
pub type Scrape = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// Asks the database whether it answers and can be used.
pub type AskHealth = Arc<dyn Fn() -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync>;

/// Returns what asks a store.
#[must_use]
pub fn ask_health(connections: Arc<dyn Connections>) -> AskHealth {
    Arc::new(move || {
        let connections = Arc::clone(&connections);
        async move { connections.health().await }.boxed()
    })
}

/// What health checks and metrics need. Strangers may ask, at `server.probes` for everything. So
/// those who ask at the same time share one answer: however many there are, the work is done once
/// at a time.
#[derive(Clone)]
pub struct Probes {
    /// Whether the process accepts requests.
    pub ready: Readiness,
    /// Tells whether the database answers.
    pub health: AskHealth,
    /// Has the webhook endpoints for `/readyz?verbose`.
    pub endpoints: Arc<dyn WebhookEndpoints>,
    /// Has the merchants that were stopped after too many rejections, for `/readyz?verbose`.
    pub providers: Arc<dyn Providers>,
    /// Has the pauses for `/readyz?verbose`.
    pub pausing: Arc<dyn Pausing>,
    /// Tells how the read replica stands, for `/readyz?verbose`.
    pub replica: Arc<dyn Replica>,
    /// The breakers for `/readyz?verbose`.
    pub breakers: AskBreakers,
    /// The settings in force, for `/readyz?verbose`.
    pub settings: Live<SettingsStatus>,
    /// The counts of refused requests for `/readyz?verbose`.
    pub refusals: Refusals,
    /// The text for `/metrics`.
    pub scrape: Scrape,
    /// What those share who ask at the same time.
    pub answers: SharedAnswers,
}

/// The answers that those share who ask at the same time. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct SharedAnswers(Arc<Answers>);

#[derive(Debug, Default)]
struct Answers {
    /// Why the database is not healthy.
    database: Shared<Result<(), StoreError>>,
    /// The answer to `/readyz?verbose`, or why it is 503.
    details: Shared<Result<Health, String>>,
    /// The answer to `/metrics`.
    metrics: Shared<Prepared>,
}

/// Query of the health checks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Detail {
    /// Also show circuit breakers, webhook endpoints, pauses, the last reload, the read replica and
    /// refused requests. Needs no value. If the settings have API keys, this needs one with the
    /// scope `ops:read` and without `merchants`, except at the address in `server.probes`.
    verbose: Option<String>,
}

const OK: Health = Health {
    status: "ok",
    breakers: None,
    webhooks: None,
    suspicious_rejections: None,
    pauses: None,
    settings: None,
    refused: None,
    log_lines_dropped: None,
    read_replica: None,
};

/// Check whether the process runs.
///
/// If this does not answer, restart the process. It checks nothing else: a missing database is no
/// reason for a restart.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "health",
    security(()),
    responses((status = 200, description = "The process runs", body = Health), Open)
)]
pub(super) async fn livez() -> Json<Health> {
    Json(OK)
}

/// Check whether the process accepts requests.
///
/// Send requests only while this answers 200. It answers 503 as soon as the process is asked to
/// stop or to drain, while the database does not answer, and permanently if the database needs a
/// newer program; `detail` gives the reason.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    params(Detail),
    responses(
        (status = 200, description = "The process accepts requests", body = Health),
        (status = 503, description = "The process is starting, draining or stopping, its database does not \
            answer, or it is too old for its database",
            body = ProblemDetails, content_type = "application/problem+json"),
        Open,
    )
)]
pub(super) async fn readyz(
    State(probes): State<Probes>,
    InQuery(detail): InQuery<Detail>,
) -> Result<Json<Health>, Problem> {
    let not_ready = |detail: &str| Problem::new(Kind::NotReady, detail);
    if !probes.ready.is_ready() {
        let outdated = probes.ready.outdated();
        return Err(not_ready(outdated.unwrap_or("the process is starting or stopping")));
    }
    if probes.ready.is_draining() {
        return Err(not_ready("the process drains: it takes nothing new in, and ends soon"));
    }
    let answer = if detail.verbose.is_some() {
        probes.answers.0.details.ask(async || details::read(&probes).await).await
    } else {
        usable(timeout(PROBE_TIMEOUT, ask(&probes)).await).map(|()| OK)
    };
    answer.map(Json).map_err(|why| not_ready(&why))
}

/// Returns what the database answered, or why the process is not ready.
fn usable<T>(answered: Result<Result<T, StoreError>, Elapsed>) -> Result<T, String> {
    let why = match answered {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error @ StoreError::NeedsNewerProgram { .. })) => return Err(error.to_string()),
        Ok(Err(StoreError::ReadOnly(_))) => "read_only: the database takes no writes",
        Ok(Err(StoreError::FileReplaced(_))) => "the database file was renamed, deleted or replaced",
        Ok(Err(error)) => {
            tracing::debug!(%error, "The database is not healthy");
            "the database does not answer"
        }
        Err(_) => "the database does not answer in time",
    };
    Err(why.to_owned())
}

async fn ask(probes: &Probes) -> Result<(), StoreError> {
    probes.answers.0.database.ask(async || (probes.health)().await).await
}

/// The media type of Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics for Prometheus.
///
/// Metrics of this process and of the whole installation; every process reports the latter alike.
/// If the settings have API keys, this needs one with the scope `ops:read` and without `merchants`.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses(
        (status = 200, description = "Metrics in Prometheus' text format", body = String, content_type = "text/plain"),
        Common,
    )
)]
pub(super) async fn metrics(State(probes): State<Probes>, headers: HeaderMap) -> Response {
    let render = async || Prepared::quickly(TEXT_FORMAT, (probes.scrape)().await);
    probes.answers.0.metrics.ask(render).await.answer(&headers)
}
