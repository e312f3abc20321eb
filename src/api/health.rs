//! `/livez`, `/readyz` and `/metrics`, for load balancers and monitoring.

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
use tokio::sync::watch;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::answers::{Common, Open};
use super::auth::{Refusals, Refused};
use super::extract::InQuery;
use super::pauses::Pause;
use super::problem::{Kind, Problem, ProblemDetails};
use super::read_replica::ReadReplica;
use super::shared::Shared;
use crate::breaker::BreakerState;
use crate::config::{Live, SettingsStatus};
use crate::meter;
use crate::order::Target;
use crate::store::{DisabledWhy, Endpoint, StoppedMerchant, Store, StoreError};

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
#[derive(Debug, Serialize, ToSchema)]
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

/// The settings of this process.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SettingsInForce {
    /// When the settings in force were read.
    pub read_at: DateTime<Utc>,
    /// The settings that have changed since the start and take effect after a restart.
    #[schema(example = json!(["server.bind"]))]
    pub after_restart: Vec<String>,
    /// When the last reload failed. Absent if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failed_at: Option<DateTime<Utc>>,
    /// Why it failed, without any value of the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
}

impl From<&SettingsStatus> for SettingsInForce {
    fn from(SettingsStatus { read_at, reloaded_by: _, failed, after_restart }: &SettingsStatus) -> Self {
        Self {
            read_at: *read_at,
            after_restart: after_restart.clone(),
            failed_at: failed.as_ref().map(|failed| failed.at),
            error: failed.as_ref().map(|failed| failed.reason.clone()),
        }
    }
}

/// The state of a webhook endpoint.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookEndpoint {
    /// The time of the first failure since the last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failing_since: Option<DateTime<Utc>>,
    /// Since when the endpoint is disabled; no events are sent to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why it is disabled. `gone`: it answered 410. `failing`: no event was delivered for days.
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

/// A stopped merchant.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SuspiciousRejections {
    /// Since when it is stopped.
    pub since: DateTime<Utc>,
    /// How many users' tokens were rejected in a row.
    #[schema(example = 3, minimum = 0)]
    pub rejections: u64,
}

impl From<StoppedMerchant> for SuspiciousRejections {
    fn from(StoppedMerchant { since, rejections, .. }: StoppedMerchant) -> Self {
        Self { since, rejections }
    }
}

/// The state of a merchant's circuit breakers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Breakers {
    /// The breaker of the token endpoint.
    pub token: BreakerState,
    /// The breakers of the create calls, by target: `checkout`, `payments`.
    #[serde(flatten)]
    pub targets: BTreeMap<Target, BreakerState>,
}

/// Returns the breakers of this process, by merchant. Empty if the process runs no orders.
pub type AskBreakers = Arc<dyn Fn() -> BTreeMap<String, Breakers> + Send + Sync>;

/// Renders the metrics in Prometheus' text format.
pub type Scrape = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// What health checks and metrics need.
#[derive(Clone)]
pub struct Probes {
    /// Whether the process accepts requests.
    pub ready: Readiness,
    /// Tells whether the database answers.
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
    let verbose = detail.verbose.is_some();
    // The replica has time limits of its own, and makes nothing unready.
    let replica =
        async { if verbose { probes.store.replica_state().await.map(ReadReplica::from) } else { None } };
    let (answered, read_replica) = tokio::join!(timeout(PROBE_TIMEOUT, probe(&probes, verbose)), replica);
    match answered {
        Ok(Ok(Probed { webhooks, suspicious_rejections, pauses })) => {
            let breakers = verbose.then(|| (probes.breakers)());
            let settings = verbose.then(|| SettingsInForce::from(&*probes.settings.now()));
            let refused = verbose.then(|| probes.refusals.counts());
            let log_lines_dropped = verbose.then(meter::log_lines_dropped);
            Ok(Json(Health {
                breakers,
                webhooks,
                suspicious_rejections,
                pauses,
                settings,
                refused,
                log_lines_dropped,
                read_replica,
                ..OK
            }))
        }
        Ok(Err(error @ StoreError::NeedsNewerProgram { .. })) => Err(not_ready(&error.to_string())),
        Ok(Err(StoreError::ReadOnly(_))) => Err(not_ready("read_only: the database takes no writes")),
        Ok(Err(StoreError::FileReplaced(_))) => {
            Err(not_ready("the database file was renamed, deleted or replaced"))
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "The database is not healthy");
            Err(not_ready("the database does not answer"))
        }
        Err(_) => Err(not_ready("the database does not answer in time")),
    }
}

/// What the database knows, by merchant.
#[derive(Default)]
struct Probed {
    webhooks: Option<BTreeMap<String, WebhookEndpoint>>,
    suspicious_rejections: Option<BTreeMap<String, SuspiciousRejections>>,
    pauses: Option<Vec<Pause>>,
}

/// Asks the database whether it answers, and with `verbose` for the webhook endpoints and the
/// stopped merchants.
async fn probe(probes: &Probes, verbose: bool) -> Result<Probed, StoreError> {
    ask(probes).await?;
    if !verbose {
        return Ok(Probed::default());
    }
    let endpoints = probes.store.endpoints().await?.into_iter();
    let stopped = probes.store.stopped_merchants().await?.into_iter();
    let pauses = probes.store.pauses().await?.into_iter();
    Ok(Probed {
        webhooks: Some(endpoints.map(|endpoint| (endpoint.merchant.to_string(), endpoint.into())).collect()),
        suspicious_rejections: Some(
            stopped.map(|stopped| (stopped.merchant.to_string(), stopped.into())).collect(),
        ),
        pauses: Some(pauses.map(Pause::from).collect()),
    })
}

/// Asks the database. Health checks need no key, so any number of them at a time cost one question.
async fn ask(probes: &Probes) -> Result<(), StoreError> {
    probes.ready.0.database.ask(async || probes.store.health().await).await
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
pub(super) async fn metrics(State(probes): State<Probes>) -> impl IntoResponse {
    ([(CONTENT_TYPE, TEXT_FORMAT)], (probes.scrape)().await)
}
