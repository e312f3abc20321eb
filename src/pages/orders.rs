//! The list of orders, as a page and as a file.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::Pages;
use super::codes;
use super::failure::Failure;
use super::fields::Fields;
use super::frame::MenuItem;
use super::links::user_link;
use super::order_tabs::{self, FIELDS, Totals, WITHOUT};
use super::pauses;
use super::pieces::{
    amount, at_klarna, cell, choice, col, command, count_cell, count_col, done, field_name, filter_form,
    line, moment, older, order_link, outcome, reference, select_all, status, time,
};
use super::viewer::{Viewer, see};
use crate::ids::MerchantName;
use crate::order::{FollowUpState, OrderId, OrderView, Status, Target, TokenOutcome};
use crate::pauses::{Pause, PauseKind};
use crate::store::OrderFilter;

/// The values of `token` that stand for several outcomes.
const TOKEN: [(&str, bool); 2] = [("with", true), ("without", false)];

/// Orders on one page.
const PAGE: u32 = 50;

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let query = &viewer.query;
    let merchant: Option<MerchantName> = query.name("merchant")?;
    // One more than shown, to know whether there is another page.
    let search = OrderFilter { limit: PAGE + 1, ..search(query, viewer.now)? };
    let orders = found(&pages, &viewer, merchant.as_ref(), &search).await?;
    // A search that finds one order alone, before it is shown, opens it.
    if let ([order], true) = (&orders[..], viewer.searches_alone()) {
        return Ok(see(&format!("/orders/{}", order.id)));
    }
    let totals = Totals::of(&pages, &viewer, merchant.as_ref(), &search).await?;
    let more = orders.len() > PAGE as usize;
    let orders = &orders[..orders.len().min(PAGE as usize)];
    let next = orders.last().filter(|_| more).map(|last| last.id.to_string());
    let pauses = pauses::seen(&pages, &viewer).await?;
    let selectable = !orders.is_empty() && viewer.may_act() && order_tabs::has_actions(query);
    let main = html! {
        div.heading { h1 { "Orders" }
            div.actions { a.button href=(query.link("/orders.csv", &[("before", ""), ("done", "")])) { "CSV" } }
        }
        (done(query))
        (filters(&pages, &viewer))
        @if let Some(orders) = query.get("order") {
            p.quiet { "Only orders that were selected or changed: " (orders.split(' ').count()) ". "
                a href="/orders" { "Show all orders" } }
        }
        (order_tabs::saved())
        div #totals data-live { (totals.tabs(query)) }
        @if selectable { (totals.bulk(query)) }
        section #list data-live[search.before.is_none()] {
            @if orders.is_empty() { (none(query)) } @else { (table(orders, selectable, &pauses, viewer.now)) }
            (older(query, "/orders", search.before.is_some(), next.as_deref()))
        }
    };
    Ok(viewer.answer(MenuItem::Orders, "Orders", &main))
}

/// Reads which orders are chosen, without their merchant and the limit.
pub(super) fn search(query: &Fields, now: DateTime<Utc>) -> Result<OrderFilter, Failure> {
    let ids = query
        .word("order", |ids| ids.split(' ').map(|id| id.parse().ok()).collect::<Option<Vec<OrderId>>>())?;
    let name: Option<String> = query.name("q")?;
    let with_token = TOKEN.iter().find(|(word, _)| query.get("token") == Some(*word)).map(|(_, with)| *with);
    Ok(OrderFilter {
        status: query.one_of("status", Status::ALL, Status::as_str)?,
        user: query.name("user")?,
        target: query.one_of("target", Target::ALL, Target::as_str)?,
        token: match with_token {
            Some(_) => None,
            None => query.one_of("token", TokenOutcome::ALL, TokenOutcome::as_str)?,
        },
        with_token,
        fails_again: query.get("again").map(|value| value != WITHOUT),
        error: query.name("error")?,
        name: name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        duplicates: query.get("duplicates").map(|value| value != WITHOUT),
        follow_ups: query.one_of("follow_ups", FollowUpState::ALL, FollowUpState::as_str)?,
        since: query.time("from", now)?,
        until: query.time("until", now)?,
        ended_since: query.time("ended_since", now)?,
        ended_until: query.time("ended_until", now)?,
        ids,
        before: query.word("before", |word| word.parse().ok())?,
        ..OrderFilter::default()
    })
}

/// Returns the orders of all merchants that the viewer may see.
pub(super) async fn found(
    pages: &Pages,
    viewer: &Viewer,
    merchant: Option<&MerchantName>,
    search: &OrderFilter,
) -> Result<Vec<OrderView>, Failure> {
    let mut orders = Vec::new();
    for merchant in viewer.scopes(pages, merchant) {
        orders.extend(pages.deps.orders.orders(&OrderFilter { merchant, ..search.clone() }).await?);
    }
    orders.sort_by_key(|order| std::cmp::Reverse(order.id));
    orders.truncate(search.limit as usize);
    Ok(orders)
}

