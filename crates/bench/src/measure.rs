//! The scenarios, and the report of all of them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use secrecy::SecretString;
use serde::Serialize;

use crate::BenchError;
use crate::bound::{self, Bound};
use crate::compare::Compare;
use crate::cost::Cost;
use crate::dir::Databases;
use crate::drain::Drain;
use crate::env::Workload;
use crate::keeper::Sweep;
use crate::one_user::OneUser;
use crate::pages::Pages;
use crate::slow::Slow;
use crate::steady::Steady;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Scenario {
    /// A backlog of orders of different users: orders a second
    Drain,
    /// Orders that arrive one by one: time from request to result
    Steady,
    /// A backlog while Klarna is slow: orders a second
    Slow,
    /// Orders of others that arrive while one user has a backlog: how much slower they are
    OneUser,
    /// One run of the keeper: tokens a second
    Keeper,
    /// SQL statements of an order, start time, idle processor time, memory
    Cost,
    /// The operators' pages with many orders and tokens: time of each page
    Pages,
    /// A backlog in turns with a plain worker on graphile-worker in Node: orders a second of both
    Compare,
}

/// Who stands in for Klarna.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mock {
    /// The program's `sandbox`, a process of its own: it checks requests like Klarna and signs
    /// id_tokens
    #[default]
    Sandbox,
    /// Answers from memory, in the bench's process, and signs nothing: what is measured is the
    /// worker
    Light,
}

/// How to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program to measure.
    pub program: PathBuf,
    /// A PostgreSQL server, by the URL of any of its databases; `None` means SQLite.
    pub database: Option<SecretString>,
    /// Who stands in for Klarna.
    pub mock: Mock,
    /// What to measure.
    pub scenarios: BTreeSet<Scenario>,
    /// Orders in the backlog.
    pub orders: u64,
    /// Arrivals a second.
    pub rate: f64,
    /// How long orders arrive.
    pub duration: Duration,
    /// The setting `queue.concurrency`.
    pub concurrency: usize,
    /// The setting `queue.concurrency` for the slow scenario.
    pub slow_concurrency: usize,
    /// Orders in the backlog of the slow scenario, for each concurrent order.
    pub slow_rounds: usize,
    /// The setting `vault.max_in_flight`.
    pub max_in_flight: u32,
    /// The setting `database.max_connections`.
    pub connections: u32,
    /// The setting `audit.submissions`.
    pub audit: bool,
    /// Orders in the backlog of the one-user scenario.
    pub one_user_orders: u64,
    /// Due tokens in the keeper scenario.
    pub tokens: u64,
    /// Orders in the backlog while the memory is measured.
    pub waiting: u64,
    /// Orders whose statements are counted.
    pub counted: u64,
    /// How long an idle service is watched, and then a busy one.
    pub watch: Duration,
    /// Orders in the pages scenario.
    pub page_orders: u64,
    /// Tokens in the pages scenario.
    pub page_tokens: u64,
    /// Turns of each worker in the compare scenario.
    pub turns: usize,
    /// Whether `pgbench` runs before and after the drain.
    pub bound: bool,
}

impl Options {
    /// The number of orders that arrive.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "both were checked to be positive"
    )]
    pub fn arrivals(&self) -> u64 {
        (self.rate * self.duration.as_secs_f64()).max(1.0) as u64
    }
}

/// What was measured, as `--json` prints it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The version of the sources.
    pub version: &'static str,
    /// `sqlite` or `postgres`.
    pub engine: &'static str,
    /// Who stood in for Klarna.
    pub mock: Mock,
    /// Processors of the machine.
    pub cores: usize,
    /// The machine's load average over the minute before the run; `None` without `/proc`.
    pub load: Option<f64>,
    /// The `pgbench` comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
    /// The drain of a backlog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    /// The orders that arrive one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steady: Option<Steady>,
    /// The drain while Klarna is slow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
    /// The backlog of one user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_user: Option<OneUser>,
    /// The run of the keeper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keeper: Option<Sweep>,
    /// The cost of an order and of a running service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The operators' pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<Pages>,
    /// The drain, compared with a plain worker in Node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<Compare>,
}

/// Runs the scenarios one after the other. `announce` is called before each.
///
/// # Errors
/// If something cannot be started, or does not end as it must. In every case the caller has to call
/// [`Databases::clear`].
pub async fn run(
    databases: &Databases,
    options: &Options,
    announce: impl Fn(Scenario),
) -> Result<Report, BenchError> {
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        engine: if options.database.is_some() { "postgres" } else { "sqlite" },
        mock: options.mock,
        cores: std::thread::available_parallelism().map_or(1, Into::into),
        load: load(),
        ..Report::default()
    };
    if options.scenarios.contains(&Scenario::Compare) {
        // Before anything is measured.
        Compare::check(options)?;
    }
    for scenario in &options.scenarios {
        announce(*scenario);
        match scenario {
            Scenario::Drain => {
                let before = bound::measure(databases, options).await?;
                let workload = Workload::new(options.orders, options);
                let drain = Drain::run(databases, options, workload).await?;
                let after = bound::measure(databases, options).await?;
                report.bound =
                    before.zip(after).map(|(before, after)| Bound::new(before, after, drain.per_second));
                report.drain = Some(drain);
            }
            Scenario::Steady => report.steady = Some(Steady::run(databases, options).await?),
            Scenario::Slow => report.slow = Some(Slow::run(databases, options).await?),
            Scenario::OneUser => report.one_user = Some(OneUser::run(databases, options).await?),
            Scenario::Keeper => report.keeper = Some(Sweep::run(databases, options).await?),
            Scenario::Cost => report.cost = Some(Cost::run(databases, options).await?),
            Scenario::Pages => report.pages = Some(Pages::run(databases, options).await?),
            Scenario::Compare => report.compare = Some(Compare::run(databases, options).await?),
        }
    }
    Ok(report)
}

fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// `count` divided by `seconds`.
#[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
pub fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// `total` divided by `count`.
#[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
pub fn per(total: u64, count: u64) -> f64 {
    total as f64 / count.max(1) as f64
}
