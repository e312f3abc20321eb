//! The overview: the state of the service.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::Pages;
use super::attention::{self, Sources};
use super::breakers;
use super::charts::{Bar, Chart, Part, Tick};
use super::endpoint;
use super::failure::Failure;
use super::frame::MenuItem;
use super::links::link;
use super::pauses;
use super::pieces::{badge, col, count_col, done, facts, maybe_time, number, span, time};
use super::tokens;
use super::viewer::Viewer;
use crate::order::{Status, TokenOutcome};
use crate::store::{Backlog, LastSweep, LatencySample, OutcomeBucket, Overview, WorkerView};

/// A period that can be chosen, shown as `bars` bars of one `step` each.
struct Range {
    word: &'static str,
    name: &'static str,
    step: TimeDelta,
    bars: i32,
    /// The time between two labels of the axis.
    ticks: TimeDelta,
}

/// The seconds of a day.
const DAY: i64 = 24 * 3600;

const RANGES: [Range; 4] = [
    Range {
        word: "1h",
        name: "Last hour",
        step: TimeDelta::minutes(1),
        bars: 60,
        ticks: TimeDelta::minutes(15),
    },
    Range {
        word: "24h",
        name: "Last 24 hours",
        step: TimeDelta::minutes(30),
        bars: 48,
        ticks: TimeDelta::hours(6),
    },
    Range { word: "7d", name: "Last 7 days", step: TimeDelta::hours(3), bars: 56, ticks: TimeDelta::days(1) },
    Range {
        word: "30d",
        name: "Last 30 days",
        step: TimeDelta::hours(12),
        bars: 60,
        ticks: TimeDelta::days(7),
    },
];

const PARTS: [Part; 6] = [
    ("good", "Submitted with a token"),
    ("warn", "Submitted without one"),
    ("bad", "Failed"),
    ("off", "Cancelled"),
    ("calm", "Queued"),
    ("busy", "Running"),
];

/// The status and the token of the orders that each of [`PARTS`] counts, as the list of orders
/// filters them.
const LISTS: [(Status, &str); 6] = [
    (Status::Submitted, "with"),
    (Status::Submitted, "without"),
    (Status::Failed, ""),
    (Status::Cancelled, ""),
    (Status::Queued, ""),
    (Status::Running, ""),
];

/// How many submitted orders the latencies are calculated from.
const LATENCY_SAMPLES: u32 = 1000;

pub(super) async fn show(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let deps = &pages.deps;
    let range = viewer.query.get("range").and_then(|word| RANGES.iter().find(|range| range.word == word));
    let range = range.unwrap_or(&RANGES[1]);
    let bounds = bounds(viewer.now, range.step, range.bars);
    let (mut buckets, mut latency_samples, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for merchant in viewer.scopes(&pages, None) {
        buckets.extend(deps.dashboard.outcome_buckets(&bounds, merchant.as_ref()).await?);
        latency_samples.extend(deps.dashboard.latency_samples(merchant.as_ref(), LATENCY_SAMPLES).await?);
        counts.push(pages.counts.of(&deps.keeper, merchant, viewer.now).await);
    }
    // The chart of days left shows which tokens expire soon.
    let overview = deps.stats.overview(deps.worker_lost_after, Duration::ZERO).await?;
    let workers = deps.dashboard.workers(deps.worker_lost_after).await?;
    let sweep = deps.keeper.last_sweep().await?;
    let backlogs: Vec<&Backlog> =
        overview.merchants.iter().filter(|backlog| viewer.sees(&backlog.merchant)).collect();
    let failing = endpoint::failing(&pages, &viewer).await?;
    let paused = pauses::seen(&pages, &viewer).await?;
    let next = (pages.deps.next_sweep)(viewer.now);
    let waiting = breakers::seen(&workers, &viewer);
    let sources = Sources {
        overview: &overview,
        workers: &workers,
        backlogs: &backlogs,
        failing: &failing,
        breakers: &waiting,
        counts: &counts,
        paused: &paused,
    };
    let attention = attention::items(&pages, &viewer, &sources).await?;
    let main = html! {
        (heading(range, &viewer))
        (done(&viewer.query))
        (attention::strip(&attention))
        section #pauses data-live hidden[paused.is_empty()] {
            @if !paused.is_empty() { h2 { "Paused" } (pauses::table(&paused, &viewer)) }
        }
        section #figures data-live { (figures(&backlogs, &overview, &buckets, &latency_samples, range, &bounds)) }
        section #orders data-live {
            h2 { "Orders by outcome " span.quiet { "by the time of acceptance, UTC" } }
            (chart(&buckets, &bounds, range))
        }
        div.columns {
            section #breakers data-live {
                h2 { "Circuit breakers" }
                (breakers::table(&waiting, &workers, &viewer))
                p.note { a href="/outages" { "Outages" } }
            }
            section #workers data-live { h2 { "Workers" } (processes(&workers)) }
        }
        div.columns {
            section #latencies data-live { h2 { "Latencies" } (latencies(&latency_samples)) }
            section #keeper data-live { h2 { "Keeper" } (keeper(&sweep, next, &overview)) }
        }
        section #tokens data-live { h2 { "Tokens" } (tokens::standing(&counts)) }
        section #settings data-live { h2 { "Settings" } (settings(&pages, &viewer)) }
    };
    Ok(viewer.answer(MenuItem::Overview, "Overview", &main))
}

