//! The list of orders, as a page and as a file.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::fields::Fields;
use super::frame::MenuItem;
use super::links::user_link;
use super::pieces::{
    amount, cell, choice, col, count_cell, count_col, done, line, older, order_link, outcome, reference,
    status, time,
};
use super::viewer::Viewer;
use crate::ids::MerchantName;
use crate::order::{OrderId, OrderView, Status, TokenOutcome};
use crate::store::OrderFilter;

/// Orders on one page.
const PAGE: u32 = 50;

/// The fields that choose orders.
pub(super) const FIELDS: [&str; 11] = [
    "q",
    "status",
    "token",
    "merchant",
    "user",
    "error",
    "from",
    "until",
    "ended_since",
    "duplicates",
    "order",
];

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let query = &viewer.query;
    let merchant: Option<MerchantName> = query.name("merchant")?;
    // One more than shown, to know whether there is another page.
    let search = OrderFilter { limit: PAGE + 1, ..search(query)? };
    let orders = found(&pages, &viewer, merchant.as_ref(), &search).await?;
    let more = orders.len() > PAGE as usize;
    let orders = &orders[..orders.len().min(PAGE as usize)];
    let next = orders.last().filter(|_| more).map(|last| last.id.to_string());
    let main = html! {
        div.heading { h1 { "Orders" }
            div.actions { a.button href=(query.link("/orders.csv", &[("before", ""), ("done", "")])) { "CSV" } }
        }
        (done(query))
        (filters(&pages, &viewer))
        @if viewer.may_act() { (bulk(query)) }
        section #list data-live[search.before.is_none()] {
            (table(orders, viewer.may_act()))
            (older(query, "/orders", search.before.is_some(), next.as_deref()))
        }
    };
    Ok(viewer.answer(MenuItem::Orders, "Orders", &main))
}

/// Reads which orders are chosen, without their merchant and the limit.
pub(super) fn search(query: &Fields) -> Result<OrderFilter, Failure> {
    let ids = query
        .word("order", |ids| ids.split(' ').map(|id| id.parse().ok()).collect::<Option<Vec<OrderId>>>())?;
    let name: Option<String> = query.name("q")?;
    Ok(OrderFilter {
        status: query.one_of("status", Status::ALL, Status::as_str)?,
        user: query.name("user")?,
        token: query.one_of("token", TokenOutcome::ALL, TokenOutcome::as_str)?,
        error: query.name("error")?,
        name: name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        duplicates: query.get("duplicates").is_some(),
        since: query.time("from")?,
        until: query.time("until")?,
        ended_since: query.time("ended_since")?,
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
    let query = &viewer.query;
    html! {
        form.filters method="get" action="/orders" aria-label="Filters" {
            (line(query, "q", "Id, reference, cart, user", "search"))
            (choice(query, "status", "Status", "any", Status::ALL.map(Status::as_str)))
            (choice(query, "token", "Token", "any", TokenOutcome::ALL.map(TokenOutcome::as_str)))
            (choice(query, "merchant", "Merchant", "all", viewer.merchants(pages)))
            (line(query, "user", "User", "search"))
            (line(query, "error", "Error code", "text"))
            (line(query, "from", "Taken in since (UTC)", "datetime-local"))
            (line(query, "until", "Taken in before (UTC)", "datetime-local"))
            (line(query, "ended_since", "Failed or ended since (UTC)", "datetime-local"))
            label.check {
                input type="checkbox" name="duplicates" value="1" checked[query.get("duplicates").is_some()];
                span { "Possible duplicates" }
            }
            div.buttons { button type="submit" { "Filter" } a href="/orders" { "Clear" } }
        }
    }
}

/// The form for changes of many orders. The boxes in the table belong to it.
fn bulk(query: &Fields) -> Markup {
    html! {
        form.bulk #bulk method="get" action="/orders/bulk" {
            @for name in FIELDS {
                @if let Some(value) = query.get(name) { input type="hidden" name=(name) value=(value); }
            }
            span.quiet { "With the selected orders, or with all that match if none is selected:" }
            div.buttons {
                button type="submit" name="action" value="retry" { "Retry…" }
                button type="submit" name="action" value="cancel" { "Cancel…" }
            }
        }
    }
}

/// A table of orders, with boxes to select them if `selectable`.
pub(super) fn table(orders: &[OrderView], selectable: bool) -> Markup {
    html! {
        @if orders.is_empty() { p.quiet.empty { "No orders." } }
        @else {
            div.scroll { table.list {
                thead { tr {
                    @if selectable { th scope="col" { span.unseen { "Select" } } }
                    (col("Order")) (col("Status")) (count_col("Amount")) (col("Reference")) (col("User"))
                    (col("Merchant")) (col("Age")) (col("Cause")) (col("Token")) (count_col("Attempts"))
                } }
                tbody { @for order in orders { tr {
                    @if selectable { td.select { (select(order.id)) } }
                    (cell("Order", &order_link(order.id)))
                    (cell("Status", &html! { span { (status(order.status))
                        @if order.possible_duplicate {
                            " " span.badge.warn title="Klarna may have this order twice" { "duplicate?" }
                        } } }))
                    (count_cell("Amount", &amount(&order.summary)))
                    td.name data-label="Reference" { @if let Some(reference) = reference(order) { (reference) } }
                    td.name data-label="User" {
                        a href=(user_link(&order.merchant, &order.user)) { (order.user) } }
                    (cell("Merchant", &html! { (order.merchant) }))
                    (cell("Age", &time(order.accepted_at)))
                    (cell("Cause", &html! {
                        @if let Some(error) = &order.error { span title=(error.message) { (error.code) } } }))
                    (cell("Token", &outcome(order.token)))
                    (count_cell("Attempts", &order.attempts.to_string()))
                } } }
            } }
        }
    }
}

fn select(order: OrderId) -> Markup {
    html! { input type="checkbox" name="order" value=(order) form="bulk" aria-label={ "Select " (order) }; }
}
