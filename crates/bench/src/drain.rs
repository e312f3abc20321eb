//! Processes a backlog of orders, each of a different user, and measures orders a second and the
//! cost of an order.

use std::time::{Duration, Instant};

use klarna_sandbox::Stats;
use serde::Serialize;
use tokio::time::sleep;

use crate::database::Database;
use crate::dir::Databases;
use crate::env::{BenchEnv, Workload};
use crate::process::Process;
use crate::{BenchError, Options, per, rate};

/// Interval at which the sandbox's counts are read.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The run fails if it makes no progress for this long.
pub const STUCK: Duration = Duration::from_mins(1);
/// Number of points kept for the chart.
const POINTS: usize = 200;

/// The measurement of a backlog.
#[derive(Clone, Debug, Serialize)]
pub struct Drain {
    /// Orders in the backlog, each of a different user.
    pub orders: u64,
    /// From the first exchange to the last result on disk.
    pub seconds: f64,
    /// Orders a second.
    pub per_second: f64,
    /// Orders a second over the first half, as the sandbox counted them.
    pub first_half: f64,
    /// Orders a second over the second half.
    pub second_half: f64,
    /// The sandbox's mean time for an exchange and an order, in milliseconds.
    pub sandbox_ms: f64,
    /// The service's processor time for an order, in milliseconds.
    pub cpu_ms: f64,
    /// Peak memory of the service, in KiB.
    pub peak_memory_kb: u64,
    /// PostgreSQL: bytes of write-ahead log for an order.
    pub wal_bytes: Option<f64>,
    /// PostgreSQL: transactions with writes for an order.
    pub transactions: Option<f64>,
    /// SQLite: bytes that the service wrote to disk for an order.
    pub written_bytes: Option<f64>,
    /// For the chart: milliseconds since the first exchange, and orders created by then.
    #[serde(skip)]
    pub progress: Vec<(f64, u64)>,
}

impl Drain {
    /// Processes a backlog and measures it.
    pub async fn run(
        databases: &Databases,
        options: &Options,
        workload: Workload,
    ) -> Result<Self, BenchError> {
        let env = BenchEnv::prepare(databases, options, workload).await?;
        env.load(workload.users, |number| format!("u-{number}")).await?;
        let before = env.dir.counters().await?;
        let service = env.serve("worker").await?;
        let progress = watch(&env, workload.users).await?;
        settled(&env, workload.users).await?;
        let seconds = progress.begun.elapsed().as_secs_f64();
        let usage = service.usage();
        let after = env.dir.counters().await?;
        let stats = clean(&env, workload.users).await?;
        end(service, env).await?;
        let orders = workload.users;
        let counted = before.zip(after);
        Ok(Self {
            orders,
            seconds,
            per_second: rate(orders, seconds),
            first_half: progress.rate(0, orders / 2),
            second_half: progress.rate(orders / 2, orders),
            sandbox_ms: stats.time.mean_per_order().as_secs_f64() * 1000.0,
            cpu_ms: per(usage.cpu_ms, orders),
            peak_memory_kb: usage.peak_memory_kb,
            wal_bytes: counted.map(|(before, after)| per(grown(before.wal_bytes, after.wal_bytes), orders)),
            transactions: counted
                .map(|(before, after)| per(grown(before.transactions, after.transactions), orders)),
            written_bytes: counted.is_none().then(|| per(usage.written_bytes, orders)),
            progress: progress.thinned(),
        })
    }
}

/// How far the orders of a backlog are.
pub struct Progress {
    /// The time of the first exchange.
    pub begun: Instant,
    points: Vec<(f64, u64)>,
}

impl Progress {
    /// Orders a second between two counts of orders.
    fn rate(&self, from: u64, to: u64) -> f64 {
        let at = |count: u64| self.points.iter().find(|(_, orders)| *orders >= count).copied();
        match (if from == 0 { Some((0.0, 0)) } else { at(from) }, at(to)) {
            (Some((began, first)), Some((ended, last))) => rate(last - first, (ended - began) / 1000.0),
            _ => 0.0,
        }
    }

    fn thinned(self) -> Vec<(f64, u64)> {
        let step = self.points.len().div_ceil(POINTS).max(1);
        let last = self.points.last().copied();
        self.points.into_iter().step_by(step).chain(last).collect()
    }
}

/// Reads the sandbox's counts until it has created `orders` orders.
pub async fn watch(env: &BenchEnv, orders: u64) -> Result<Progress, BenchError> {
    let mut progress = Progress { begun: Instant::now(), points: Vec::new() };
    let mut moved = Instant::now();
    let mut begun = false;
    loop {
        let stats = env.shop.stats().await?;
        if !begun && stats.exchanges.total > 0 {
            (begun, progress.begun) = (true, Instant::now());
        }
        let total = stats.orders.total;
        if progress.points.last().is_none_or(|(_, last)| *last < total) {
            moved = Instant::now();
            progress.points.push((progress.begun.elapsed().as_secs_f64() * 1000.0, total));
        }
        if total >= orders {
            return Ok(progress);
        }
        if moved.elapsed() > STUCK {
            return Err(BenchError::Unclean(format!("only {total} of {orders} orders came to the sandbox")));
        }
        sleep(if begun { POLL_INTERVAL } else { POLL_INTERVAL / 10 }).await;
    }
}

/// Waits until no order is queued or running.
async fn settled(env: &BenchEnv, orders: u64) -> Result<(), BenchError> {
    let begun = Instant::now();
    let mut database = Database::connect(&env.dir).await?;
    while database.has_unfinished_orders().await? {
        if begun.elapsed() > STUCK {
            return Err(BenchError::Unclean(format!("some of {orders} orders never ended")));
        }
        sleep(Duration::from_millis(2)).await;
    }
    database.close().await
}

/// Checks that every order was created once and with a valid token.
pub async fn clean(env: &BenchEnv, orders: u64) -> Result<Stats, BenchError> {
    let stats = env.shop.stats().await?;
    if stats.orders.recognised == orders
        && stats.orders.duplicates == 0
        && stats.exchanges.spent_presented == 0
    {
        return Ok(stats);
    }
    let (seen, exchanges) = (&stats.orders, &stats.exchanges);
    Err(BenchError::Unclean(format!(
        "of {orders} orders the sandbox saw {} with a good token and {} twice; {} spent tokens were presented",
        seen.recognised, seen.duplicates, exchanges.spent_presented
    )))
}

fn grown(before: i64, after: i64) -> u64 {
    u64::try_from(after - before).unwrap_or_default()
}

async fn end(service: Process, env: BenchEnv) -> Result<(), BenchError> {
    service.stop().await?;
    env.tear_down().await
}
