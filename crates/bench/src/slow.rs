//! A Klarna that takes its time: what is done is bounded by how many orders run at once.

use std::time::Duration;

use serde::Serialize;

use crate::dir::Databases;
use crate::drain::Drain;
use crate::env::Workload;
use crate::{BenchError, Options};

/// What an exchange takes.
const TOKEN: Duration = Duration::from_millis(150);
/// What an order takes.
const CHECKOUT: Duration = Duration::from_millis(250);
/// How many rounds of as many orders as run at once.
const ROUNDS: usize = 40;

/// Orders a second against what the concurrency allows.
#[derive(Clone, Debug, Serialize)]
pub struct Slow {
    /// Orders at once.
    pub concurrency: usize,
    /// Orders a second if nothing took time but Klarna.
    pub allowed: f64,
    /// What part of that was reached.
    pub part: f64,
    /// The whole.
    pub drain: Drain,
}

impl Slow {
    pub async fn run(databases: &Databases, options: &Options) -> Result<Self, BenchError> {
        let concurrency = options.slow_concurrency;
        let orders = u64::try_from(concurrency * ROUNDS).unwrap_or(u64::MAX);
        let workload = Workload {
            token_latency: TOKEN,
            checkout_latency: CHECKOUT,
            places: options.places,
            ..Workload::new(orders, concurrency)
        };
        let drain = Drain::run(databases, options, workload).await?;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
        let allowed = concurrency as f64 / (TOKEN + CHECKOUT).as_secs_f64();
        Ok(Self { concurrency, allowed, part: drain.per_second / allowed, drain })
    }
}
