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
use super::filters::{Filters, choice, field_name, line, moment, tab};
use super::frame::MenuItem;
use super::links::user_link;
use super::order_tabs::{self, FIELDS, Totals, WITHOUT};
use super::pauses;
use super::pieces::{
    amount, at_klarna, cell, col, command, count_col, done, older, order_link, outcome, reference,
    select_all, short, status, time,
};
use super::viewer::{Viewer, see};
use crate::ids::{MerchantName, check_name};
use crate::order::{FollowUpState, OrderId, OrderView, Status, Target, TokenOutcome};
use crate::pauses::{Pause, PauseKind};
use crate::store::{BEGINNING, Beginning, OrderFilter, OrderName};

/// The values of `token` that stand for several outcomes.
const TOKEN: [(&str, bool); 2] = [("with", true), ("without", false)];

/// The fields of the filter that are folded.
const FOLDED: &[&str] =
    &["target", "user", "follow_ups", "until", "ended_since", "ended_until", "duplicates"];

/// Orders on one page.
const PAGE: u32 = 50;

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let query = &viewer.query;
    let merchant: Option<MerchantName> = query.name("merchant")?;
    // One more than shown, to know whether there is another page.
    let search = OrderFilter { limit: PAGE + 1, ..search(query, viewer.now)? };
    let search = by_name(&pages, &viewer, merchant.as_ref(), search).await?;
    let orders = found(&pages, &viewer, merchant.as_ref(), &search).await?;
    let begins_with = match &search.name {
        Some(OrderName::Begins(name)) if !orders.is_empty() => Some(name),
        _ => None,
    };
    // A search that finds one order alone by a whole name, before it is shown, opens it.
    if let ([order], true, None) = (&orders[..], viewer.searches_alone(), begins_with) {
        return Ok(see(&format!("/orders/{}", order.id)));
    }
    let totals = Totals::of(&pages, &viewer, merchant.as_ref(), &search).await?;
    let more = orders.len() > PAGE as usize;
    let orders = &orders[..orders.len().min(PAGE as usize)];
    let next = orders.last().filter(|_| more).map(|last| last.id.to_string());
    let pauses = pauses::seen(&pages, &viewer).await?;
    let selectable = !orders.is_empty() && viewer.may_act() && order_tabs::has_actions(query);
    let columns = Columns { selectable, merchant: viewer.merchants(&pages).len() > 1 };
    let main = html! {
        div.heading { h1 { "Orders" }
            div.actions { a.button href=(query.link("/orders.csv", &[("before", ""), ("done", "")])) { "CSV" } }
        }
        (done(query))
        (filters(&pages, &viewer).draw())
        @if let Some(orders) = query.get("order") {
            p.quiet { "Only orders that were selected or changed: " (orders.split(' ').count()) ". "
                a href="/orders" { "Show all orders" } }
        }
        (order_tabs::saved())
        div #totals data-live { (totals.tabs(query)) }
        div.listed {
            @if selectable { (totals.bulk(query)) }
            section #list data-live[search.before.is_none()] {
                @if let Some(name) = begins_with { (begins(name, totals.all() >= u64::from(BEGINNING))) }
                @if orders.is_empty() { (none(query)) } @else { (table(orders, &columns, &pauses, viewer.now)) }
                (older(query, "/orders", search.before.is_some(), next.as_deref()))
            }
        }
    };
    Ok(viewer.answer(MenuItem::Orders, "Orders", &main))
}

/// Reads which orders are chosen, without their merchant and the limit.
pub(super) fn search(query: &Fields, now: DateTime<Utc>) -> Result<OrderFilter, Failure> {
    let ids = query
        .word("order", |ids| ids.split(' ').map(|id| id.parse().ok()).collect::<Option<Vec<OrderId>>>())?;
    let name: Option<String> = query.name("q")?;
    let errors = query.get("error").unwrap_or_default().split_whitespace();
    let errors: Vec<String> = errors.map(str::to_owned).collect();
    for code in &errors {
        check_name(code).map_err(|wrong| Failure::Invalid(format!("error: {wrong}")))?;
    }
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
        errors,
        name: name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(OrderName::from),
        duplicates: query.get("duplicates").map(|value| value != WITHOUT),
        follow_ups: query.one_of("follow_ups", FollowUpState::ALL, FollowUpState::as_str)?,
        since: query.time("from", now)?,
        until: query.time("until", now)?,
        ended_since: query.time("ended_since", now)?,
        ended_until: query.time("ended_until", now)?,
        due_by: query.get("due").map(|_| now),
        ids,
        before: query.word("before", |word| word.parse().ok())?,
        ..OrderFilter::default()
    })
}

