//! How long each of the operators' pages takes with many orders and tokens.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::database::{Database, Fill};
use crate::dir::Databases;
use crate::env::{BenchEnv, Workload};
use crate::shop::{MERCHANT, Shop};
use crate::{BenchError, Options};

/// How often each page is requested.
const TIMES: usize = 20;

/// The pages, with the filters that an operator may set.
const PAGES: [&str; 21] = [
    "/",
    "/?range=1h",
    "/?range=30d",
    "/orders",
    "/orders?status=failed",
    "/orders?status=cancelled",
    "/orders?status=running",
    "/orders?token=uncertain",
    "/orders?token=not_registered&merchant=shop",
    "/orders?merchant=shop&status=submitted",
    "/orders?user=u-7",
    "/orders?user=nobody",
    "/orders?error=deadline_exceeded",
    "/orders?duplicates=1",
    "/users",
    "/users?state=uncertain",
    "/users?user=u-7",
    "/user?merchant=shop&user=u-7",
    "/webhooks",
    "/webhooks?status=failed",
    "/webhooks?user=u-7",
];

/// How long pages take.
#[derive(Clone, Debug, Serialize)]
pub struct Pages {
    /// Orders in the database.
    pub orders: u64,
    /// Tokens in the database.
    pub tokens: u64,
    /// The slowest request of all, in milliseconds.
    pub slowest_ms: f64,
    /// The timing of each page.
    #[serde(rename = "pages")]
    pub timings: Vec<Page>,
}

/// The timing of one page, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// Path and query.
    pub path: String,
    /// The first request.
    pub first: f64,
    /// The median.
    pub p50: f64,
    /// The slowest.
    pub max: f64,
}

impl Pages {
    pub async fn run(databases: &Databases, options: &Options) -> Result<Self, BenchError> {
        let much = Fill { orders: options.page_orders, tokens: options.page_tokens };
        let env = BenchEnv::prepare(databases, options, Workload::new(0, options)).await?;
        let body = include_str!("order.json").trim_end();
        let mut database = Database::connect(&env.dir).await?;
        database.fill(MERCHANT, body, much).await?;
        database.close().await?;
        let service = env.serve("api").await?;
        let shop = Shop::new(service.said("api"))?;
        let mut pages = Vec::new();
        let mut paths: Vec<String> = PAGES.map(str::to_owned).into();
        let failed = shop.text("/orders?status=failed").await?;
        let order = failed.split_once("href=\"/orders/").and_then(|(_, rest)| rest.get(..36));
        paths.extend(order.map(|order| format!("/orders/{order}")));
        for path in paths {
            pages.push(timed(&shop, path).await?);
        }
        service.stop().await?;
        env.tear_down().await?;
        let slowest_ms = pages.iter().map(|page| page.max).fold(0.0, f64::max);
        Ok(Self { orders: much.orders, tokens: much.tokens, slowest_ms, timings: pages })
    }
}

async fn timed(shop: &Shop, path: String) -> Result<Page, BenchError> {
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let began = Instant::now();
        shop.text(&path).await?;
        times.push(began.elapsed());
    }
    let first = times[0];
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    Ok(Page { path, first: ms(first), p50: ms(times[TIMES / 2]), max: ms(times[TIMES - 1]) })
}
