//! Calls to Klarna that wait, and merchants that it refuses.

use std::collections::BTreeMap;

use maud::html;

use super::{Item, Sources};
use crate::breaker::{BreakerState, Endpoint, WaitingBreaker};
use crate::order::{FollowUpState, Status, Target};
use crate::pages::Pages;
use crate::pages::breakers::SeenBreaker;
use crate::pages::failure::Failure;
use crate::pages::links::link;
use crate::pages::order_tabs::COUNTED;
use crate::pages::pieces::{at, number, orders};
use crate::store::{FollowUpBacklog, OrderFilter, RefusedMerchant};

/// The error code of orders that wait because Klarna refuses their merchant.
pub(super) const REFUSED: &str = "klarna_refused_merchant";

/// Returns the item of a merchant whose orders Klarna refuses for its settings, however few they
/// are: no order of the merchant will do better until somebody corrects them.
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
pub(super) async fn open_breakers(pages: &Pages, sources: &Sources<'_>) -> Result<Vec<Item>, Failure> {
    let mut endpoints = BTreeMap::<(&str, &str), Vec<&WaitingBreaker>>::new();
    for SeenBreaker { breaker, .. } in sources.breakers {
        let key = (breaker.merchant.as_str(), breaker.endpoint.as_str());
        endpoints.entry(key).or_default().push(breaker);
    }
    let mut items = Vec::new();
    for ((merchant, endpoint), processes) in endpoints {
        // Orders for Checkout do not wait for Payments.
        let target = endpoint.parse::<Target>().ok();
        let filter = OrderFilter {
            status: Some(Status::Queued),
            merchant: Some(merchant.into()),
            target,
            ..OrderFilter::default()
        };
        let waits = Endpoint::from_word(endpoint).is_ok_and(Endpoint::is_for_new_orders);
        let queued = if waits { pages.deps.orders.count_orders_up_to(&filter, COUNTED).await? } else { 0 };
        let mut list = vec![("status", "queued"), ("merchant", merchant)];
        list.extend(target.map(|target| ("target", target.as_str())));
        items.extend(breaker_item(&processes, queued, link("/orders", &list)));
    }
    Ok(items)
}

fn breaker_item(processes: &[&WaitingBreaker], queued: u64, href: String) -> Option<Item> {
    let calls_wait = |breaker: &&&WaitingBreaker| breaker.state != BreakerState::HalfOpen;
    let waiting: Vec<&WaitingBreaker> = processes.iter().filter(calls_wait).copied().collect();
    if waiting.is_empty() {
        return processes.iter().min_by_key(|breaker| breaker.since).map(|first| half_open(first));
    }
    let processes = waiting;
    let first = processes.iter().min_by_key(|breaker| breaker.since)?;
    let next_try = processes.iter().map(|breaker| breaker.next_try).min()?;
    Some(Item {
        tone: "bad",
        title: format!("No calls to {} for {}", first.endpoint.as_str(), first.merchant),
        about: html! {
            @if first.state == BreakerState::Closed { "Calls " }
            @else if processes.len() > 1 { "The circuit breakers " } @else { "The circuit breaker " }
            @if processes.len() > 1 { "of " (processes.len()) " processes " }
            @if first.state == BreakerState::Closed { "have waited" } @else if processes.len() > 1 { "have been open" }
            @else { "has been open" }
            " since " (at(first.since)) ": " (first.cause) ". "
            @if first.state == BreakerState::Probing { "A call is being tried." }
            @else { "Next try at " (at(next_try)) "." }
            @if queued > 0 {
                " Queued for it: " (orders(queued)) @if queued >= u64::from(COUNTED) { " or more" } "."
            }
        },
        href,
    })
}

/// Returns the item of an endpoint that no call has tried since its pause was over.
fn half_open(breaker: &WaitingBreaker) -> Item {
    Item {
        tone: "warn",
        title: format!("Calls to {} for {} failed before", breaker.endpoint.as_str(), breaker.merchant),
        about: html! {
            "Since " (at(breaker.since)) ": " (breaker.cause) ". The pause is over, and no call has come since: \
            the circuit breaker is half-open, and the next call decides."
        },
        href: link("/orders", &[("merchant", breaker.merchant.as_str())]),
    }
}

/// Returns the item of calls about a merchant's submitted orders that do not succeed: nobody knows
/// whether these orders are paid, or Klarna does not know that the shop has taken note. It counts
/// orders, as the list does, which has them from the first failure on.
pub(super) async fn stuck_follow_ups(
    pages: &Pages,
    backlog: &FollowUpBacklog,
) -> Result<Option<Item>, Failure> {
    let Some(example) = &backlog.example else { return Ok(None) };
    let merchant = backlog.merchant.as_str();
    let count = async |state| {
        let filter = OrderFilter {
            status: Some(Status::Submitted),
            merchant: Some(merchant.into()),
            follow_ups: Some(state),
            ..OrderFilter::default()
        };
        pages.deps.orders.count_orders_up_to(&filter, COUNTED).await
    };
    let (failing, given_up) = (count(FollowUpState::Failing).await?, count(FollowUpState::GivenUp).await?);
    let list =
        |state: FollowUpState| link("/orders", &[("follow_ups", state.as_str()), ("merchant", merchant)]);
    Ok(Some(Item {
        tone: if backlog.given_up > 0 { "bad" } else { "warn" },
        title: match failing {
            0 => format!("Calls about unknown orders of {merchant} failed"),
            _ => format!("Calls about {} of {merchant} failed", orders(failing)),
        },
        about: html! {
            "For example that about Klarna's order " (example.klarna_id) ": " (example.error) ". "
            @if given_up > 0 {
                "Those about " a href=(list(FollowUpState::GivenUp)) { (orders(given_up)) } " were given up \
                    after two days. When the cause is mended, retry the follow-ups of these orders."
            } @else if backlog.given_up == 0 { "They are tried for two days." }
        },
        href: list(FollowUpState::Failing),
    }))
}
