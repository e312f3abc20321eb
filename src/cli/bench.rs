//! `bench`: measures on this machine.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::{CliError, Context, Exit, Table};
use crate::bench::{self, BenchDirs, BenchError, Latency, Options, Report, Scenario};
use crate::lifecycle::Shutdown;

/// What to measure, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Measure these alone, separated by commas
    #[arg(
        value_enum,
        value_delimiter = ',',
        default_value = "drain,steady,slow,storm,keeper,cost",
        value_name = "SCENARIO,…"
    )]
    scenarios: Vec<Scenario>,
    /// URL of any database of a PostgreSQL server: new databases are made beside that one and removed again.
    /// SQLite in a temporary folder otherwise
    #[arg(long, env = "KLARNA_WORKER_BENCH_DATABASE", hide_env_values = true)]
    database: Option<SecretString>,
    /// Print JSON: the same as --format json
    #[arg(long)]
    json: bool,
    /// Draw the drain and the arrivals into this file
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// Run the least SQL of one order with pgbench before and after the drain
    #[arg(long, requires = "database")]
    bound: bool,
    /// Orders of the drain
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u64).range(10..))]
    orders: u64,
    /// Arrivals a second of steady and storm
    #[arg(long, default_value_t = 20.0, value_parser = positive)]
    rate: f64,
    /// For how long they arrive
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// `queue.concurrency` of the service
    #[arg(long, default_value_t = 64)]
    concurrency: u16,
    /// The same for slow [default: 256 on PostgreSQL, 64 on SQLite]
    #[arg(long)]
    slow_concurrency: Option<u16>,
    /// `vault.max_in_flight` of the service for slow
    #[arg(long, default_value_t = 100)]
    places: u16,
    /// `database.max_connections` of the service
    #[arg(long, default_value_t = 20)]
    connections: u16,
    /// Orders of the one user in storm
    #[arg(long, default_value_t = 1000)]
    storm: u64,
    /// Due tokens of keeper
    #[arg(long, default_value_t = 1000)]
    tokens: u64,
    /// Orders that wait while cost looks at the memory
    #[arg(long, default_value_t = 100_000)]
    waiting: u64,
    /// Orders of pages, which is measured only where it is asked for
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1000..))]
    page_orders: u64,
    /// Tokens of pages
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1000..))]
    page_tokens: u64,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 10_000.0 => Ok(rate),
        _ => Err("expected a number above 0, 10000 at most".to_owned()),
    }
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.block_on(async {
            let shutdown = Shutdown::install().map_err(|error| CliError::failed("handle signals", error))?;
            let (json, chart) = (self.json, self.chart.clone());
            let (options, dirs) = (self.options(), BenchDirs::default());
            let telling = |scenario: Scenario| context.output.hint(format!("measuring {}", describe(scenario)));
            let measured = tokio::select! {
                measured = bench::run(&dirs, &options, telling) => Some(measured),
                () = shutdown.soft() => None,
            };
            let failed = |error: BenchError| CliError::failed("measure", error);
            dirs.clear().await.map_err(failed)?;
            let Some(measured) = measured else { return Ok(Exit::Failed) };
            let report = measured.map_err(failed)?;
            if let Some(path) = chart {
                let doing = || format!("write {}", path.display());
                std::fs::write(&path, bench::chart(&report)).map_err(|error| CliError::failed(doing(), error))?;
            }
            let output = if json { context.output.as_json() } else { context.output.clone() };
            output.print(table(&report).fitted(None), &report)?;
            Ok(Exit::Done)
        })
    }

    fn options(self) -> Options {
        let slow = if self.database.is_some() { 256 } else { 64 };
        Options {
            database: self.database,
            scenarios: self.scenarios.into_iter().collect::<BTreeSet<_>>(),
            orders: self.orders,
            rate: self.rate,
            duration: self.duration,
            concurrency: usize::from(self.concurrency),
            slow_concurrency: usize::from(self.slow_concurrency.unwrap_or(slow)),
            places: u32::from(self.places),
            connections: u32::from(self.connections),
            storm: self.storm,
            tokens: self.tokens,
            waiting: self.waiting,
            page_orders: self.page_orders,
            page_tokens: self.page_tokens,
            bound: self.bound,
        }
    }
}