/// The title, the choice of the period, and the way to a pause.
fn heading(range: &Range, viewer: &Viewer) -> Markup {
    html! {
        div.heading {
            h1 { "Overview" }
            div.actions {
                nav.ranges aria-label="Period" {
                    @for Range { word, name, .. } in RANGES {
                        @let current = (word == range.word).then_some("true");
                        a href=(link("/", &[("range", word)])) aria-current=[current] title=(name) { (word) }
                    }
                }
                @if viewer.may_act() { a.button href="/pauses/new" { "Pause work…" } }
            }
        }
    }
}

/// What the keeper does. `next`: when its next sweep begins.
fn keeper(sweep: &LastSweep, next: Option<DateTime<Utc>>, overview: &Overview) -> Markup {
    let oldest = overview.oldest_due_token.filter(|due| *due <= overview.now);
    facts(&[
        ("Last sweep ended", maybe_time(sweep.ended_at)),
        ("Next sweep", maybe_time(next)),
        (
            "Running now",
            html! { @if let Some(name) = &sweep.sweeper { (name) } @else { span.quiet { "no" } } },
        ),
        ("Oldest token due since", maybe_time(oldest)),
        ("Exchanges in flight", html! { (number(overview.open_exchanges)) }),
    ])
}

/// What is in force in this process.
fn settings(pages: &Pages, viewer: &Viewer) -> Markup {
    let (merchants, status) = (viewer.merchants(pages), pages.deps.settings.now());
    html! {
        (facts(&[
            ("Merchants", html! {
                @for (place, merchant) in merchants.iter().enumerate() { @if place > 0 { ", " } (merchant) }
                @if merchants.is_empty() { span.quiet { "none" } }
            }),
            ("Read at", time(status.read_at)),
        ]))
        @for merchant in merchants.iter().filter_map(|merchant| pages.deps.merchants.get(merchant)) {
            @if let Some(two) = pages.deps.accepted_credentials.describe(&merchant) {
                p.note { b { (merchant.name) } " has " (two) ". When the change of credentials is over, \
                    remove the one that is not used, and reload." }
            }
        }
        @if viewer.sees_all() && !status.after_restart.is_empty() {
            p.note { "After a restart: " (status.after_restart.join(", ")) }
        }
        p.note { "Those of the process that shows this page. Each process reloads by itself. "
            a href="/merchants" { "All about the merchants, and how to add one" } }
    }
}

/// Returns where bars begin and end: at whole steps. The last step is the current one.
fn bounds(now: DateTime<Utc>, step: TimeDelta, count: i32) -> Vec<DateTime<Utc>> {
    let seconds = step.num_seconds();
    let end = (now.timestamp() / seconds + 1) * seconds;
    let bound = |back: i32| DateTime::from_timestamp(end - i64::from(back) * seconds, 0).unwrap_or(now);
    (0..=count).rev().map(bound).collect()
}

/// Returns which of [`PARTS`] an order counts for.
fn part(bucket: &OutcomeBucket) -> usize {
    match (bucket.status, bucket.token) {
        (Status::Submitted, Some(TokenOutcome::Fresh | TokenOutcome::Cached)) => 0,
        (Status::Submitted, _) => 1,
        (Status::Failed, _) => 2,
        (Status::Cancelled, _) => 3,
        (Status::Queued, _) => 4,
        (Status::Running, _) => 5,
    }
}

