//! The list of webhooks.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::fields::Fields;
use super::frame::MenuItem;
use super::links::user_link;
use super::pieces::{badge, choice, col, count_col, done, line, maybe_time, older, order_link, time};
use super::viewer::Viewer;
use crate::ids::{MerchantName, WebhookId};
use crate::store::{EventKind, WebhookFilter, WebhookStatus, WebhookView};

/// Webhooks on one page.
const PAGE: u32 = 50;

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let query = &viewer.query;
    let merchant: Option<MerchantName> = query.name("merchant")?;
    let before = query.word("before", |word| word.parse::<WebhookId>().ok())?;
    let filter = WebhookFilter { before, limit: PAGE + 1, ..filter(query)? };
    let mut webhooks = Vec::new();
    for merchant in viewer.scopes(&pages, merchant.as_ref()) {
        webhooks.extend(pages.deps.webhooks.webhooks(&WebhookFilter { merchant, ..filter.clone() }).await?);
    }
    webhooks.sort_by_key(|webhook| std::cmp::Reverse(webhook.occurred_at));
    let more = webhooks.len() > PAGE as usize;
    webhooks.truncate(PAGE as usize);
    let next = webhooks.last().filter(|_| more).map(|last| last.id.to_string());
    let main = html! {
        div.heading {
            h1 { "Webhooks" }
            @if viewer.may_act() && !webhooks.is_empty() {
                div.actions {
                    @let all = [("before", ""), ("done", ""), ("changed", ""), ("more", "")];
                    a.button href=(query.link("/webhooks/resend", &all)) { "Resend all that match…" }
                }
            }
        }
        (done(query))
        form.filters method="get" action="/webhooks" role="search" {
            (choice(query, "status", "Status", "any", WebhookStatus::ALL.map(WebhookStatus::as_str)))
            (choice(query, "kind", "Event", "any", EventKind::ALL.map(EventKind::as_str)))
            (choice(query, "merchant", "Merchant", "all", viewer.merchants(&pages)))
            (line(query, "user", "User", "search"))
            (line(query, "from", "Happened since (UTC)", "datetime-local"))
            div.buttons { button type="submit" { "Filter" } a href="/webhooks" { "Clear" } }
        }
        section #list data-live[before.is_none()] {
            (table(&webhooks))
            (older(query, "/webhooks", before.is_some(), next.as_deref()))
        }
    };
    Ok(viewer.answer(MenuItem::Webhooks, "Webhooks", &main))
}

/// Reads which webhooks are chosen, without their merchant and the limit.
pub(super) fn filter(query: &Fields) -> Result<WebhookFilter, Failure> {
    Ok(WebhookFilter {
        user: query.name("user")?,
        status: query.one_of("status", WebhookStatus::ALL, WebhookStatus::as_str)?,
        kind: query.one_of("kind", EventKind::ALL, EventKind::as_str)?,
        since: query.time("from")?,
        ..WebhookFilter::default()
    })
}

/// A table of webhooks.
pub(super) fn table(webhooks: &[WebhookView]) -> Markup {
    let tone = |status: WebhookStatus| match status {
        WebhookStatus::Pending => "calm",
        WebhookStatus::Delivered => "good",
        WebhookStatus::Failed => "bad",
    };
    html! {
        @if webhooks.is_empty() { p.quiet.empty { "No webhooks." } }
        @else {
            div.scroll { table.list {
                thead { tr {
                    (col("Event")) (col("Status")) (col("Order")) (col("User"))
                    (col("Happened")) (col("Next or last attempt")) (count_col("Attempts"))
                    (col("Error")) th scope="col" { span.unseen { "Action" } }
                } }
                tbody { @for webhook in webhooks { tr {
                    td data-label="Event" { (webhook.kind.as_str()) }
                    td data-label="Status" { (badge(tone(webhook.status), webhook.status.as_str()))
                        @if webhook.endpoint_disabled_at.is_some() { " " (badge("warn", "endpoint disabled")) } }
                    td data-label="Order" { @if let Some(order) = webhook.order { (order_link(order)) } }
                    td.name data-label="User" { a href=(user_link(&webhook.merchant, &webhook.user)) { (webhook.user) } }
                    td data-label="Happened" { (time(webhook.occurred_at)) }
                    td data-label="Next or last attempt" { @if webhook.status == WebhookStatus::Pending { (time(webhook.due_at)) }
                        @else { (maybe_time(webhook.ended_at)) } }
                    td.count data-label="Attempts" { (webhook.attempts) }
                    td.text data-label="Error" { @if let Some(error) = &webhook.error { (error) } }
                    td { a href={ "/webhooks/" (webhook.id) "/resend" } { "Resend…" } }
                } } }
            } }
        }
    }
}
