//! Processes a backlog while Klarna answers slowly, so that the number of concurrent orders limits
//! the rate.

use std::time::Duration;

use serde::Serialize;

use crate::dir::Databases;
use crate::drain::Drain;
use crate::env::Workload;
use crate::{BenchError, Options};

/// Latency of an exchange.
const TOKEN: Duration = Duration::from_millis(150);
/// Latency of creating an order.
const CHECKOUT: Duration = Duration::from_millis(250);

/// The rate reached, compared with the rate that the concurrency allows.
#[derive(Clone, Debug, Serialize)]
pub struct Slow {
    /// Concurrent orders.
    pub concurrency: usize,
    /// Orders a second if only Klarna took time.
    pub allowed: f64,
    /// The rate reached divided by `allowed`.
    pub share: f64,
    /// The drain itself.
    pub drain: Drain,
}

impl Slow {
    pub async fn run(databases: &Databases, options: &Options) -> Result<Self, BenchError> {
        let concurrency = options.slow_concurrency;
        let orders = u64::try_from(concurrency * options.slow_rounds).unwrap_or(u64::MAX);
        let workload = Workload {
            token_latency: TOKEN,
            checkout_latency: CHECKOUT,
            concurrency,
            ..Workload::new(orders, options)
        };
        let drain = Drain::run(databases, options, workload).await?;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
        let allowed = concurrency as f64 / (TOKEN + CHECKOUT).as_secs_f64();
        Ok(Self { concurrency, allowed, share: drain.per_second / allowed, drain })
    }
}
