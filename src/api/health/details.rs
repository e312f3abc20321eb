//! The answer to `/readyz?verbose`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{Health, OK, PROBE_TIMEOUT, Pause, Probes, ReadReplica, ask, usable};
use crate::breaker::BreakerState;
use crate::config::SettingsStatus;
use crate::meter;
use crate::order::Target;
use crate::store::{DisabledWhy, Endpoint, StoppedMerchant, StoreError};

/// Answers `/readyz?verbose`.
pub(super) async fn read(probes: &Probes) -> Result<Health, String> {
    // The replica has time limits of its own, and makes nothing unready.
    let replica = async { probes.replica.replica_state().await.map(ReadReplica::from) };
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

/// Asks the database whether it answers, and for the webhook endpoints, the stopped merchants and
/// the pauses.
async fn probe(probes: &Probes) -> Result<Probed, StoreError> {
    ask(probes).await?;
    let endpoints = probes.endpoints.endpoints().await?.into_iter();
    let stopped = probes.providers.stopped_merchants().await?.into_iter();
    let pauses = probes.pausing.pauses().await?.into_iter();
    Ok(Probed {
        webhooks: endpoints.map(|endpoint| (endpoint.merchant.to_string(), endpoint.into())).collect(),
        suspicious_rejections: stopped
            .map(|stopped| (stopped.merchant.to_string(), stopped.into()))
            .collect(),
        pauses: pauses.map(Pause::from).collect(),
    })
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
