//! `/livez` and `/readyz`, which ask for no key.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::answers::{Common, Open};
use super::auth::{Refusals, Refused};
use super::extract::InQuery;
use super::problem::{Kind, Problem, ProblemDetails};
use crate::breaker::BreakerState;
use crate::store::{DisabledWhy, Endpoint, Store, StoreError};

/// How long the database may take to show that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the process takes requests: not before it is set up, and no longer once it stops. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<ReadinessState>);

#[derive(Debug, Default)]
struct ReadinessState {
    ready: AtomicBool,
    /// Why it will not be ready again.
    outdated: OnceLock<String>,
}

impl Readiness {
    /// Says whether the process takes requests from now on.
    pub fn set_ready(&self, ready: bool) {
        self.0.ready.store(ready, Ordering::SeqCst);
    }

    /// Says that the database has left this program behind: it takes no request any more, and tells why for as long as it is asked.
    pub fn set_outdated(&self, why: &StoreError) {
        // The first reason stays.
        let _ = self.0.outdated.set(why.to_string());
        self.set_ready(false);
    }

    /// Whether the process takes requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::SeqCst)
    }
}

/// That all is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`; anything else is an error.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// With `verbose`: which of Klarna's endpoints this process leaves alone, by merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakers: Option<BTreeMap<String, Breakers>>,
    /// With `verbose`: how the merchants' webhook endpoints fare, by merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<BTreeMap<String, WebhookEndpoint>>,
    /// With `verbose`: how many requests were not let in since the process started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refused: Option<Refused>,
}

/// How a webhook endpoint fares.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookEndpoint {
    /// The first failure since the last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failing_since: Option<DateTime<Utc>>,
    /// Since when nothing is sent to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why: `gone`, it answered 410; `failing`, nothing got through for days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub disabled_why: Option<DisabledWhy>,
}

impl From<Endpoint> for WebhookEndpoint {
    fn from(Endpoint { failing_since, disabled, .. }: Endpoint) -> Self {
        let (disabled_at, disabled_why) = disabled.unzip();
        Self { failing_since, disabled_at, disabled_why }
    }
}

/// Where the breakers of a merchant's endpoints stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Breakers {
    /// Of the token endpoint.
    pub token: BreakerState,
    /// Of the order call.
    pub checkout: BreakerState,
}

/// Asks this process for its breakers; an empty answer where it runs no orders.
pub type AskBreakers = Arc<dyn Fn() -> BTreeMap<String, Breakers> + Send + Sync>;

/// Answers a scrape in Prometheus' text format.
pub type Scrape = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// What is asked of a process by those who watch it.
#[derive(Clone)]
pub struct Probes {
    /// Whether the process takes requests.
    pub ready: Readiness,
    /// Whether the database answers.
    pub store: Arc<dyn Store>,
    /// What `/readyz?verbose` tells.
    pub breakers: AskBreakers,
    /// Who was not let in; `/readyz?verbose` tells it too.
    pub refusals: Refusals,
    /// What `/metrics` tells.
    pub scrape: Scrape,
}

/// How much a health check tells.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Detail {
    /// Tell of breakers, webhook endpoints and refused requests too; needs no value.
    verbose: Option<String>,
}

const OK: Health = Health { status: "ok", breakers: None, webhooks: None, refused: None };

/// Whether the process runs.
///
/// Where this does not answer, restart the process. It looks at nothing else: a database that is away is no reason to
/// restart.
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

/// Whether the process takes requests.
///
/// Send it requests only while this answers 200. It turns to 503 as soon as the process is asked to stop, while the database
/// does not answer, and for good once the database needs a newer program; `detail` says which.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    params(Detail),
    responses(
        (status = 200, description = "The process takes requests", body = Health),
        (status = 503, description = "The process starts or stops, its database does not answer, or it needs a newer program",
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
        let outdated = probes.ready.0.outdated.get().map(String::as_str);
        return Err(not_ready(outdated.unwrap_or("the process starts or stops")));
    }
    let verbose = detail.verbose.is_some();
    match timeout(PATIENCE, look(&*probes.store, verbose)).await {
        Ok(Ok(webhooks)) => {
            let breakers = verbose.then(|| (probes.breakers)());
            let refused = verbose.then(|| probes.refusals.counts());
            Ok(Json(Health { breakers, webhooks, refused, ..OK }))
        }
        Ok(Err(error @ StoreError::NeedsNewerProgram { .. })) => Err(not_ready(&error.to_string())),
        Ok(Err(error)) => {
            tracing::debug!(%error, "The database is not healthy");
            Err(not_ready("the database does not answer"))
        }
        Err(_) => Err(not_ready("the database does not answer in time")),
    }
}

/// Whether the database answers, and what it knows of endpoints where that is asked for.
async fn look(store: &dyn Store, verbose: bool) -> Result<Option<BTreeMap<String, WebhookEndpoint>>, StoreError> {
    store.health().await?;
    if !verbose {
        return Ok(None);
    }
    let endpoints = store.endpoints().await?.into_iter();
    Ok(Some(endpoints.map(|endpoint| (endpoint.merchant.clone(), endpoint.into())).collect()))
}

/// What Prometheus takes for its text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics for Prometheus.
///
/// Of this process, and of the installation, which every process tells alike. Needs a key with the scope `ops`, where there
/// are keys.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses(
        (status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain"),
        Common,
    )
)]
pub(super) async fn metrics(State(probes): State<Probes>) -> impl IntoResponse {
    ([(CONTENT_TYPE, TEXT_FORMAT)], (probes.scrape)().await)
}
