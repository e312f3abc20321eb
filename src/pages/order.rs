//! The page of one order: its status, and what happened to it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::codes::{self, next_step};
use super::failure::Failure;
use super::frame::MenuItem;
use super::links::{link, user_link};
use super::pauses;
use super::pieces::{
    amount, at, badge, col, done, exact_time, facts, outcome, reference, status, time, to_copy,
};
use super::viewer::Viewer;
use super::webhooks;
use crate::history::{History, OrderEvent, Sources, Tone};
use crate::order::{OrderError, OrderId, OrderResult, OrderView, PaymentsSession, Status, Summary, Target};

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let order = find(&pages, &viewer, &id).await?;
    let deps = &pages.deps;
    let from = Sources {
        dashboard: &*deps.dashboard,
        registry: Some(&deps.registry),
        webhooks: &*deps.webhooks,
        who_paused: true,
    };
    let history = History::read(&from, &order, viewer.now).await?;
    let waits = pauses::why(&order, &pauses::seen(&pages, &viewer).await?, &viewer);
    let main = html! {
        (heading(&order, history.past.has_body, &viewer))
        (done(&viewer.query))
        section #waits data-live hidden[waits.0.is_empty()] { (waits) }
        @if let Some(error) = &order.error { section #error data-live { (trouble(&order, error, &history)) } }
        section #order data-live { (describe(&order, &history)) }
        section #history data-live {
            h2 { "History " span.quiet { "(UTC)" } }
            (line(&history.events))
            @if viewer.sees_all() {
                p.note { a href=(link("/audit", &[("object", &order.id.to_string())])) { "In the audit log" } }
            }
        }
        @if order.klarna_id.is_some() || order.result.is_some() {
            section #answer data-live { h2 { "Answer to the shop" } (answer(&order)) }
        }
        section #webhooks data-live { h2 { "Webhooks" } (webhooks::table(&history.webhooks, viewer.may_act())) }
    };
    Ok(viewer.answer(MenuItem::Orders, "Order", &main))
}

/// The order's name, and what the viewer may do with it.
fn heading(order: &OrderView, has_body: bool, viewer: &Viewer) -> Markup {
    html! {
        div.heading {
            div {
                p.crumb { a href="/orders" { "Orders" } }
                @if let Some(name) = reference(order) {
                    h1 { (name) }
                    p.crumb { (to_copy(&order.id.to_string())) }
                } @else { h1.id { (order.id) } }
            }
            @if viewer.may_act() { div.actions {
                @if order.status == Status::Failed && has_body {
                    a.button href={ "/orders/" (order.id) "/retry" } { "Retry…" }
                }
                @if order.status == Status::Queued {
                    a.button.danger href={ "/orders/" (order.id) "/cancel" } { "Cancel…" }
                }
            } }
        }
    }
}

/// The order's error, and what to do about it.
fn trouble(order: &OrderView, error: &OrderError, history: &History) -> Markup {
    let title = match order.status {
        Status::Failed => "Why it failed",
        Status::Queued => "Why it is still waiting",
        Status::Running | Status::Submitted | Status::Cancelled => "Why the last attempt failed",
    };
    let last = history.past.attempts.last().filter(|_| order.status == Status::Queued);
    html! {
        h2 { (title) }
        @if let Some(attempt) = last { p.quiet { "As it was at " (at(attempt.ended_at)) "." } }
        (fault(error))
        (next_step(&error.code, order.status, order.possible_duplicate))
    }
}

/// Returns the order, if the viewer may see it.
pub(super) async fn find(pages: &Pages, viewer: &Viewer, id: &str) -> Result<OrderView, Failure> {
    let missing =
        "Order not found. Orders are deleted some time after their end (the setting retention.orders).";
    let Ok(id) = id.parse::<OrderId>() else {
        return Err(Failure::NotFound(
            "This is not the id of an order. Search for it on the page of all orders.",
        ));
    };
    let found = pages.deps.orders.order(id).await?.ok_or(Failure::NotFound(missing))?;
    if viewer.sees(&found.merchant) { Ok(found) } else { Err(Failure::NotForKey(missing)) }
}

fn describe(order: &OrderView, history: &History) -> Markup {
    html! {
        (facts(&named_facts(order, history)))
        (pointers("prefilled", "Prefilled from the id_token", order.prefilled.filled()))
        (pointers(
            "prefill-withdrawn",
            "Taken back, because Klarna refused the order with these prefilled fields",
            order.prefilled.withdrawn(),
        ))
    }
}