/// Decides whether orders are searched by whole names, or by how names begin.
pub(super) async fn by_name(
    pages: &Pages,
    viewer: &Viewer,
    merchant: Option<&MerchantName>,
    search: OrderFilter,
) -> Result<OrderFilter, Failure> {
    let Some(OrderName::Whole(text)) = &search.name else { return Ok(search) };
    let name = OrderName::of(&*pages.deps.orders, text, &viewer.scopes(pages, merchant)).await?;
    Ok(OrderFilter { name: Some(name), ..search })
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

fn filters<'a>(pages: &Pages, viewer: &'a Viewer) -> Filters<'a> {
    let query = &viewer.query;
    let outcomes = TOKEN.map(|(word, _)| word).into_iter().chain(TokenOutcome::ALL.map(TokenOutcome::as_str));
    let fields = html! {
        (tab(query, "status"))
        (tab(query, "due"))
        (line(query, "q"))
        (choice(query, "merchant", "all", viewer.merchants(pages)))
        label { span { (field_name("error")) }
            input type="text" name="error" value=[query.get("error")] list="codes" autocomplete="off";
        }
        (codes::suggested("codes"))
        (choice(query, "token", "any", outcomes))
        (moment(query, "from"))
    };
    let folded = html! {
        (moment(query, "until"))
        (moment(query, "ended_since"))
        (moment(query, "ended_until"))
        (choice(query, "target", "any", Target::ALL.map(Target::as_str)))
        (line(query, "user"))
        (choice(query, "follow_ups", "any", FollowUpState::ALL.map(FollowUpState::as_str)))
        label { span { (field_name("duplicates")) }
            @let chosen = query.get("duplicates");
            select name="duplicates" {
                option value="" { "any" }
                option value="1" selected[chosen.is_some_and(|chosen| chosen != WITHOUT)] { "only these" }
                option value=(WITHOUT) selected[chosen == Some(WITHOUT)] { "without these" }
            }
        }
    };
    let folded = Some((FOLDED, folded));
    Filters { path: "/orders", query, now: viewer.now, names: &FIELDS, fields, folded }
}

/// Why orders are listed that do not have the name that was searched.
pub(super) fn begins(name: &Beginning, more: bool) -> Markup {
    html! {
        p.quiet {
            "No id, idempotency key, reference or user is exactly " b { (name.as_str()) } ". These begin with it."
            @if more { " There may be more: write more of it." }
        }
    }
}

/// What to do where no order is listed.
fn none(query: &Fields) -> Markup {
    if FIELDS.into_iter().any(|name| query.get(name).is_some()) || query.get("before").is_some() {
        return html! {
            p.quiet.empty {
                "No orders match. "
                @if let Some(name) = query.get("q") {
                    "An order is found by its id, idempotency key, reference, Klarna's id or user, or the \
                     beginning of one: 3 characters or more, 8 of an order's id. No order has a name that is \
                     or begins with " b { (name) }
                    @if query.names().count() > 1 { " and matches the other filters" }
                    ". Capital and small letters differ. "
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

/// Which columns a table of orders has beside the usual ones.
#[derive(Default)]
pub(super) struct Columns {
    /// Boxes to select them.
    pub(super) selectable: bool,
    pub(super) merchant: bool,
}

/// A table of orders.
pub(super) fn table(orders: &[OrderView], columns: &Columns, pauses: &[Pause], now: DateTime<Utc>) -> Markup {
    let Columns { selectable, merchant } = columns;
    // When they go on is more interesting than what they have not got yet.
    let wait = orders.iter().all(|order| order.status == Status::Queued);
    html! {
        @if orders.is_empty() { p.quiet.empty { "No orders." } }
        @else {
            div.scroll { table.list {
                thead { tr {
                    @if *selectable { (select_all()) }
                    (col("Reference")) th.roomy scope="col" { "Order" }
                    (col("Status")) (count_col("Amount")) (col("User"))
                    @if *merchant { (col("Merchant")) }
                    (col("Age")) (col("Cause"))
                    @if wait { (col("Next try")) (col("Deadline")) } @else { th.roomy scope="col" { "Token" } }
                    th.count.roomy scope="col" { "Attempts" }
                } }
                tbody { @for order in orders { tr {
                    @if *selectable { td.select { (select(order.id)) } }
                    td.name.lead data-label="Reference" {
                        a href={ "/orders/" (order.id) } {
                            @if let Some(name) = reference(order) { (name) }
                            @else { code { (short(&order.id.to_string())) } }
                        }
                    }
                    td.roomy data-label="Order" { (order_link(order.id)) }
                    td.state data-label="Status" { span { (status(order.status)) (at_klarna(order.session.as_ref()))
                        @if order.possible_duplicate {
                            " " span.badge.warn title="Klarna may have this order twice" { "duplicate?" }
                        } } }
                    td.count.bare data-label="Amount" { (amount(&order.summary)) }
                    td.name.bare data-label="User" {
                        a href=(user_link(&order.merchant, &order.user)) { (order.user) } }
                    @if *merchant { td.bare data-label="Merchant" { (order.merchant) } }
                    td.bare data-label="Age" { (time(order.accepted_at)) }
                    @let held = pauses.iter().find(|pause| holds(pause, order));
                    td.cause.bare data-label="Cause" { (cause(order, held)) }
                    @if wait {
                        (cell("Next try", &next_try(order, held, now)))
                        (cell("Deadline", &time(order.deadline_at)))
                    } @else { td.roomy data-label="Token" { (outcome(order.token)) } }
                    td.count.roomy data-label="Attempts" { (order.attempts) }
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
        @else if let Some(error) = &order.error_with_next_try() {
            span title=(error.message) {
                (codes::shown(&error.code))
                @if let Some(reason) = codes::reason(error) { " " span.quiet { (reason) } }
            }
        }
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
