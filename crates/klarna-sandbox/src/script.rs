//! What fails next: failures that were ordered, and those drawn by the behaviour's rates.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::durations::Latency;
use crate::faults::{Endpoint, Failure};
use crate::options::Conduct;

/// A failure ordered for the next request that fits; ordered ones come before drawn ones, in their
/// order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ordered {
    /// Where.
    pub endpoint: Endpoint,
    /// Only for a request with a token of this user; for any where absent.
    #[serde(default)]
    pub user: Option<String>,
    /// How.
    pub failure: Failure,
}

/// What fails next, and how long it takes.
pub(super) struct Script {
    pub(super) ordered: Vec<Ordered>,
    pub(super) rng: StdRng,
}

impl Script {
    pub(super) fn failure(&mut self, endpoint: Endpoint, user: Option<&str>, conduct: &Conduct) -> Option<Failure> {
        let fits = |ordered: &Ordered| {
            ordered.endpoint == endpoint && (ordered.user.is_none() || ordered.user.as_deref() == user)
        };
        if let Some(index) = self.ordered.iter().position(fits) {
            return Some(self.ordered.remove(index).failure);
        }
        if conduct.failures.is_empty() || !self.rng.random_bool(conduct.failure_rate) {
            return None;
        }
        Some(conduct.failures[self.rng.random_range(0..conduct.failures.len())])
    }

    pub(super) fn latency(&mut self, latency: Latency) -> Duration {
        if latency.least == latency.most {
            return latency.least;
        }
        self.rng.random_range(latency.least..=latency.most)
    }
}
