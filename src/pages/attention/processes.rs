//! What only a process itself knows: files in its spool, dropped log lines, its clock, and a failed
//! reload. This process asks itself, and other living ones have told the database.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::{Item, Sources};
use crate::pages::Pages;
use crate::pages::pieces::{at, counted, number, span};
use crate::store::{ProcessFacts, ReloadFailure};

/// From how many whole seconds on it is told that the clocks of the database and of a process
/// differ.
const SKEW: u64 = 2;
/// A difference that is longer is told as this one: a hundred years.
const MOST_SECONDS: i64 = 100 * 366 * 24 * 3600;
/// The most processes that an item names.
const NAMED: usize = 5;
/// Where the overview lists the processes.
const LIST: &str = "/#workers";

/// A fact of a process.
struct OfProcess<'a, T> {
    process: &'a str,
    value: &'a T,
}

/// Only for viewers of all merchants: a reason may name one.
pub(super) fn items(pages: &Pages, sources: &Sources<'_>, now: DateTime<Utc>) -> Vec<Item> {
    let apart = (sources.overview.now - now).abs().num_seconds();
    let own = ProcessFacts { clock_off_seconds: u64::try_from(apart).unwrap_or(0), ..(pages.deps.facts)() };
    let others = sources.workers.iter().filter(|worker| worker.alive && pages.is_other(worker));
    let mut facts = vec![OfProcess { process: &pages.deps.process, value: &own }];
    facts.extend(others.map(|worker| OfProcess { process: &worker.name, value: &worker.facts }));
    let items = [spools(&facts), differing_clocks(&facts), dropped_lines(&facts)];
    let mut items: Vec<Item> = items.into_iter().flatten().collect();
    let mut reloads = BTreeMap::<&str, Vec<OfProcess<'_, ReloadFailure>>>::new();
    for OfProcess { process, value } in &facts {
        if let Some(failed) = &value.failed_reload {
            reloads.entry(&failed.reason).or_default().push(OfProcess { process, value: failed });
        }
    }
    items.extend(reloads.values().filter_map(|failed| failed_reload(failed)));
    items
}

fn spools(facts: &[OfProcess<'_, ProcessFacts>]) -> Option<Item> {
    let with: Vec<_> = facts.iter().filter(|fact| fact.value.spool_files > 0).collect();
    let files: usize = with.iter().map(|fact| fact.value.spool_files).sum();
    (files > 0).then(|| Item {
        tone: "bad",
        title: format!("{} in the spool", counted(files as u64, "file")),
        about: html! {
            (listed(&with, |fact| html! { (fact.process) ": " (number(fact.value.spool_files)) }))
            ". The database has not stored these tokens or results yet. Do not delete the instance folder there."
        },
        href: LIST.to_owned(),
    })
}

fn differing_clocks(facts: &[OfProcess<'_, ProcessFacts>]) -> Option<Item> {
    let off: Vec<_> = facts.iter().filter(|fact| fact.value.clock_off_seconds >= SKEW).collect();
    let time = |seconds: u64| TimeDelta::seconds(i64::try_from(seconds).unwrap_or(0).min(MOST_SECONDS));
    (!off.is_empty()).then(|| Item {
        tone: "warn",
        title: "The clocks differ".to_owned(),
        about: html! {
            "From the clock of the database, by process: "
            (listed(&off, |fact| html! { (fact.process) ": " (span(time(fact.value.clock_off_seconds))) }))
            ". Times on these pages may be wrong."
        },
        href: LIST.to_owned(),
    })
}

fn dropped_lines(facts: &[OfProcess<'_, ProcessFacts>]) -> Option<Item> {
    let with: Vec<_> = facts.iter().filter(|fact| fact.value.dropped_lines > 0).collect();
    (!with.is_empty()).then(|| Item {
        tone: "warn",
        title: "Log lines were dropped".to_owned(),
        about: html! {
            (listed(&with, |fact| html! { (fact.process) ": " (number(fact.value.dropped_lines)) }))
            " since its start, because standard error was not read fast enough."
        },
        href: LIST.to_owned(),
    })
}

/// Reloads that failed for the same reason.
fn failed_reload(failed: &[OfProcess<'_, ReloadFailure>]) -> Option<Item> {
    let first = failed.first()?.value;
    Some(Item {
        tone: "bad",
        title: "The settings could not be reloaded".to_owned(),
        about: html! {
            "Tried at " (at(first.at)) " by " (listed(failed, |fact| html! { (fact.process) })) ". "
            @if failed.len() == 1 { "It goes" } @else { "They go" }
            " on with the settings that were read at " (at(first.settings_read_at)) ". " (faults(&first.reason))
        },
        href: LIST.to_owned(),
    })
}

/// Why settings were refused. Several faults are lines.
fn faults(reason: &str) -> Markup {
    let lines: Vec<&str> = reason.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    html! {
        @if let Some((first, rest)) = lines.split_first() {
            (first) @if !rest.is_empty() { ul { @for line in rest { li { (line) } } } }
        }
    }
}

/// The first processes, and how many more there are.
fn listed<T>(processes: &[T], show: impl Fn(&T) -> Markup) -> Markup {
    html! {
        @for (place, process) in processes.iter().take(NAMED).enumerate() {
            @if place > 0 { ", " }
            (show(process))
        }
        @if processes.len() > NAMED { " and " (processes.len() - NAMED) " others" }
    }
}
