//! The strip on top of the overview: what needs an operator's attention. It is empty when all is
//! well.

mod calls;
mod processes;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use maud::{Markup, html};

use self::calls::{REFUSED, open_breakers, refused_merchant, stuck_follow_ups};
use super::Pages;
use super::breakers::SeenBreaker;
use super::codes;
use super::counts::Counted;
use super::failure::Failure;
use super::links::link;
use super::pauses::whose;
use super::pieces::{at, number, orders};
use super::viewer::Viewer;
use crate::ids::MerchantName;
use crate::pauses::{Pause, PauseKind};
use crate::store::{Backlog, CodeCount, Endpoint, Overview, StoppedMerchant, WorkerView};
use crate::token::TokenState;

/// An order is stuck if it was accepted longer ago than this, and waits after a failed attempt or
/// for a worker.
const STUCK: TimeDelta = TimeDelta::minutes(1);
/// How far back failures are counted.
const LATELY: TimeDelta = TimeDelta::hours(1);
/// The keeper is late if a token has been due for longer than this.
const BEHIND: TimeDelta = TimeDelta::hours(1);
/// The most error codes that are listed.
const CODES: usize = 5;

/// One thing that needs attention.
pub(super) struct Item {
    /// The colour: `bad`, or `warn` for what can wait.
    pub(super) tone: &'static str,
    /// What is wrong, in a few words.
    pub(super) title: String,
    /// Details: numbers, causes, times.
    pub(super) about: Markup,
    /// The page that lists what is concerned.
    pub(super) href: String,
}

/// What the overview has read, which the strip needs too.
pub(super) struct Sources<'a> {
    pub(super) overview: &'a Overview,
    /// The processes that have not ended.
    pub(super) workers: &'a [WorkerView],
    pub(super) backlogs: &'a [&'a Backlog],
    pub(super) failing: &'a [Endpoint],
    /// The circuit breakers that are not closed, each with the name of its process.
    pub(super) breakers: &'a [SeenBreaker<'a>],
    pub(super) counts: &'a [Counted],
    /// What is paused, as far as the viewer may see it.
    pub(super) paused: &'a [Pause],
}

/// Returns everything that needs attention, the most urgent first.
pub(super) async fn items(
    pages: &Pages,
    viewer: &Viewer,
    sources: &Sources<'_>,
) -> Result<Vec<Item>, Failure> {
    let now = viewer.now;
    let (mut stuck, mut failed, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for merchant in viewer.scopes(pages, None) {
        let dashboard = &pages.deps.dashboard;
        stuck.extend(dashboard.waiting_codes(merchant.as_ref(), now - STUCK).await?);
        failed.extend(dashboard.failed_codes(merchant.as_ref(), now - LATELY).await?);
        refused.extend(dashboard.refused_merchants(merchant.as_ref()).await?);
    }
    stuck.retain(|code| code.code != REFUSED);
    let mut stopped = pages.deps.providers.stopped_merchants().await?;
    stopped.retain(|stopped| viewer.sees(&stopped.merchant));
    let mut items: Vec<Item> = refused.iter().map(refused_merchant).collect();
    items.extend(open_breakers(pages, sources).await?);
    items.extend(stopped.iter().map(stopped_merchant));
    items.extend(sources.paused.iter().map(pause));
    items.extend(no_worker(sources.overview));
    items.extend(unclaimed(pages, sources));
    items.extend(stuck_orders(&merged(stuck)));
    items.extend(failures(&merged(failed)));
    let follow_ups = sources.overview.follow_ups.iter().filter(|backlog| viewer.sees(&backlog.merchant));
    for backlog in follow_ups {
        items.extend(stuck_follow_ups(pages, backlog).await?);
    }
    items.extend(uncertain_tokens(sources.counts));
    items.extend(sources.failing.iter().map(failing_endpoint));
    items.extend(keeper_behind(sources.overview));
    if viewer.sees_all() {
        items.extend(processes::items(pages, sources, now));
    }
    // What cannot wait comes first.
    items.sort_by_key(|item| item.tone != "bad");
    Ok(items)
}

/// The strip. It is a part of the page even where it is empty, so that a page that updates itself
/// can show it.
pub(super) fn strip(items: &[Item]) -> Markup {
    html! {
        section.attention #attention data-live hidden[items.is_empty()] {
            h2 { "Needs attention" }
            ul.plain { @for item in items {
                li.(item.tone) {
                    a href=(item.href) { (item.title) }
                    span.about { (item.about) }
                }
            } }
        }
    }
}

fn stopped_merchant(stopped: &StoppedMerchant) -> Item {
    let merchant = stopped.merchant.as_str();
    Item {
        tone: "bad",
        title: format!("The refresh tokens of {merchant} are not used"),
        about: html! {
            "Stopped since " (at(stopped.since)) ", because those of " (number(stopped.rejections)) " users \
            were rejected in a row. Check token_url and client_id of the merchant. One token at a time is tried \
            until Klarna accepts one."
        },
        href: link("/users", &[("state", "reauth_required"), ("merchant", merchant)]),
    }
}

fn pause(pause: &Pause) -> Item {
    Item {
        tone: "warn",
        title: format!("The {} of {} are paused", pause.kind.named(), whose(pause.merchant.as_ref())),
        about: html! {
            "Since " (at(pause.since)) " by " (pause.paused_by)
            @if let Some(until) = pause.until { ", until " (at(until)) } @else { ", until it is resumed" }
            ": " (pause.reason)
        },
        href: "/pauses".to_owned(),
    }
}

fn no_worker(overview: &Overview) -> Option<Item> {
    (overview.workers == 0).then(|| Item {
        tone: "bad",
        title: "No worker is alive".to_owned(),
        about: html! { "Orders wait until a process with the role worker starts." },
        href: "/#workers".to_owned(),
    })
}

