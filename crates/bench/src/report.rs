//! The report as text and as JSON.

use crate::BenchError;
use crate::compare::{Compare, Turn, median};
use crate::measure::{Mock, Report};
use crate::pages::Page;
use crate::steady::Latency;

/// Returns the report as a line of JSON.
///
/// # Errors
/// If a figure is not a number.
pub fn json(report: &Report) -> Result<String, BenchError> {
    serde_json::to_string(report).map_err(|error| BenchError::Output(error.into()))
}

/// Returns the report as a table: scenario, what was measured, figure.
pub fn table(report: &Report) -> String {
    let mut rows = vec![["scenario", "measured", "figure"].map(str::to_owned)];
    let mut row = |what: &str, measured: &str, figure: String| {
        rows.push([what.to_owned(), measured.to_owned(), figure]);
    };
    let load = report.load.map_or_else(String::new, |load| format!(", load {load:.1} at the start"));
    let mock = match report.mock {
        Mock::Sandbox => "",
        Mock::Light => ", light mock",
    };
    row(
        "machine",
        "",
        format!("{} cores{load}; {}{mock}, version {}", report.cores, report.engine, report.version),
    );
    if let Some(drain) = &report.drain {
        row("drain", "orders a second", format!("{:.0} over {} orders", drain.per_second, drain.orders));
        row("", "first half, second half", format!("{:.0}, {:.0}", drain.first_half, drain.second_half));
        row("", "the sandbox's time for an order", format!("{:.2} ms", drain.sandbox_ms));
        row("", "processor time of an order", format!("{:.2} ms", drain.cpu_ms));
        row("", "peak memory", megabytes(drain.peak_memory_kb));
        if let Some((bytes, transactions)) = drain.wal_bytes.zip(drain.transactions) {
            row("", "WAL of an order", format!("{bytes:.0} bytes in {transactions:.2} transactions"));
        }
        if let Some(bytes) = drain.written_bytes {
            row("", "written to disk for an order", format!("{bytes:.0} bytes"));
        }
    }
    if let Some(bound) = &report.bound {
        row(
            "bound",
            "pgbench, before and after",
            format!("{:.0}, {:.0} orders a second", bound.before, bound.after),
        );
        row("", "drain divided by pgbench", format!("{:.2}", bound.ratio));
    }
    if let Some(steady) = &report.steady {
        row("steady", "request to result", times(&steady.request_to_result));
        row("", "less the sandbox's time", times(&steady.service));
        row("", "the sandbox's time for an order", format!("{:.2} ms", steady.sandbox_ms));
        row("", "processor time of the service for an order", format!("{:.2} ms", steady.cpu_ms));
    }
    if let Some(slow) = &report.slow {
        let share = slow.share * 100.0;
        row(
            "slow",
            "orders a second",
            format!("{:.0} of {:.0} ({share:.0}%)", slow.drain.per_second, slow.allowed),
        );
        row("", "concurrent orders", slow.concurrency.to_string());
    }
    if let Some(one_user) = &report.one_user {
        row("one-user", "others' orders before the backlog", times(&one_user.before));
        row("", "others' orders during the backlog", times(&one_user.during));
        row("", "rise of their p99", format!("{:+.0}%", one_user.p99_rise * 100.0));
        row("", "the one user's orders", format!("{} of {} ended", one_user.done, one_user.orders));
    }
    if let Some(sweep) = &report.keeper {
        row("keeper", "tokens a second", format!("{:.0} over {} tokens", sweep.per_second, sweep.tokens));
    }
    if let Some(cost) = &report.cost {
        row(
            "cost",
            "statements of an order",
            format!("{:.1}, and {:.1} COMMITs", cost.statements, cost.commits),
        );
        row("", "start to ready", format!("{:.0} ms", cost.ready_ms));
        row("", "idle", format!("{:.2}% of a core", cost.idle_cpu_percent));
        row(
            "",
            "peak memory, waiting orders",
            format!("{}, {}", megabytes(cost.peak_memory_kb), cost.waiting),
        );
        row("", "of it the program's file", megabytes(cost.program_memory_kb));
    }
    if let Some(pages) = &report.pages {
        row("pages", "orders, tokens", format!("{}, {}", pages.orders, pages.tokens));
        for Page { path, first, p50, max } in &pages.timings {
            row("", path, format!("first {first:.0} ms, p50 {p50:.0}, max {max:.0}"));
        }
        row("", "slowest", format!("{:.0} ms", pages.slowest_ms));
    }
    if let Some(compare) = &report.compare {
        rows.extend(compared(compare));
    }
    aligned(&rows)
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
