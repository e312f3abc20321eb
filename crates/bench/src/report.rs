//! The report as text and as JSON.

use crate::BenchError;
use crate::bound::Bound;
use crate::compare::{Compare, Turn, median};
use crate::cost::Cost;
use crate::drain::Drain;
use crate::keeper::Sweep;
use crate::measure::{Mock, Report};
use crate::one_user::OneUser;
use crate::pages::{Page, Pages};
use crate::slow::Slow;
use crate::steady::{Latency, Steady};

/// Returns the report as a line of JSON.
///
/// # Errors
/// If a figure is not a number.
pub fn json(report: &Report) -> Result<String, BenchError> {
    serde_json::to_string(report).map_err(|error| BenchError::Output(error.into()))
}

/// Returns the report as a table: scenario, what was measured, figure.
pub fn table(report: &Report) -> String {
    let mut table = Table { rows: vec![["scenario", "measured", "figure"].map(str::to_owned)] };
    table.machine(report);
    if let Some(drain) = &report.drain {
        table.drain(drain);
    }
    if let Some(bound) = &report.bound {
        table.bound(bound);
    }
    if let Some(steady) = &report.steady {
        table.steady(steady);
    }
    if let Some(slow) = &report.slow {
        table.slow(slow);
    }
    if let Some(one_user) = &report.one_user {
        table.one_user(one_user);
    }
    if let Some(sweep) = &report.keeper {
        table.keeper(sweep);
    }
    if let Some(cost) = &report.cost {
        table.cost(cost);
    }
    if let Some(pages) = &report.pages {
        table.pages(pages);
    }
    if let Some(compare) = &report.compare {
        table.rows.extend(compared(compare));
    }
    aligned(&table.rows)
}

/// The rows of the report, as its scenarios add them.
struct Table {
    rows: Vec<[String; 3]>,
}

impl Table {
    fn row(&mut self, what: &str, measured: &str, figure: String) {
        self.rows.push([what.to_owned(), measured.to_owned(), figure]);
    }

    fn machine(&mut self, report: &Report) {
        let load = report.load.map_or_else(String::new, |load| format!(", load {load:.1} at the start"));
        let mock = match report.mock {
            Mock::Sandbox => "",
            Mock::Light => ", light mock",
        };
        self.row(
            "machine",
            "",
            format!("{} cores{load}; {}{mock}, version {}", report.cores, report.engine, report.version),
        );
    }

    fn drain(&mut self, drain: &Drain) {
        self.row("drain", "orders a second", format!("{:.0} over {} orders", drain.per_second, drain.orders));
        self.row("", "first half, second half", format!("{:.0}, {:.0}", drain.first_half, drain.second_half));
        self.row("", "the sandbox's time for an order", format!("{:.2} ms", drain.sandbox_ms));
        self.row("", "processor time of an order", format!("{:.2} ms", drain.cpu_ms));
        self.row("", "peak memory", megabytes(drain.peak_memory_kb));
        if let Some((bytes, transactions)) = drain.wal_bytes.zip(drain.transactions) {
            self.row("", "WAL of an order", format!("{bytes:.0} bytes in {transactions:.2} transactions"));
        }
        if let Some(bytes) = drain.written_bytes {
            self.row("", "written to disk for an order", format!("{bytes:.0} bytes"));
        }
    }

    fn bound(&mut self, bound: &Bound) {
        self.row(
            "bound",
            "pgbench, before and after",
            format!("{:.0}, {:.0} orders a second", bound.before, bound.after),
        );
        self.row("", "drain divided by pgbench", format!("{:.2}", bound.ratio));
    }

    fn steady(&mut self, steady: &Steady) {
        self.row("steady", "request to result", times(&steady.request_to_result));
        self.row("", "less the sandbox's time", times(&steady.service));
        self.row("", "the sandbox's time for an order", format!("{:.2} ms", steady.sandbox_ms));
        self.row("", "processor time of the service for an order", format!("{:.2} ms", steady.cpu_ms));
    }