fn chart(buckets: &[OutcomeBucket], bounds: &[DateTime<Utc>], range: &Range) -> Markup {
    let form = if range.step < TimeDelta::minutes(30) { "%H:%M" } else { "%b %-d %H:%M" };
    let mut bars: Vec<Bar> = bounds
        .windows(2)
        .map(|bound| Bar {
            name: format!("{} – {}", bound[0].format(form), bound[1].format("%H:%M")),
            counts: vec![0; PARTS.len()],
        })
        .collect();
    for bucket in buckets {
        if let Some(bar) = bars.get_mut(bucket.slot) {
            bar.counts[part(bucket)] += bucket.orders;
        }
    }
    let steps = bounds.len() - 1;
    let below = ticks(bounds, range);
    let title = format!("Orders by outcome, {}, by the time of acceptance (UTC)", range.name.to_lowercase());
    let link = |bar: Option<usize>, part: Option<usize>| {
        let (first, last) = bar.map_or((0, steps), |bar| (bar, bar + 1));
        let (status, token) = part.map_or(("", ""), |part| (LISTS[part].0.as_str(), LISTS[part].1));
        accepted(bounds[first], bounds[last], status, token)
    };
    Chart { id: "outcomes", title: &title, parts: &PARTS, bars: &bars, below: &below, link: Some(&link) }
        .draw()
}

/// Returns the list of the orders that were accepted between two bounds, which are whole minutes.
fn accepted(from: DateTime<Utc>, until: DateTime<Utc>, status: &str, token: &str) -> String {
    let [from, until] = [from, until].map(|at| at.format("%Y-%m-%dT%H:%M").to_string());
    let mut query = vec![("from", from.as_str()), ("until", until.as_str())];
    query.extend([("status", status), ("token", token)].into_iter().filter(|(_, value)| !value.is_empty()));
    link("/orders", &query)
}

/// The labels of the axis: round times, with the day at midnight.
fn ticks(bounds: &[DateTime<Utc>], range: &Range) -> Vec<Tick> {
    let every = range.ticks.num_seconds();
    let is_round = |at: &DateTime<Utc>| at.timestamp() % every == 0;
    let name = |at: DateTime<Utc>| {
        let form = if at.timestamp() % DAY == 0 { "%b %-d" } else { "%H:%M" };
        at.format(form).to_string()
    };
    let round = bounds.iter().enumerate().filter(|(_, at)| is_round(at));
    round.map(|(bar, at)| Tick { bar, name: name(*at) }).collect()
}

fn figures(
    backlogs: &[&Backlog],
    overview: &Overview,
    buckets: &[OutcomeBucket],
    latency_samples: &[LatencySample],
    range: &Range,
    bounds: &[DateTime<Utc>],
) -> Markup {
    let count = |wanted: fn(&OutcomeBucket) -> bool| {
        buckets.iter().filter(|bucket| wanted(bucket)).map(|bucket| bucket.orders).sum::<u64>()
    };
    let submitted = count(|bucket| bucket.status == Status::Submitted);
    let with = count(|bucket| part(bucket) == 0);
    let failed = count(|bucket| bucket.status == Status::Failed);
    let share = (with * 100).checked_div(submitted);
    let (due, queued) =
        backlogs.iter().fold((0, 0), |(due, queued), backlog| (due + backlog.due, queued + backlog.queued));
    let in_range = |status: Status| accepted(bounds[0], bounds[bounds.len() - 1], status.as_str(), "");
    let running = backlogs.iter().map(|backlog| backlog.running).sum::<u64>();
    let delayed = backlogs.iter().map(|backlog| backlog.delayed).sum::<u64>();
    let oldest =
        backlogs.iter().filter_map(|backlog| backlog.oldest_due).min().filter(|due| *due <= overview.now);
    let ends = sorted(latency_samples, |sample| sample.ended - sample.began);
    html! {
        dl.figures {
            div { dt { "Submitted" } dd { a href=(in_range(Status::Submitted)) { (number(submitted)) } }
                dd.note { @if let Some(share) = share { (share) " % with a token" } @else { (range.name) } } }
            div.alarm[failed > 0] { dt { "Failed" } dd { a href=(in_range(Status::Failed)) { (number(failed)) } }
                dd.note { (range.name) } }
            div.alarm[delayed > 0] { dt { "Waiting" } dd { a href="/orders?status=queued" { (number(queued)) } }
                dd.note { @if delayed > 0 { (number(delayed)) " for their next try" }
                    @else if let Some(oldest) = oldest { "oldest: " (time(oldest)) }
                    @let later = queued.saturating_sub(due + delayed);
                    @if later > 0 {
                        @if delayed > 0 || oldest.is_some() { ", " }
                        (number(later)) " scheduled for later"
                    }
                    @else if delayed == 0 && oldest.is_none() { "now" } } }
            div { dt { "Running" } dd { a href="/orders?status=running" { (number(running)) } }
                dd.note { "now" } }
            div { dt { "Median" } dd { (rank(&ends, 50).map_or("–".to_owned(), span)) }
                dd.note { "from due until submitted" } }
            div.alarm[overview.workers == 0] { dt { "Workers" } dd { (number(overview.workers)) }
                dd.note { "alive" } }
        }
    }
}

