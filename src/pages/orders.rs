//! The list of orders.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::frame::MenuItem;
use super::links::user_link;
use super::pieces::{choice, col, count_col, line, older, order_link, outcome, status, time};
use super::viewer::Viewer;
use crate::ids::MerchantName;
use crate::order::{OrderView, Status, TokenOutcome};
use crate::store::OrderFilter;

/// Orders on one page.
const PAGE: u32 = 50;

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let query = &viewer.query;
    let merchant: Option<MerchantName> = query.name("merchant")?;
    let search = OrderFilter {
        status: query.word("status", |word| word.parse().ok())?,
        merchant: None,
        user: query.name("user")?,
        token: query.word("token", |word| word.parse().ok())?,
        error: query.name("error")?,
        duplicates: query.get("duplicates").is_some(),
        since: query.time("from")?,
        until: query.time("until")?,
        before: query.word("before", |word| word.parse().ok())?,
        // One more than shown, to know whether there is another page.
        limit: PAGE + 1,
    };
    let orders = found(&pages, &viewer, merchant.as_ref(), &search).await?;
    let more = orders.len() > PAGE as usize;
    let orders = &orders[..orders.len().min(PAGE as usize)];
    let next = orders.last().filter(|_| more).map(|last| last.id.to_string());
    let main = html! {
        div.heading { h1 { "Orders" } }
        (filters(&pages, &viewer))
        section #list data-live[search.before.is_none()] {
            (table(orders))
            (older(query, "/orders", search.before.is_some(), next.as_deref()))
        }
    };
    Ok(viewer.answer(MenuItem::Orders, "Orders", &main))
}

/// Returns the orders of all merchants that the viewer may see. A user is looked up within one
/// merchant.
pub(super) async fn found(
    pages: &Pages,
    viewer: &Viewer,
    merchant: Option<&MerchantName>,
    search: &OrderFilter,
) -> Result<Vec<OrderView>, Failure> {
    let within = if search.user.is_some() && merchant.is_none() {
        viewer.merchants(pages).into_iter().cloned().map(Some).collect()
    } else {
        viewer.scopes(pages, merchant)
    };
    let mut orders = Vec::new();
    for merchant in within {
        orders.extend(pages.deps.orders.orders(&OrderFilter { merchant, ..search.clone() }).await?);
    }
    orders.sort_by_key(|order| std::cmp::Reverse(order.id));
    orders.truncate(search.limit as usize);
    Ok(orders)
}

fn filters(pages: &Pages, viewer: &Viewer) -> Markup {
    let query = &viewer.query;
    html! {
        form.filters method="get" action="/orders" role="search" {
            (choice(query, "status", "Status", "any", Status::ALL.map(Status::as_str)))
            (choice(query, "token", "Token", "any", TokenOutcome::ALL.map(TokenOutcome::as_str)))
            (choice(query, "merchant", "Merchant", "all", viewer.merchants(pages)))
            (line(query, "user", "User", "search"))
            (line(query, "error", "Error code", "text"))
            (line(query, "from", "From (UTC)", "datetime-local"))
            (line(query, "until", "Until (UTC)", "datetime-local"))
            label.check {
                input type="checkbox" name="duplicates" value="1" checked[query.get("duplicates").is_some()];
                span { "Possible duplicates" }
            }
            div.buttons { button type="submit" { "Filter" } a href="/orders" { "Clear" } }
        }
    }
}

/// A table of orders.
pub(super) fn table(orders: &[OrderView]) -> Markup {
    html! {
        @if orders.is_empty() { p.quiet.empty { "No orders." } }
        @else {
            div.scroll { table.list {
                thead { tr {
                    (col("Order")) (col("Status")) (col("Token")) (col("User"))
                    (col("Merchant")) (col("Accepted")) (count_col("Attempts")) (col("Error"))
                } }
                tbody { @for order in orders { tr {
                    td { (order_link(order.id)) }
                    td { (status(order.status))
                        @if order.possible_duplicate {
                            " " span.badge.warn title="Klarna may have this order twice" { "duplicate?" }
                        } }
                    td { (outcome(order.token)) }
                    td.name { a href=(user_link(&order.merchant, &order.user)) { (order.user) } }
                    td { (order.merchant) }
                    td { (time(order.accepted_at)) }
                    td.count { (order.attempts) }
                    td { @if let Some(error) = &order.error { span title=(error.message) { (error.code) } } }
                } } }
            } }
        }
    }
}
