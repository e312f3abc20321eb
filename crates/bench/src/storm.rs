//! Measures how one user's backlog of a thousand orders slows down the orders of other users.

use serde::Serialize;

use crate::dir::Databases;
use crate::env::{BenchEnv, Workload};
use crate::shop::Shop;
use crate::steady::{Latency, WARM_UP, arrivals};
use crate::{BenchError, Options};

/// The number of the user with the backlog.
const STORMY: u64 = 1;

/// The latency of other users' orders, without and with the backlog.
#[derive(Clone, Debug, Serialize)]
pub struct Storm {
    /// Orders in the one user's backlog.
    pub orders: u64,
    /// Other users' orders a second.
    pub rate: f64,
    /// Latency of other users' orders before the backlog.
    pub calm: Latency,
    /// Latency of other users' orders during the backlog.
    #[serde(rename = "storm")]
    pub during: Latency,
    /// Relative rise of the 99th percentile: 0.1 is 10 %.
    pub p99_rise: f64,
    /// Orders of the backlog that were done when the last of the others was.
    pub through: u64,
}

impl Storm {
    pub async fn run(databases: &Databases, options: &Options) -> Result<Self, BenchError> {
        let (orders, others) = (options.storm, options.arrivals());
        let users = STORMY + WARM_UP + 2 * others;
        let env = BenchEnv::prepare(databases, options, Workload::new(users, options.concurrency)).await?;
        let service = env.serve("api,worker").await?;
        let shop = Shop::new(service.said("api"))?;
        let first = STORMY + 1;
        arrivals(&shop, "u-", first..=first + WARM_UP - 1, options.rate).await?;
        let calm_first = first + WARM_UP;
        let calm = arrivals(&shop, "u-", calm_first..=calm_first + others - 1, options.rate).await?;
        env.load(orders, |_| format!("u-{STORMY}")).await?;
        let before = env.shop.stats().await?.orders.total;
        let storm_first = calm_first + others;
        let storm = arrivals(&shop, "u-", storm_first..=users, options.rate).await?;
        let after = env.shop.stats().await?.orders.total;
        service.stop().await?;
        env.tear_down().await?;
        let (calm, storm) = (Latency::of(&calm), Latency::of(&storm));
        Ok(Self {
            orders,
            rate: options.rate,
            calm,
            during: storm,
            p99_rise: storm.p99 / calm.p99 - 1.0,
            through: (after - before).saturating_sub(others),
        })
    }
}
