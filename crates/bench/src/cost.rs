//! The number of SQL statements of one order, and the service's start time, idle processor time and
//! memory.

use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use crate::dir::Databases;
use crate::env::{BenchEnv, Workload};
use crate::shop::Shop;
use crate::steady::{WARM_UP, arrivals};
use crate::{BenchError, Options, per};

/// How often the service is started; the median time is reported.
const STARTS: usize = 3;
/// The longest wait after the start before the idle processor time is measured.
const CALM: Duration = Duration::from_secs(3);

/// What an order and a running service cost.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Statements for each order that arrives alone, without BEGIN, COMMIT and ROLLBACK.
    pub statements: f64,
    /// `COMMIT` statements for each order. A statement outside a transaction is not counted here.
    pub commits: f64,
    /// From the start of the process until it prints its addresses.
    pub ready_ms: f64,
    /// Processor time of an idle service, in percent of one core.
    pub idle_cpu_percent: f64,
    /// Orders in the backlog while the memory was measured.
    pub waiting: u64,
    /// Peak memory of a service that works on this backlog, in KiB.
    pub peak_memory_kb: u64,
    /// The part of it that is pages of the program's file, in KiB.
    pub program_memory_kb: u64,
}

impl Cost {
    pub async fn run(databases: &Databases, options: &Options) -> Result<Self, BenchError> {
        let (last, watch) = (WARM_UP + options.counted, options.watch);
        let env = BenchEnv::prepare(databases, options, Workload::new(last, options)).await?;
        let service = env.serve_with_sql_log().await?;
        let shop = Shop::new(service.said("api"))?;
        arrivals(&shop, "u-", 1..=WARM_UP, options.rate).await?;
        let before = count_statements(&service.log);
        // Faster than usual, because no time is measured here.
        arrivals(&shop, "u-", WARM_UP + 1..=last, options.rate.max(50.0)).await?;
        let after = count_statements(&service.log);
        service.stop().await?;

        let (mut starts, mut idle) = (Vec::new(), Duration::ZERO);
        for start in 0..STARTS {
            let service = env.serve("api,worker,keeper").await?;
            starts.push(service.ready_after);
            if start == 0 {
                sleep(CALM.min(watch)).await;
                let before = service.usage().cpu_ms;
                sleep(watch).await;
                idle = Duration::from_millis(service.usage().cpu_ms - before);
            }
            service.stop().await?;
        }
        starts.sort();

        // The sandbox does not know these users' tokens any more. Only the number of waiting orders
        // matters.
        env.load(options.waiting, |number| format!("u-{number}")).await?;
        let service = env.serve("api,worker,keeper").await?;
        // It works on the backlog.
        sleep(watch).await;
        let memory = service.usage();
        service.stop().await?;
        env.tear_down().await?;
        Ok(Self {
            statements: per(after.statements - before.statements, options.counted),
            commits: per(after.commits - before.commits, options.counted),
            ready_ms: starts[STARTS / 2].as_secs_f64() * 1000.0,
            idle_cpu_percent: per_cent(idle, watch),
            waiting: options.waiting,
            peak_memory_kb: memory.peak_memory_kb,
            program_memory_kb: memory.file_memory_kb,
        })
    }
}

fn per_cent(part: Duration, of: Duration) -> f64 {
    part.as_secs_f64() / of.as_secs_f64().max(f64::MIN_POSITIVE) * 100.0
}

struct StatementCounts {
    statements: u64,
    commits: u64,
}

/// Counts the statements in a log that has a line for each.
fn count_statements(log: &std::path::Path) -> StatementCounts {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut counts = StatementCounts { statements: 0, commits: 0 };
    for line in text.lines() {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        match line["summary"].as_str().unwrap_or_default() {
            "" => {}
            words if words.starts_with("COMMIT") => counts.commits += 1,
            // On SQLite, it comes before BEGIN, in the same round trip.
            words if words.starts_with("PRAGMA temp_store") => {}
            words if words.starts_with("BEGIN") || words == "ROLLBACK" => {}
            _ => counts.statements += 1,
        }
    }
    counts
}