fn filters(pages: &Pages, viewer: &Viewer) -> Markup {
    let (query, now) = (&viewer.query, viewer.now);
    let fields = html! {
            (line(query, "q", field_name("q"), "search"))
            @if let Some(status) = query.get("status") { input type="hidden" name="status" value=(status); }
            @let outcomes = TOKEN.map(|(word, _)| word).into_iter().chain(TokenOutcome::ALL.map(TokenOutcome::as_str));
            (choice(query, "token", "Token", "any", outcomes))
            (choice(query, "target", "Target", "any", Target::ALL.map(Target::as_str)))
            (choice(query, "merchant", "Merchant", "all", viewer.merchants(pages)))
            (line(query, "user", "User", "search"))
            label { span { (field_name("error")) }
                input type="text" name="error" value=[query.get("error")] list="codes" autocomplete="off";
            }
            (codes::suggested("codes"))
            (choice(query, "follow_ups", "Follow-ups", "any", FollowUpState::ALL.map(FollowUpState::as_str)))
            (moment(query, "from", field_name("from"), now))
            (moment(query, "until", field_name("until"), now))
            (moment(query, "ended_since", field_name("ended_since"), now))
            (moment(query, "ended_until", field_name("ended_until"), now))
            label { span { (field_name("duplicates")) }
                @let chosen = query.get("duplicates");
                select name="duplicates" {
                    option value="" { "any" }
                    option value="1" selected[chosen.is_some_and(|chosen| chosen != WITHOUT)] { "only these" }
                    option value=(WITHOUT) selected[chosen == Some(WITHOUT)] { "without these" }
                }
            }
    };
    filter_form("/orders", query, &FIELDS, &fields)
}

/// What to do where no order is listed.
fn none(query: &Fields) -> Markup {
    if FIELDS.into_iter().any(|name| query.get(name).is_some()) || query.get("before").is_some() {
        return html! {
            p.quiet.empty {
                "No orders match. "
                @if let Some(name) = query.get("q") {
                    "An order is found by its whole id, idempotency key, reference or user: none is exactly " b { (name) }
                    ", with these capital and small letters"
                    @if query.names().count() > 1 { ", and matches the other filters" } ". "
                }
                a href="/orders" { "Show all orders" }
            }
        };
    }
    html! {
        p.empty { "No orders yet. Submit the first one from a file with one order a line:" }
        (command("klarna-order-worker enqueue orders.jsonl"))
    }
}

/// A table of orders, with boxes to select them if `selectable`.
pub(super) fn table(orders: &[OrderView], selectable: bool, pauses: &[Pause], now: DateTime<Utc>) -> Markup {
    // When they go on is more interesting than what they have not got yet.
    let wait = orders.iter().all(|order| order.status == Status::Queued);
    html! {
        @if orders.is_empty() { p.quiet.empty { "No orders." } }
        @else {
            div.scroll { table.list.orders {
                thead { tr {
                    @if selectable { (select_all()) }
                    (col("Order")) (col("Status")) (count_col("Amount")) (col("Reference")) (col("User"))
                    (col("Merchant")) (col("Age")) (col("Cause"))
                    @if wait { (col("Next try")) (col("Deadline")) } @else { (col("Token")) }
                    (count_col("Attempts"))
                } }
                tbody { @for order in orders { tr {
                    @if selectable { td.select { (select(order.id)) } }
                    (cell("Order", &order_link(order.id)))
                    (cell("Status", &html! { span { (status(order.status)) (at_klarna(order.session.as_ref()))
                        @if order.possible_duplicate {
                            " " span.badge.warn title="Klarna may have this order twice" { "duplicate?" }
                        } } }))
                    (count_cell("Amount", &amount(&order.summary)))
                    td.name data-label="Reference" { @if let Some(reference) = reference(order) {
                        a href={ "/orders/" (order.id) } { (reference) }
                    } }
                    td.name data-label="User" {
                        a href=(user_link(&order.merchant, &order.user)) { (order.user) } }
                    (cell("Merchant", &html! { (order.merchant) }))
                    (cell("Age", &time(order.accepted_at)))
                    @let held = pauses.iter().find(|pause| holds(pause, order));
                    (cell("Cause", &cause(order, held)))
                    @if wait {
                        (cell("Next try", &next_try(order, held, now)))
                        (cell("Deadline", &time(order.deadline_at)))
                    } @else { (cell("Token", &outcome(order.token))) }
                    (count_cell("Attempts", &order.attempts.to_string()))
                } } }
            } }
        }
    }
}

/// Whether a pause is why an order waits.
fn holds(pause: &Pause, order: &OrderView) -> bool {
    order.status == Status::Queued && pause.stops(PauseKind::Orders, &order.merchant)
}

/// Why an order failed or waits: an operator's pause, or else its last error.
fn cause(order: &OrderView, held: Option<&Pause>) -> Markup {
    html! {
        @if let Some(pause) = held { a href="/pauses" title=(pause.reason) { "paused by " (pause.paused_by) } }
        @else if let Some(error) = &order.error { span title=(error.message) { (codes::shown(&error.code)) } }
    }
}

/// When an order is tried next. A time that has passed says nothing.
fn next_try(order: &OrderView, held: Option<&Pause>, now: DateTime<Utc>) -> Markup {
    match held.map(|pause| pause.until) {
        Some(Some(until)) => html! { "after the pause, " (time(until.max(order.due_at))) },
        Some(None) => html! { "when it is resumed" },
        None if order.due_at <= now => html! { "due" },
        None => time(order.due_at),
    }
}

fn select(order: OrderId) -> Markup {
    html! { input type="checkbox" name="order" value=(order) form="bulk" aria-label={ "Select " (order) }; }
}
