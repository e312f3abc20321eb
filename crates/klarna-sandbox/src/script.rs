//! Decides which request fails and how long it takes: failures that were requested for the next
//! request, and random ones at the rates of the behaviour.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::durations::Latency;
use crate::faults::{Endpoint, Failure};
use crate::options::EndpointBehaviour;

/// A failure for the next matching request. Requested failures take effect in order, and before
/// random ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextFailure {
    /// The endpoint whose next request fails.
    pub endpoint: Endpoint,
    /// Only requests with a token of this user match; absent: any request.
    #[serde(default)]
    pub user: Option<String>,
    /// The kind of failure.
    pub failure: Failure,
}

/// The requested failures, and the source of random ones.
pub(super) struct Script {
    pub(super) requested: Vec<NextFailure>,
    pub(super) rng: StdRng,
}

impl Script {
    pub(super) fn failure(
        &mut self,
        endpoint: Endpoint,
        user: Option<&str>,
        settings: &EndpointBehaviour,
    ) -> Option<Failure> {
        let matches = |failure: &NextFailure| {
            failure.endpoint == endpoint && (failure.user.is_none() || failure.user.as_deref() == user)
        };
        if let Some(index) = self.requested.iter().position(matches) {
            return Some(self.requested.remove(index).failure);
        }
        if settings.failures.is_empty() || !self.rng.random_bool(settings.failure_rate) {
            return None;
        }
        Some(settings.failures[self.rng.random_range(0..settings.failures.len())])
    }

    pub(super) fn latency(&mut self, latency: Latency) -> Duration {
        if latency.least == latency.most {
            return latency.least;
        }
        self.rng.random_range(latency.least..=latency.most)
    }
}
