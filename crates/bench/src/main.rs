//! Measures `klarna-order-worker` on this machine: `cargo run --release -p bench -- [SCENARIO,…]`
//!
//! Each measurement has a folder and a new database of its own, which are removed after it. The
//! sandbox and the service run as separate processes, so that the program is measured as it runs in
//! production.

mod bound;
mod chart;
mod compare;
mod cost;
mod database;
mod dir;
mod drain;
mod env;
mod error;
mod keeper;
mod light;
mod measure;
mod one_user;
mod pages;
mod process;
mod program;
mod report;
mod scratch;
mod shop;
mod slow;
mod steady;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};

use crate::dir::Databases;
use crate::error::BenchError;
use crate::measure::{Mock, Options, Report, Scenario, per, rate};

/// Measures klarna-order-worker on this machine
///
/// It runs the program's commands on new databases, which it removes afterwards. Do not compare
/// figures of different machines; `--bound` measures a limit of this machine in the same run.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// The scenarios to measure, separated by commas
    #[arg(
        value_enum,
        value_delimiter = ',',
        default_value = "drain,steady,slow,one-user,keeper,cost",
        value_name = "SCENARIO,…"
    )]
    scenarios: Vec<Scenario>,
    /// URL of any database of a PostgreSQL server. The measurements create databases of their own
    /// on that server and remove them [default: SQLite in a temporary folder]
    #[arg(long, env = "KLARNA_WORKER_BENCH_DATABASE", hide_env_values = true)]
    database: Option<SecretString>,
    /// The program to measure [default: klarna-order-worker in the folder of this program;
    /// `cargo run` builds it first]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Who stands in for Klarna. Compare only figures of the same one
    #[arg(long, value_enum, default_value_t = Mock::Sandbox)]
    mock: Mock,
    /// Print the report as a line of JSON
    #[arg(long)]
    json: bool,
    /// Draw the drain and the arrivals as an SVG chart into this file
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// Run pgbench before and after the drain, with only the SQL that every order needs
    #[arg(long, requires = "database")]
    bound: bool,
    /// Orders in the backlog of drain and compare
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u64).range(10..))]
    orders: u64,
    /// Orders a second that arrive in steady and one-user
    #[arg(long, default_value_t = 20.0, value_parser = positive)]
    rate: f64,
    /// How long orders arrive in steady and one-user
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// The setting `queue.concurrency`
    #[arg(long, default_value_t = 64)]
    concurrency: u16,
    /// The setting `queue.concurrency` in slow [default: 256 on PostgreSQL, 64 on SQLite]
    #[arg(long)]
    slow_concurrency: Option<u16>,
    /// Orders in the backlog of slow, for each of its concurrent orders
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..))]
    slow_rounds: u16,
    /// The setting `vault.max_in_flight`
    #[arg(long, default_value_t = 128)]
    max_in_flight: u16,
    /// The setting `database.max_connections`
    #[arg(long, default_value_t = 20)]
    connections: u16,
    /// Leave submissions out of the audit log (`audit.submissions = false`): without and with this,
    /// steady shows what they cost
    #[arg(long)]
    no_audit: bool,
    /// Orders in the one user's backlog of one-user
    #[arg(long, default_value_t = 1000)]
    one_user_orders: u64,
    /// Due tokens in keeper
    #[arg(long, default_value_t = 1000)]
    tokens: u64,
    /// Orders in the backlog while cost measures the memory
    #[arg(long, default_value_t = 100_000)]
    waiting: u64,
    /// Orders whose statements cost counts
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    counted: u64,
    /// How long cost watches an idle service, and then a busy one
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration)]
    watch: Duration,
    /// Orders in pages, which is measured only if it is named
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1000..))]
    page_orders: u64,
    /// Tokens in pages
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1000..))]
    page_tokens: u64,
    /// Turns of each worker in compare, which is measured only if it is named
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    turns: u8,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 10_000.0 => Ok(rate),
        _ => Err("expected a number above 0, 10000 at most".to_owned()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints the report. Returns `false` if a signal ended it before.
async fn run(cli: Cli) -> Result<bool, BenchError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(BenchError::io("handle signals"))?;
    let (json, chart) = (cli.json, cli.chart.clone());
    let program = match &cli.program {
        Some(program) => {
            program.canonicalize().map_err(BenchError::io(format!("find {}", program.display())))?
        }
        None => program::find().await?,
    };
    let (options, databases) = (cli.options(program), Databases::default());
    let measured = tokio::select! {
        measured = measure::run(&databases, &options, announce) => Some(measured),
        _ = terminate.recv() => None,
        _ = tokio::signal::ctrl_c() => None,
    };
    databases.clear().await?;
    let Some(measured) = measured else { return Ok(false) };
    let report = measured?;
    if let Some(path) = chart {
        let written = std::fs::write(&path, chart::chart(&report));
        written.map_err(BenchError::io(format!("write {}", path.display())))?;
    }
    let text = if json { report::json(&report)? } else { report::table(&report) };
    writeln!(io::stdout(), "{text}").map_err(BenchError::Output)?;
    Ok(true)
}

fn announce(scenario: Scenario) {
    if let Some(value) = scenario.to_possible_value() {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        eprintln!("measuring {}: {help}", value.get_name());
    }
}

impl Cli {
    fn options(self, program: PathBuf) -> Options {
        let slow = if self.database.is_some() { 256 } else { 64 };
        Options {
            program,
            database: self.database,
            mock: self.mock,
            scenarios: self.scenarios.into_iter().collect::<BTreeSet<_>>(),
            orders: self.orders,
            rate: self.rate,
            duration: self.duration,
            concurrency: usize::from(self.concurrency),
            slow_concurrency: usize::from(self.slow_concurrency.unwrap_or(slow)),
            slow_rounds: usize::from(self.slow_rounds),
            max_in_flight: u32::from(self.max_in_flight),
            connections: u32::from(self.connections),
            audit: !self.no_audit,
            one_user_orders: self.one_user_orders,
            tokens: self.tokens,
            waiting: self.waiting,
            counted: self.counted,
            watch: self.watch,
            page_orders: self.page_orders,
            page_tokens: self.page_tokens,
            turns: usize::from(self.turns),
            bound: self.bound,
        }
    }
}