fn sorted(latency_samples: &[LatencySample], took: impl Fn(&LatencySample) -> TimeDelta) -> Vec<TimeDelta> {
    let mut times: Vec<TimeDelta> = latency_samples.iter().map(took).collect();
    times.sort_unstable();
    times
}

/// Returns the time that a given percentage of `times` did not exceed.
fn rank(times: &[TimeDelta], percent: usize) -> Option<TimeDelta> {
    times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}

fn latencies(latency_samples: &[LatencySample]) -> Markup {
    let rows = [
        ("Until a worker took the order", sorted(latency_samples, |sample| sample.claimed - sample.began)),
        ("Until Klarna accepted the order", sorted(latency_samples, |sample| sample.ended - sample.began)),
    ];
    html! {
        @if latency_samples.is_empty() { p.quiet { "No order has been submitted yet." } }
        @else {
            div.scroll tabindex="0" role="group" aria-label="Times of orders" { table {
                thead { tr { (col("Time")) @for name in ["p50", "p90", "p99", "longest"] { (count_col(name)) } } }
                tbody { @for (name, times) in &rows {
                    tr { th scope="row" { (name) } @for percent in [50, 90, 99, 100] {
                        td.count { (rank(times, percent).map_or_else(String::new, span)) }
                    } }
                } }
            } }
            p.note { "The last " (number(latency_samples.len())) " submitted orders, from when each was \
                first due or last retried. Waits behind circuit breakers and pauses count." }
        }
    }
}

fn processes(workers: &[WorkerView]) -> Markup {
    html! {
        @if workers.is_empty() { p.quiet { "No process is running." } }
        @else {
            div.scroll tabindex="0" role="group" aria-label="Processes" { table {
                thead { tr { (col("Process")) (col("State")) (col("Started")) (col("Last seen")) } }
                tbody { @for worker in workers {
                    tr {
                        td { (worker.name) }
                        td { @if worker.alive { (badge("good", "alive")) } @else { (badge("bad", "lost")) } }
                        td { (time(worker.started_at)) }
                        // A heartbeat alone must not change the page.
                        td { @if worker.alive { "now" } @else { (time(worker.heartbeat_at)) } }
                    }
                } }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_end_with_the_one_under_way() {
        let now = DateTime::from_timestamp(1_790_000_123, 0).unwrap();
        for Range { step, bars: count, .. } in RANGES {
            let bounds = bounds(now, step, count);
            assert_eq!(bounds.len() - 1, usize::try_from(count).unwrap());
            assert!(bounds[bounds.len() - 2] <= now && now < bounds[bounds.len() - 1]);
            assert!(bounds.windows(2).all(|pair| pair[1] - pair[0] == step));
        }
    }

    #[test]
    fn ranks_are_of_times_that_were_there() {
        let times: Vec<TimeDelta> = (1..=100).map(TimeDelta::milliseconds).collect();
        assert_eq!(
            [50, 90, 99, 100].map(|percent| rank(&times, percent).unwrap().num_milliseconds()),
            [50, 90, 99, 100]
        );
        assert_eq!((rank(&times[..1], 50), rank(&[], 50)), (Some(times[0]), None));
    }
}