/// The facts about the order, each with its name.
fn named_facts(order: &OrderView, history: &History) -> Vec<(&'static str, Markup)> {
    let mut facts = first_facts(order, history);
    if order.status == Status::Queued {
        facts.push(("Due", time(order.due_at)));
    }
    facts.push(match order.ended_at {
        Some(ended) => ("Ended", time(ended)),
        None => ("Deadline", time(order.deadline_at)),
    });
    facts.push((
        "Attempts",
        html! { (order.attempts)
        @if history.past.retried_at().is_some() { span.quiet { " since it was retried" } } },
    ));
    for (name, other) in [("Supersedes", order.supersedes), ("Superseded by", order.superseded_by)] {
        if let Some(other) = other {
            facts.push((name, html! { a href={ "/orders/" (other) } { code { (other) } } }));
        }
    }
    if order.possible_duplicate {
        facts.push((
            "Possible duplicate",
            html! { (badge("warn", "yes")) " "
            span title="An attempt got no answer, or one such as HTTP 503" { "Klarna may have this order already" } },
        ));
    }
    if let Some(session) = &order.session {
        let read = html! { (session.phase) " (" (session.status) "), read at " (at(session.read_at)) };
        facts.push(("At Klarna", read));
    }
    if let Some(correlation) = &order.correlation_id {
        facts.push(("Klarna's correlation id", to_copy(correlation)));
    }
    facts
}

/// The first of them: the order's state, and what the shop submitted.
fn first_facts(order: &OrderView, history: &History) -> Vec<(&'static str, Markup)> {
    let text = |text: &str| html! { (text) };
    let mut facts = vec![
        ("Status", html! { (status(order.status)) }),
        (
            "Token",
            html! {
                @let cause = &history.token_cause;
                @if order.token.is_some() || cause.is_none() { (outcome(order.token)) " " }
                @if let Some(cause) = cause { "its exchange was " (cause) }
            },
        ),
        ("Target", text(order.target.map_or("as the merchant's settings say", Target::as_str))),
        ("Merchant", text(order.merchant.as_str())),
        ("User", html! { a href=(user_link(&order.merchant, &order.user)) { (order.user) } }),
        ("Accepted", time(order.accepted_at)),
    ];
    let Summary { merchant_reference1, merchant_reference2, order_amount, .. } = &order.summary;
    if order_amount.is_some() {
        facts.push(("Amount", html! { (amount(&order.summary)) }));
    }
    let names = [
        ("Idempotency key", &order.idempotency_key),
        ("Merchant reference 1", merchant_reference1),
        ("Merchant reference 2", merchant_reference2),
    ];
    for (name, value) in names {
        if let Some(value) = value {
            facts.push((name, to_copy(value)));
        }
    }
    facts
}

/// What happened to the order, oldest first.
fn line(events: &[OrderEvent]) -> Markup {
    let tone = |event: &OrderEvent| match event.tone {
        Tone::Calm => "calm",
        Tone::Busy => "busy",
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Off => "off",
    };
    html! {
        ol.history { @for event in events {
            li.(tone(event)) { span.when { (exact_time(event.at)) } span.what { (sentence(&event.what)) } }
        } }
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn pointers(id: &str, what: &str, pointers: &[String]) -> Markup {
    html! {
        @if !pointers.is_empty() {
            details id=(id) {
                summary { (what) ": " (pointers.len()) " fields" }
                ul.plain { @for pointer in pointers { li { code { (pointer) } } } }
            }
        }
    }
}

fn fault(error: &OrderError) -> Markup {
    html! {
        p { span.badge.bad { (codes::shown(&error.code)) } " " (error.message) }
        @if let Some(correlation) = &error.correlation_id {
            p.quiet { "Klarna's correlation id: " (to_copy(correlation)) }
        }
        @if !error.faults.is_empty() {
            div.scroll tabindex="0" role="group" aria-label="Faults" { table {
                thead { tr { (col("Where")) (col("Fault")) } }
                tbody { @for fault in &error.faults {
                    tr { td { code { (fault.pointer) } } td { (fault.message) } }
                } }
            } }
        }
    }
}

/// Klarna's answer. A snippet of Checkout runs in a shopper's browser; here it is shown as text,
/// folded. A client token of Klarna Payments is not shown: it opens the shopper's session.
fn answer(order: &OrderView) -> Markup {
    let id = match order.target {
        Some(Target::Payments) => "Klarna's session",
        Some(Target::Checkout) | None => "Klarna's order",
    };
    html! {
        @if let Some(klarna_id) = &order.klarna_id { (facts(&[(id, to_copy(klarna_id))])) }
        @match &order.result {
            Some(OrderResult::Checkout { html_snippet }) => {
                details #snippet { summary { "Show the snippet as text" } pre.snippet tabindex="0" { (html_snippet) } }
            }
            Some(OrderResult::Payments(session)) => {
                p.quiet { "Payment methods: " (payment_methods(session)) ". The client token is not shown here." }
            }
            None => { p.quiet { "What the shop got for the shopper's browser has been deleted (the setting \
                retention.bodies)." } }
        }
    }
}

fn payment_methods(session: &PaymentsSession) -> String {
    let categories = session.payment_method_categories.as_array().map_or(&[][..], Vec::as_slice);
    let names: Vec<&str> = categories.iter().filter_map(|category| category["identifier"].as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
