//! The list of webhooks.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::Pages;
use super::endpoint;
use super::failure::Failure;
use super::fields::Fields;
use super::frame::MenuItem;
use super::links::user_link;
use super::pieces::{
    badge, choice, col, command, count_col, done, field_name, filter_form, line, moment, older, order_link,
    select_all, select_all_here, time,
};
use super::viewer::Viewer;
use crate::ids::{MerchantName, WebhookId};
use crate::store::{EventKind, WebhookFilter, WebhookStatus, WebhookView};

/// Webhooks on one page.
const PAGE: u32 = 50;
/// The fields that choose webhooks.
pub(super) const FIELDS: [&str; 6] = ["status", "kind", "merchant", "user", "from", "id"];

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let query = &viewer.query;
    let merchant: Option<MerchantName> = query.name("merchant")?;
    let before = query.word("before", |word| word.parse::<WebhookId>().ok())?;
    let filter = WebhookFilter { before, limit: PAGE + 1, ..filter(query, viewer.now)? };
    let endpoints = endpoint::seen(&pages, &viewer).await?;
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
        }
        (done(query))
        @if !endpoints.is_empty() {
            section #endpoints data-live { h2 { "Endpoints" } (endpoint::table(&endpoints)) }
        }
        (filter_form("/webhooks", query, &FIELDS, &html! {
            (choice(query, "status", "Status", "any", WebhookStatus::ALL.map(WebhookStatus::as_str)))
            (choice(query, "kind", "Event", "any", EventKind::ALL.map(EventKind::as_str)))
            (choice(query, "merchant", "Merchant", "all", viewer.merchants(&pages)))
            (line(query, "user", "User", "search"))
            (moment(query, "from", field_name("happened"), viewer.now))
        }))
        @if viewer.may_act() && !webhooks.is_empty() {
            (bulk(query, (!more && before.is_none()).then_some(webhooks.len())))
        }
        section #list data-live[before.is_none()] {
            @if webhooks.is_empty() { (none(query, endpoints.is_empty())) }
            @else { (list_of(&webhooks, viewer.may_act(), viewer.may_act(), false)) }
            (older(query, "/webhooks", before.is_some(), next.as_deref()))
        }
    };
    Ok(viewer.answer(MenuItem::Webhooks, "Webhooks", &main))
}

/// Reads which webhooks are chosen, without their merchant and the limit.
pub(super) fn filter(query: &Fields, now: DateTime<Utc>) -> Result<WebhookFilter, Failure> {
    Ok(WebhookFilter {
        id: query.word("id", |word| word.parse::<WebhookId>().ok())?,
        user: query.name("user")?,
        status: query.one_of("status", WebhookStatus::ALL, WebhookStatus::as_str)?,
        kind: query.one_of("kind", EventKind::ALL, EventKind::as_str)?,
        since: query.time("from", now)?,
        ..WebhookFilter::default()
    })
}

/// What to do where no webhook is listed.
fn none(query: &Fields, no_endpoint: bool) -> Markup {
    if FIELDS.into_iter().any(|name| query.get(name).is_some()) || query.get("before").is_some() {
        return html! { p.quiet.empty { "No webhooks match. " a href="/webhooks" { "Show all webhooks" } } };
    }
    if !no_endpoint {
        return html! {
            p.quiet.empty { "No webhooks yet. An event is sent when an order or a token changes." }
        };
    }
    html! {
        p.empty {
            "No merchant has a webhook endpoint. Add these settings to a merchant, and start the service again:"
        }
        (command("webhook_url = \"https://shop.example/webhooks/klarna\"\nwebhook_secrets_env = \"SHOP_WEBHOOK_SECRETS\""))
    }
}

/// The form that sends selected webhooks again. The boxes in the table belong to it.
/// `all` is how many match, if they are all on this page: only the question counts more, because lists update
/// themselves.
fn bulk(query: &Fields, all: Option<usize>) -> Markup {
    let every = [("before", ""), ("done", ""), ("changed", ""), ("more", "")];
    let filtered = FIELDS.into_iter().any(|name| query.get(name).is_some());
    html! {
        form.bulk #bulk method="get" action="/webhooks/resend" {
            @for name in FIELDS {
                @if let Some(value) = query.get(name) { input type="hidden" name=(name) value=(value); }
            }
            input type="hidden" name="only" value="selected";
            div.buttons {
                (select_all_here())
                span.quiet data-selected="webhooks" { "Selected webhooks:" }
                button type="submit" { "Resend…" }
            }
            // Without a filter, nobody has said which ones are meant.
            @if filtered {
                div.buttons { a.button href=(query.link("/webhooks/resend", &every)) {
                    @match all {
                        Some(all) => { "Resend all " (all) " that match…" }
                        None => { "Resend all that match, more than " (PAGE) "…" }
                    }
                } }
            }
        }
    }
}

/// A table of one order's webhooks.
pub(super) fn table(webhooks: &[WebhookView], may_act: bool) -> Markup {
    list_of(webhooks, may_act, false, true)
}

/// A table of webhooks, with boxes to select them if `selectable`. `of_order`: all are of the order whose page has
/// it.
fn list_of(webhooks: &[WebhookView], may_act: bool, selectable: bool, of_order: bool) -> Markup {
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
                    @if selectable { (select_all()) }
                    (col("Event")) (col("Status")) @if !of_order { (col("Order")) (col("User")) }
                    (col("Happened")) (col("Next try")) (col("Ended")) (count_col("Attempts"))
                    (col("Error")) @if may_act { th scope="col" { span.unseen { "Action" } } }
                } }
                tbody { @for webhook in webhooks { tr {
                    @if selectable { td.select {
                        input type="checkbox" name="webhook" value=(webhook.id) form="bulk"
                            aria-label={ "Select " (webhook.id) };
                    } }
                    td data-label="Event" { (webhook.kind.as_str()) }
                    td data-label="Status" { (badge(tone(webhook.status), webhook.status.as_str()))
                        @if webhook.endpoint_disabled_at.is_some() { " " (badge("warn", "endpoint disabled")) } }
                    @if !of_order {
                        td data-label="Order" { @if let Some(order) = webhook.order { (order_link(order)) } }
                        td.name data-label="User" {
                            @if !webhook.user.as_str().is_empty() {
                                a href=(user_link(&webhook.merchant, &webhook.user)) { (webhook.user) }
                            }
                        }
                    }
                    td data-label="Happened" { (time(webhook.occurred_at)) }
                    td data-label="Next try" { @if webhook.status == WebhookStatus::Pending { (time(webhook.due_at)) } }
                    td data-label="Ended" { @if let Some(ended) = webhook.ended_at { (time(ended)) } }
                    td.count data-label="Attempts" { (webhook.attempts) }
                    td.text data-label="Error" { @if let Some(error) = &webhook.error { (error) } }
                    @if may_act { td.act { a href={ "/webhooks/" (webhook.id) "/resend" } { "Resend…" } } }
                } } }
            } }
        }
    }
}