    fn slow(&mut self, slow: &Slow) {
        let share = slow.share * 100.0;
        self.row(
            "slow",
            "orders a second",
            format!("{:.0} of {:.0} ({share:.0}%)", slow.drain.per_second, slow.allowed),
        );
        self.row("", "concurrent orders", slow.concurrency.to_string());
    }

    fn one_user(&mut self, one_user: &OneUser) {
        self.row("one-user", "others' orders before the backlog", times(&one_user.before));
        self.row("", "others' orders during the backlog", times(&one_user.during));
        self.row("", "rise of their p99", format!("{:+.0}%", one_user.p99_rise * 100.0));
        self.row("", "the one user's orders", format!("{} of {} ended", one_user.done, one_user.orders));
    }

    fn keeper(&mut self, sweep: &Sweep) {
        self.row(
            "keeper",
            "tokens a second",
            format!("{:.0} over {} tokens", sweep.per_second, sweep.tokens),
        );
    }

    fn cost(&mut self, cost: &Cost) {
        self.row(
            "cost",
            "statements of an order",
            format!("{:.1}, and {:.1} COMMITs", cost.statements, cost.commits),
        );
        self.row("", "start to ready", format!("{:.0} ms", cost.ready_ms));
        self.row("", "idle", format!("{:.2}% of a core", cost.idle_cpu_percent));
        self.row(
            "",
            "peak memory, waiting orders",
            format!("{}, {}", megabytes(cost.peak_memory_kb), cost.waiting),
        );
        self.row("", "of it the program's file", megabytes(cost.program_memory_kb));
    }

    fn pages(&mut self, pages: &Pages) {
        self.row("pages", "orders, tokens", format!("{}, {}", pages.orders, pages.tokens));
        for Page { path, first, p50, max } in &pages.timings {
            self.row("", path, format!("first {first:.0} ms, p50 {p50:.0}, max {max:.0}"));
        }
        self.row("", "slowest", format!("{:.0} ms", pages.slowest_ms));
    }
}

fn compared(compare: &Compare) -> [[String; 3]; 6] {
    let row = |what: &str, measured: &str, figure: String| [what, measured, &figure].map(str::to_owned);
    let with = format!("{} on Node {}", compare.with, compare.node);
    let all = |figure: fn(&Turn) -> f64| compare.turns.iter().map(figure).collect::<Vec<_>>();
    let (ours, others) = (all(|turn| turn.ours.per_second), all(|turn| turn.other.per_second));
    let (our_time, their_time) = (all(|turn| turn.ours.cpu_ms), all(|turn| turn.other.cpu_ms));
    let largest =
        |side: fn(&Turn) -> u64| megabytes(compare.turns.iter().map(side).max().unwrap_or_default());
    let (our_memory, their_memory) =
        (largest(|turn| turn.ours.peak_memory_kb), largest(|turn| turn.other.peak_memory_kb));
    [
        row("compare", &with, format!("{} orders, {} at once", compare.orders, compare.concurrency)),
        row("", "orders a second, ours", median_of(&ours, 0)),
        row("", "orders a second, the other's", median_of(&others, 0)),
        row("", "ours divided by the other's", median_of(&all(|turn| turn.ratio), 2)),
        row(
            "",
            "processor time of an order, both",
            format!("{:.2} ms, {:.2} ms", median(&our_time), median(&their_time)),
        ),
        row("", "peak memory, both", format!("{our_memory}, {their_memory}")),
    ]
}

/// The median, and all figures in their order.
fn median_of(figures: &[f64], digits: usize) -> String {
    let all: Vec<_> = figures.iter().map(|figure| format!("{figure:.digits$}")).collect();
    format!("{:.digits$} (each turn: {})", median(figures), all.join(", "))
}

fn aligned(rows: &[[String; 3]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let line =
        |[what, measured, figure]: &[String; 3]| format!("{what:first$}  {measured:second$}  {figure}");
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn times(Latency { p50, p90, p99, max }: &Latency) -> String {
    format!("p50 {p50:.1} ms, p90 {p90:.1}, p99 {p99:.1}, max {max:.1}")
}

#[expect(clippy::cast_precision_loss, reason = "no process has so much")]
fn megabytes(kilobytes: u64) -> String {
    format!("{:.0} MB", kilobytes as f64 / 1024.0)
}
