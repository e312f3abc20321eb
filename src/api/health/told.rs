//! What `/readyz?verbose` tells.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::breaker::BreakerState;
use crate::config::SettingsStatus;
use crate::order::Target;
use crate::store::{DisabledWhy, Endpoint, StoppedMerchant};

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
