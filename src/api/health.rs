//! `/livez`, `/readyz` and `/metrics`, for load balancers and monitoring.

mod told;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

pub use told::{Breakers, SettingsInForce, SuspiciousRejections, WebhookEndpoint};

use super::answers::{Common, Open};
use super::auth::{Refusals, Refused};
use super::extract::InQuery;
use super::pauses::Pause;
use super::prepared::Prepared;
use super::problem::{Kind, Problem, ProblemDetails};
use super::read_replica::ReadReplica;
use super::shared::Shared;
use crate::config::{Live, SettingsStatus};
use crate::meter;
use crate::store::{Store, StoreError};

/// How long the database may take to answer a health check.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether the process accepts requests: false during start and from the beginning of a stop.
/// Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<ReadinessState>);

#[derive(Debug, Default)]
struct ReadinessState {
    ready: AtomicBool,
    /// Whether the process takes nothing new in.
    draining: watch::Sender<bool>,
    /// Why the process can never become ready again.
    outdated: OnceLock<String>,
    /// Why the database is not healthy.
    database: Shared<Result<(), StoreError>>,
    /// The answer to `/readyz?verbose`, or why it is 503.
    details: Shared<Result<Health, String>>,
    /// The answer to `/metrics`.
    metrics: Shared<Prepared>,
}

impl Readiness {
    /// Sets whether the process accepts requests from now on.
    pub fn set_ready(&self, ready: bool) {
        self.0.ready.store(ready, Ordering::SeqCst);
    }

    /// Records that the database needs a newer program. From now on the process accepts no
    /// requests, and `/readyz` answers with this reason.
    pub fn set_outdated(&self, why: &StoreError) {
        // The first reason stays.
        let _ = self.0.outdated.set(why.to_string());
        self.set_ready(false);
    }

    /// Makes the process take nothing new in until it ends. `/readyz` answers 503.
    pub fn drain(&self) {
        self.0.draining.send_replace(true);
    }

    /// Returns whether the process takes nothing new in.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.0.draining.borrow()
    }

    /// Resolves when the process is asked to drain.
    pub async fn draining(&self) {
        // It cannot fail: `self` has the sender.
        let _ = self.0.draining.subscribe().wait_for(|draining| *draining).await;
    }

    /// Returns whether the process accepts requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::SeqCst)
    }
}

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
    /// Only with `verbose`: the merchants that are stopped, because their token endpoint rejected too
    /// many refresh tokens in a row.
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
    /// Only with `verbose`, and if there is one (`database.read_url`): the read replica. This does not make
    /// the process unready.
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
pub fn ask_health(store: Arc<dyn Store>) -> AskHealth {
    Arc::new(move || {
        let store = Arc::clone(&store);
        async move { store.health().await }.boxed()
    })
}

/// What health checks and metrics need. Strangers may ask, at `server.probes` for everything. So those who ask at
/// the same time share one answer: however many there are, the work is done once at a time.
#[derive(Clone)]
pub struct Probes {
    /// Whether the process accepts requests.
    pub ready: Readiness,
    /// Tells whether the database answers.
    pub health: AskHealth,
    /// Has what `/readyz?verbose` tells of merchants.
    pub store: Arc<dyn Store>,
    /// The breakers for `/readyz?verbose`.
    pub breakers: AskBreakers,
    /// The settings in force, for `/readyz?verbose`.
    pub settings: Live<SettingsStatus>,
    /// The counts of refused requests for `/readyz?verbose`.
    pub refusals: Refusals,
    /// The text for `/metrics`.
    pub scrape: Scrape,
}

/// Query of the health checks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Detail {
    /// Also show circuit breakers, webhook endpoints, pauses, the last reload, the read replica and refused requests. Needs no value. If the
    /// settings have API keys, this needs one with the scope `ops:read` and without `merchants`, except
    /// at the address in `server.probes`.
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
/// stop or to drain, while the database does not answer, and permanently if the database needs a newer program;
/// `detail` gives the reason.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    params(Detail),
    responses(
        (status = 200, description = "The process accepts requests", body = Health),
        (status = 503, description = "The process is starting, draining or stopping, its database does not answer, or it is too old for its database",
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
        return Err(not_ready(outdated.unwrap_or("the process is starting or stopping")));
    }
    if probes.ready.is_draining() {
        return Err(not_ready("the process drains: it takes nothing new in, and ends soon"));
    }
    let told = if detail.verbose.is_some() {
        probes.ready.0.details.ask(async || details(&probes).await).await
    } else {
        usable(timeout(PROBE_TIMEOUT, ask(&probes)).await).map(|()| OK)
    };
    told.map(Json).map_err(|why| not_ready(&why))
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

/// Answers `/readyz?verbose`.
async fn details(probes: &Probes) -> Result<Health, String> {
    // The replica has time limits of its own, and makes nothing unready.
    let replica = async { probes.store.replica_state().await.map(ReadReplica::from) };
    let (answered, read_replica) = tokio::join!(timeout(PROBE_TIMEOUT, probe(probes)), replica);
    let Probed { webhooks, suspicious_rejections, pauses } = usable(answered)?;
    Ok(Health {
        breakers: Some((probes.breakers)()),
        webhooks: Some(webhooks),
        suspicious_rejections: Some(suspicious_rejections),
        pauses: Some(pauses),
        settings: Some(SettingsInForce::from(&*probes.settings.now())),
        refused: Some(probes.refusals.counts()),
        log_lines_dropped: Some(meter::log_lines_dropped()),
        read_replica,
        ..OK
    })
}

/// What the database knows, by merchant.
struct Probed {
    webhooks: BTreeMap<String, WebhookEndpoint>,
    suspicious_rejections: BTreeMap<String, SuspiciousRejections>,
    pauses: Vec<Pause>,
}

/// Asks the database whether it answers, and for the webhook endpoints, the stopped merchants and the pauses.
async fn probe(probes: &Probes) -> Result<Probed, StoreError> {
    ask(probes).await?;
    let endpoints = probes.store.endpoints().await?.into_iter();
    let stopped = probes.store.stopped_merchants().await?.into_iter();
    let pauses = probes.store.pauses().await?.into_iter();
    Ok(Probed {
        webhooks: endpoints.map(|endpoint| (endpoint.merchant.to_string(), endpoint.into())).collect(),
        suspicious_rejections: stopped
            .map(|stopped| (stopped.merchant.to_string(), stopped.into()))
            .collect(),
        pauses: pauses.map(Pause::from).collect(),
    })
}

async fn ask(probes: &Probes) -> Result<(), StoreError> {
    probes.ready.0.database.ask(async || (probes.health)().await).await
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
    probes.ready.0.metrics.ask(render).await.answer(&headers)
}
