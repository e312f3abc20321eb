//! Measures how one user's backlog of a thousand orders slows down the orders of other users.

use serde::Serialize;

use crate::dir::Databases;
use crate::env::{BenchEnv, Workload};
use crate::shop::Shop;
use crate::steady::{Latency, WARM_UP, arrivals};
use crate::{BenchError, Options};

/// The number of the user with the backlog.
const BACKLOG_USER: u64 = 1;

/// The latency of other users' orders, without and with the backlog.
#[derive(Clone, Debug, Serialize)]
pub struct OneUser {
    /// Orders in the one user's backlog.
    pub orders: u64,
    /// Other users' orders a second.
    pub rate: f64,
    /// Latency of other users' orders before the backlog.
    pub before: Latency,
    /// Latency of other users' orders during the backlog.
    pub during: Latency,
    /// Relative rise of the 99th percentile: 0.1 is 10 %.
    pub p99_rise: f64,
    /// Orders of the backlog that had ended when the last order of another user ended.
    pub done: u64,
}

impl OneUser {
    pub async fn run(databases: &Databases, options: &Options) -> Result<Self, BenchError> {
        let (orders, others) = (options.one_user_orders, options.arrivals());
        let users = BACKLOG_USER + WARM_UP + 2 * others;
        let env = BenchEnv::prepare(databases, options, Workload::new(users, options)).await?;
        let service = env.serve("api,worker").await?;
        let shop = Shop::new(service.said("api"))?;
        let first_warm_up = BACKLOG_USER + 1;
        let first_before = first_warm_up + WARM_UP;
        let first_during = first_before + others;
        arrivals(&shop, "u-", first_warm_up..=first_before - 1, options.rate).await?;
        let before = arrivals(&shop, "u-", first_before..=first_during - 1, options.rate).await?;
        env.load(orders, |_| format!("u-{BACKLOG_USER}")).await?;
        let orders_before = env.shop.stats().await?.orders.total;
        let during = arrivals(&shop, "u-", first_during..=users, options.rate).await?;
        let orders_after = env.shop.stats().await?.orders.total;
        service.stop().await?;
        env.tear_down().await?;
        let (before, during) = (Latency::of(&before), Latency::of(&during));
        Ok(Self {
            orders,
            rate: options.rate,
            before,
            during,
            p99_rise: during.p99 / before.p99 - 1.0,
            done: (orders_after - orders_before).saturating_sub(others),
        })
    }
}
