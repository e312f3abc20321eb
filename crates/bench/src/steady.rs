//! Sends orders by HTTP at a fixed rate, and measures the time from each request to its result.

use std::time::Duration;

use futures::future::try_join_all;
use hdrhistogram::Histogram;
use klarna_sandbox::Time;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::dir::Databases;
use crate::env::{BenchEnv, Workload};
use crate::shop::Shop;
use crate::{BenchError, Options, per};

/// Orders before the measurement, to fill connection pools and caches.
pub const WARM_UP: u64 = 20;
/// How long before the end of a wait the timer is left for a busy loop, because a timer is late by
/// a millisecond or two.
const AWAKE: Duration = Duration::from_millis(2);

/// The latency of orders that arrive at a fixed rate.
#[derive(Clone, Debug, Serialize)]
pub struct Steady {
    /// Arrivals a second.
    pub rate: f64,
    /// Orders measured.
    pub orders: u64,
    /// From the intended start of each request to its result.
    pub request_to_result: Latency,
    /// The sandbox's mean time for an exchange and an order, which is part of each latency.
    pub sandbox_ms: f64,
    /// `request_to_result` minus `sandbox_ms`: the time that the service takes.
    pub service: Latency,
    /// The service's processor time for an order, from its request on, in milliseconds.
    pub cpu_ms: f64,
    /// Percentile and milliseconds, for the chart.
    #[serde(skip)]
    pub curve: Vec<(f64, f64)>,
}

/// Percentiles of a latency, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Latency {
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| millis(histogram.value_at_quantile(quantile));
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: millis(histogram.max()) }
    }

    fn less(self, part: f64) -> Self {
        let less = |time: f64| (time - part).max(0.0);
        Self { p50: less(self.p50), p90: less(self.p90), p99: less(self.p99), max: less(self.max) }
    }
}

impl Steady {
    pub async fn run(databases: &Databases, options: &Options) -> Result<Self, BenchError> {
        let orders = options.arrivals();
        let env = BenchEnv::prepare(databases, options, Workload::new(WARM_UP + orders, options)).await?;
        let service = env.serve("api,worker").await?;
        let shop = Shop::new(service.said("api"))?;
        arrivals(&shop, "u-", 1..=WARM_UP, options.rate).await?;
        let (before, used) = (env.shop.stats().await?.time, service.usage().cpu_ms);
        let times = arrivals(&shop, "u-", WARM_UP + 1..=WARM_UP + orders, options.rate).await?;
        let after = env.shop.stats().await?.time;
        let cpu_ms = per(service.usage().cpu_ms - used, orders);
        service.stop().await?;
        env.tear_down().await?;
        let part = |before: Time, after: Time| after.since(before).mean().as_secs_f64() * 1000.0;
        let sandbox_ms = part(before.token, after.token) + part(before.checkout, after.checkout);
        let request_to_result = Latency::of(&times);
        Ok(Self {
            rate: options.rate,
            orders,
            request_to_result,
            sandbox_ms,
            service: request_to_result.less(sandbox_ms),
            cpu_ms,
            curve: curve(&times),
        })
    }
}

/// Submits an order of each user at a fixed rate, and waits for the results. A latency counts from
/// the time at which the request was due, so that a slow service cannot delay the requests and so
/// hide its own latency.
pub async fn arrivals(
    shop: &Shop,
    prefix: &str,
    users: std::ops::RangeInclusive<u64>,
    rate: f64,
) -> Result<Histogram<u64>, BenchError> {
    let begin = Instant::now() + Duration::from_millis(50);
    let mut waiting = Vec::new();
    for (turn, user) in users.enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
        let due = begin + Duration::from_secs_f64(turn as f64 / rate);
        sleep_until(due - AWAKE).await;
        while Instant::now() < due {
            tokio::task::yield_now().await;
        }
        let (shop, user) = (shop.clone(), format!("{prefix}{user}"));
        waiting.push(tokio::spawn(async move {
            let id = shop.order(&user).await?;
            shop.result(&id).await?;
            Ok::<_, BenchError>(due.elapsed())
        }));
    }
    let mut times = histogram()?;
    for time in try_join_all(waiting).await.map_err(|error| BenchError::Http(error.to_string()))? {
        times.saturating_record(u64::try_from(time?.as_micros()).unwrap_or(u64::MAX));
    }
    Ok(times)
}

/// A histogram of microseconds up to ten minutes, with three significant digits.
fn histogram() -> Result<Histogram<u64>, BenchError> {
    Histogram::new_with_bounds(1, 600_000_000, 3).map_err(|error| BenchError::Http(error.to_string()))
}

fn curve(times: &Histogram<u64>) -> Vec<(f64, f64)> {
    let quantiles = times.iter_quantiles(4).map(|step| (step.quantile(), millis(step.value_iterated_to())));
    quantiles.filter(|(quantile, _)| *quantile < 1.0).collect()
}

#[expect(clippy::cast_precision_loss, reason = "times of minutes at most")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
