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
use super::pieces::{
    amount, at_klarna, cell, choice, col, command, count_cell, count_col, done, field_name, filter_form,
    line, moment, older, order_link, outcome, reference, select_all, status, time,
};
use super::viewer::{Viewer, see};
use crate::ids::MerchantName;
use crate::order::{FollowUpState, OrderId, OrderView, Status, Target, TokenOutcome};
use crate::store::OrderFilter;

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
    let selectable = viewer.may_act() && order_tabs::has_actions(query);
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
            @if orders.is_empty() { (none(query)) } @else { (table(orders, selectable)) }
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
    Ok(OrderFilter {
        status: query.one_of("status", Status::ALL, Status::as_str)?,
        user: query.name("user")?,
        target: query.one_of("target", Target::ALL, Target::as_str)?,
        token: query.one_of("token", TokenOutcome::ALL, TokenOutcome::as_str)?,
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
            (choice(query, "token", "Token", "any", TokenOutcome::ALL.map(TokenOutcome::as_str)))
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
        return html! { p.quiet.empty { "No orders match. " a href="/orders" { "Show all orders" } } };
    }
    html! {
        p.empty { "No orders yet. Submit the first one from a file with one order a line:" }
        (command("klarna-order-worker enqueue orders.jsonl"))
    }
}

/// A table of orders, with boxes to select them if `selectable`.
pub(super) fn table(orders: &[OrderView], selectable: bool) -> Markup {
    // When they go on is more interesting than what they have not got yet.
    let wait = orders.iter().all(|order| order.status == Status::Queued);
    html! {
        @if orders.is_empty() { p.quiet.empty { "No orders." } }
        @else {
            div.scroll { table.list {
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
                    (cell("Cause", &html! {
                        @if let Some(error) = &order.error { span title=(error.message) { (error.code) } } }))
                    @if wait {
                        (cell("Next try", &time(order.due_at)))
                        (cell("Deadline", &time(order.deadline_at)))
                    } @else { (cell("Token", &outcome(order.token))) }
                    (count_cell("Attempts", &order.attempts.to_string()))
                } } }
            } }
        }
    }
}

fn select(order: OrderId) -> Markup {
    html! { input type="checkbox" name="order" value=(order) form="bulk" aria-label={ "Select " (order) }; }
}
