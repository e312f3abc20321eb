//! Calls to Klarna that wait, and merchants that it refuses.

use std::collections::BTreeMap;

use maud::html;

use super::{Item, Sources};
use crate::breaker::{BreakerState, OpenBreaker};
use crate::pages::links::link;
use crate::pages::pieces::{at, number, orders};
use crate::store::{Backlog, RefusedMerchant};

/// The error code of orders that wait because Klarna refuses their merchant.
pub(super) const REFUSED: &str = "klarna_refused_merchant";

/// Returns the item of a merchant whose orders Klarna refuses for its settings, however few they are: no order of
/// the merchant will do better until somebody corrects them.
pub(super) fn refused_merchant(refused: &RefusedMerchant) -> Item {
    let merchant = refused.merchant.as_str();
    Item {
        tone: "bad",
        title: format!("Klarna refuses the merchant {merchant}"),
        about: html! {
            (number(refused.orders)) @if refused.orders == 1 { " order waits" } @else { " orders wait" }
            ", the oldest accepted at " (at(refused.oldest)) ". " (refused.error.message)
        },
        href: link("/orders", &[("status", "queued"), ("merchant", merchant), ("error", REFUSED)]),
    }
}

/// Returns an item for each endpoint of a merchant, however many processes have its breaker open.
pub(super) fn open_breakers(sources: &Sources<'_>) -> Vec<Item> {
    let mut endpoints = BTreeMap::<(&str, &str), Vec<&OpenBreaker>>::new();
    for (_, breaker) in sources.breakers {
        endpoints.entry((&breaker.merchant, &breaker.endpoint)).or_default().push(breaker);
    }
    endpoints.values().filter_map(|processes| breaker_item(processes, sources.backlogs)).collect()
}

fn breaker_item(processes: &[&OpenBreaker], backlogs: &[&Backlog]) -> Option<Item> {
    let calls_wait = |breaker: &&&OpenBreaker| breaker.state != BreakerState::HalfOpen;
    let waiting: Vec<&OpenBreaker> = processes.iter().filter(calls_wait).copied().collect();
    if waiting.is_empty() {
        return processes.iter().min_by_key(|breaker| breaker.since).map(|first| half_open(first));
    }
    let processes = waiting;
    let first = processes.iter().min_by_key(|breaker| breaker.since)?;
    let backlog = backlogs.iter().find(|backlog| backlog.merchant.as_str() == first.merchant);
    let delayed = backlog.map_or(0, |backlog| backlog.delayed);
    let next_try = processes.iter().map(|breaker| breaker.next_try).min()?;
    Some(Item {
        tone: "bad",
        title: format!("No calls to {} for {}", first.endpoint, first.merchant),
        about: html! {
            @if first.state == BreakerState::Closed { "Calls " }
            @else if processes.len() > 1 { "The circuit breakers " } @else { "The circuit breaker " }
            @if processes.len() > 1 { "of " (processes.len()) " processes " }
            @if first.state == BreakerState::Closed { "have waited" } @else if processes.len() > 1 { "have been open" }
            @else { "has been open" }
            " since " (at(first.since)) ": " (first.cause) ". "
            @if first.state == BreakerState::Probing { "A call is being tried." }
            @else { "Next try at " (at(next_try)) "." }
            @if delayed > 0 {
                " " (orders(delayed)) " of this merchant " @if delayed == 1 { "waits" } @else { "wait" } " for the next try."
            }
        },
        href: link("/orders", &[("status", "queued"), ("merchant", &first.merchant)]),
    })
}

/// Returns the item of an endpoint that no call has tried since its pause was over.
fn half_open(breaker: &OpenBreaker) -> Item {
    Item {
        tone: "warn",
        title: format!("Calls to {} for {} failed before", breaker.endpoint, breaker.merchant),
        about: html! {
            "Since " (at(breaker.since)) ": " (breaker.cause) ". The pause is over, and no call has come since: \
            the circuit breaker is half-open, and the next call decides."
        },
        href: link("/orders", &[("merchant", &breaker.merchant)]),
    }
}