/// Merchants whose orders no worker takes although they are due. Those of a merchant whose orders
/// are paused wait because somebody wants it.
fn unclaimed(pages: &Pages, sources: &Sources<'_>) -> Vec<Item> {
    let late = sources.overview.now - STUCK;
    let is_paused =
        |merchant: &MerchantName| sources.paused.iter().any(|pause| pause.stops(PauseKind::Orders, merchant));
    let merchants_here = pages.deps.merchants.now();
    let backlogs = sources.backlogs.iter().filter(|backlog| !is_paused(&backlog.merchant));
    let item = |backlog: &&Backlog| {
        let oldest = backlog.oldest_due.filter(|due| *due <= late)?;
        let (merchant, running) = (backlog.merchant.as_str(), backlog.running);
        Some(Item {
            tone: "bad",
            title: format!("{} of {merchant} {} due but not started", orders(backlog.due), is(backlog.due)),
            about: html! {
                "The oldest has been due since " (at(oldest)) ". "
                @if sources.overview.workers == 0 { "No worker is alive." }
                @else if !merchants_here.contains_key(&backlog.merchant) {
                    "The settings of this process do not have " (merchant) "."
                }
                @else if running == 0 { "Workers are alive, but run no order of this merchant now." }
                @else { "The workers are busy: " (orders(running)) " of this merchant " (is(running)) " running now." }
            },
            href: link("/orders", &[("status", "queued"), ("merchant", merchant), ("due", "1")]),
        })
    };
    backlogs.filter_map(item).collect()
}

fn stuck_orders(codes: &[CodeCount]) -> Option<Item> {
    let oldest = codes.iter().map(|code| code.oldest).min()?;
    let total = codes.iter().map(|code| code.orders).sum();
    // The list, like the count, has no order that was accepted within `STUCK`.
    let list = |code: &str| link("/orders", &[("status", "queued"), ("error", code), ("until", "1m")]);
    Some(Item {
        tone: "warn",
        title: format!("{} {} waiting after a failed attempt", orders(total), is(total)),
        about: html! {
            "The oldest was accepted at " (at(oldest)) ". Causes: "
            (by_code(codes, list))
        },
        href: list(&codes.iter().map(|code| code.code.as_str()).collect::<Vec<_>>().join(" ")),
    })
}

fn failures(codes: &[CodeCount]) -> Option<Item> {
    let total: u64 = codes.iter().map(|code| code.orders).sum();
    let list = |code: &str| link("/orders", &[("status", "failed"), ("error", code), ("ended_since", "1h")]);
    (total > 0).then(|| Item {
        tone: "bad",
        title: format!("{} failed in the last hour", orders(total)),
        about: by_code(codes, list),
        href: link("/orders", &[("status", "failed"), ("ended_since", "1h")]),
    })
}

fn uncertain_tokens(counts: &[Counted]) -> Option<Item> {
    let counts = counts.iter().flatten().flat_map(|(_, counts)| counts.iter());
    let uncertain: u64 =
        counts.filter(|count| count.state == TokenState::Uncertain).map(|count| count.tokens).sum();
    (uncertain > 0).then(|| Item {
        tone: "warn",
        title: format!("{} uncertain {}", number(uncertain), if uncertain == 1 { "token" } else { "tokens" }),
        about: html! { "They are not used until an operator resolves them." },
        href: link("/users", &[("state", "uncertain")]),
    })
}

fn failing_endpoint(endpoint: &Endpoint) -> Item {
    let merchant = endpoint.merchant.as_str();
    let (tone, title) = match endpoint.disabled {
        Some(_) => ("bad", format!("The webhook endpoint of {merchant} is disabled")),
        None => ("warn", format!("The webhook endpoint of {merchant} is failing")),
    };
    let about = html! {
        @match (endpoint.disabled, endpoint.failing_since) {
            (Some((since, why)), _) => { "Since " (at(since)) ", " (why.as_str()) "." }
            (None, Some(since)) => { "Since " (at(since)) "." }
            (None, None) => {}
        }
    };
    Item { tone, title, about, href: link("/webhooks", &[("merchant", merchant)]) }
}

fn keeper_behind(overview: &Overview) -> Option<Item> {
    let due = overview.oldest_due_token.filter(|due| *due <= overview.now - BEHIND)?;
    Some(Item {
        tone: "warn",
        title: "The keeper is late".to_owned(),
        about: html! { "A token has been due for a refresh since " (at(due)) "." },
        href: link("/users", &[("state", "active")]),
    })
}

/// The verb of a number of orders.
fn is(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// Adds up what several merchants have, the most frequent code first.
fn merged(codes: Vec<CodeCount>) -> Vec<CodeCount> {
    let mut sums: BTreeMap<String, CodeCount> = BTreeMap::new();
    for code in codes {
        let sum = sums.entry(code.code.clone()).or_insert(CodeCount { orders: 0, ..code.clone() });
        sum.orders += code.orders;
        sum.oldest = sum.oldest.min(code.oldest);
    }
    let mut codes: Vec<CodeCount> = sums.into_values().collect();
    codes.sort_by_key(|code| std::cmp::Reverse(code.orders));
    codes
}

fn by_code(counts: &[CodeCount], list: impl Fn(&str) -> String) -> Markup {
    html! {
        @for (place, code) in counts.iter().take(CODES).enumerate() {
            @if place > 0 { ", " }
            span.together { a href=(list(&code.code)) { (codes::shown(&code.code)) } " " (number(code.orders)) }
        }
        @if counts.len() > CODES { ", and " (counts.len() - CODES) " other codes" }
    }
}