fn describe(scenario: Scenario) -> String {
    use clap::ValueEnum;
    scenario.to_possible_value().map_or_else(String::new, |value| {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        format!("{}: {help}", value.get_name())
    })
}

fn table(report: &Report) -> Table {
    let mut table = Table::new(["what", "measured", "figure"]);
    let mut row = |what: &str, measured: &str, figure: String| {
        table.row([what.to_owned(), measured.to_owned(), figure]);
    };
    let load = report.load.map_or_else(String::new, |load| format!(", load {load:.1} at the start"));
    row("machine", "", format!("{} cores{load}; {}, version {}", report.cores, report.engine, report.version));
    if let Some(drain) = &report.drain {
        row("drain", "orders a second", format!("{:.0} over {} orders", drain.per_second, drain.orders));
        row("", "first half, second half", format!("{:.0}, {:.0}", drain.first_half, drain.second_half));
        row("", "the sandbox's time an order", format!("{:.2} ms", drain.sandbox_ms));
        row("", "processor time an order", format!("{:.2} ms", drain.cpu_ms));
        row("", "peak memory", megabytes(drain.peak_memory_kb));
        if let Some((bytes, transactions)) = drain.wal_bytes.zip(drain.transactions) {
            row("", "WAL an order", format!("{bytes:.0} bytes in {transactions:.2} transactions"));
        }
        if let Some(bytes) = drain.written_bytes {
            row("", "written to disk an order", format!("{bytes:.0} bytes"));
        }
    }
    if let Some(bound) = &report.bound {
        row("bound", "pgbench, before and after", format!("{:.0}, {:.0} orders a second", bound.before, bound.after));
        row("", "drain by pgbench", format!("{:.2}", bound.ratio));
    }
    if let Some(steady) = &report.steady {
        row("steady", "request to result", times(&steady.request_to_result));
        row("", "less the sandbox's time", times(&steady.ours));
        row("", "the sandbox's time an order", format!("{:.2} ms", steady.sandbox_ms));
    }
    if let Some(slow) = &report.slow {
        let part = slow.part * 100.0;
        row("slow", "orders a second", format!("{:.0} of {:.0} ({part:.0}%)", slow.drain.per_second, slow.allowed));
        row("", "orders at once", slow.concurrency.to_string());
    }
    if let Some(storm) = &report.storm {
        row("storm", "others before it", times(&storm.calm));
        row("", "others during it", times(&storm.storm));
        row("", "rise of their p99", format!("{:+.0}%", storm.p99_rise * 100.0));
        row("", "the one user's orders", format!("{} of {} through", storm.through, storm.orders));
    }
    if let Some(sweep) = &report.keeper {
        row("keeper", "tokens a second", format!("{:.0} over {} tokens", sweep.per_second, sweep.tokens));
    }
    if let Some(cost) = &report.cost {
        row("cost", "statements an order", format!("{:.1}, and {:.1} COMMITs", cost.statements, cost.commits));
        row("", "start to ready", format!("{:.0} ms", cost.ready_ms));
        row("", "idle", format!("{:.2}% of a core", cost.idle_cpu_percent));
        row("", "peak memory, orders waiting", format!("{}, {}", megabytes(cost.peak_memory_kb), cost.waiting));
    }
    if let Some(pages) = &report.pages {
        row("pages", "orders, tokens", format!("{}, {}", pages.orders, pages.tokens));
        for bench::Page { path, first, p50, max } in &pages.pages {
            row("", path, format!("first {first:.0} ms, p50 {p50:.0}, max {max:.0}"));
        }
        row("", "slowest", format!("{:.0} ms", pages.slowest_ms));
    }
    table
}

fn times(Latency { p50, p90, p99, max }: &Latency) -> String {
    format!("p50 {p50:.1} ms, p90 {p90:.1}, p99 {p99:.1}, max {max:.1}")
}

#[expect(clippy::cast_precision_loss, reason = "no process has so much")]
fn megabytes(kilobytes: u64) -> String {
    format!("{:.0} MB", kilobytes as f64 / 1024.0)
}
