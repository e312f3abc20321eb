//! The list of webhooks.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
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
    let mut webhooks = Vec::new();
    for merchant in viewer.scopes(&pages, merchant.as_ref()) {
        let filter = WebhookFilter {
            id: None,
            merchant,
            user: query.name("user")?,
            status: query.word("status", |word| {
                WebhookStatus::ALL.into_iter().find(|status| status.as_str() == word)
            })?,
            kind: query.word("kind", |word| EventKind::ALL.into_iter().find(|kind| kind.as_str() == word))?,
            within: None,
            before,
            limit: PAGE + 1,
        };
        webhooks.extend(pages.deps.webhooks.webhooks(&filter).await?);
    }
    webhooks.sort_by_key(|webhook| std::cmp::Reverse(webhook.occurred_at));
    let more = webhooks.len() > PAGE as usize;
    webhooks.truncate(PAGE as usize);
    let next = webhooks.last().filter(|_| more).map(|last| last.id.to_string());
    let main = html! {
        div.heading { h1 { "Webhooks" } }
        (done(query))
        form.filters method="get" action="/webhooks" role="search" {
            (choice(query, "status", "Status", "any", WebhookStatus::ALL.map(WebhookStatus::as_str)))
            (choice(query, "kind", "Event", "any", EventKind::ALL.map(EventKind::as_str)))
            (choice(query, "merchant", "Merchant", "all", viewer.merchants(&pages)))
            (line(query, "user", "User", "search"))
            div.buttons { button type="submit" { "Filter" } a href="/webhooks" { "Clear" } }
        }
        section #list data-live[before.is_none()] {
            (table(&webhooks))
            (older(query, "/webhooks", before.is_some(), next.as_deref()))
        }
    };
    Ok(viewer.answer(MenuItem::Webhooks, "Webhooks", &main))
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
                    td { (webhook.kind.as_str()) }
                    td { (badge(tone(webhook.status), webhook.status.as_str()))
                        @if webhook.endpoint_disabled_at.is_some() { " " (badge("warn", "endpoint disabled")) } }
                    td { @if let Some(order) = webhook.order { (order_link(order)) } }
                    td.name { a href=(user_link(&webhook.merchant, &webhook.user)) { (webhook.user) } }
                    td { (time(webhook.occurred_at)) }
                    td { @if webhook.status == WebhookStatus::Pending { (time(webhook.due_at)) }
                        @else { (maybe_time(webhook.ended_at)) } }
                    td.count { (webhook.attempts) }
                    td.text { @if let Some(error) = &webhook.error { (error) } }
                    td { a href={ "/webhooks/" (webhook.id) "/resend" } { "Resend…" } }
                } } }
            } }
        }
    }
}
