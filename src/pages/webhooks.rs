//! The list of webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::Pages;
use super::endpoint;
use super::failure::Failure;
use super::fields::Fields;
use super::filters::{Filters, choice, line, moment, tab};
use super::frame::MenuItem;
use super::links::user_link;
use super::order_tabs::{COUNTED, shown_total};
use super::orders::found;
use super::pieces::{
    badge, col, command, done, older, order_link, reference, select_all, select_all_here, time,
};
use super::viewer::Viewer;
use crate::ids::{MerchantName, WebhookId};
use crate::order::OrderId;
use crate::store::{EventKind, OrderFilter, WebhookFilter, WebhookStatus, WebhookView};

/// Webhooks on one page.
const PAGE: u32 = 50;
/// The fields that choose webhooks.
pub(super) const FIELDS: [&str; 6] = ["status", "kind", "merchant", "user", "happened", "id"];

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
    let counts = counts(&pages, &viewer, merchant.as_ref(), &filter).await?;
    let shown = Columns {
        references: Some(references(&pages, &viewer, &webhooks).await?),
        merchant: viewer.merchants(&pages).len() > 1,
        selectable: viewer.may_act(),
        action: viewer.may_act(),
    };
    let main = html! {
        div.heading {
            h1 { "Webhooks" }
        }
        (done(query))
        @if !endpoints.is_empty() {
            section #endpoints data-live { h2 { "Endpoints" } (endpoint::table(&endpoints)) }
        }
        (filters(&pages, &viewer).draw())
        div #totals data-live { (tabs(query, &counts)) }
        div.listed {
            @if viewer.may_act() && !webhooks.is_empty() {
                (bulk(query, (!more && before.is_none()).then_some(webhooks.len())))
            }
            section #list data-live[before.is_none()] {
                @if webhooks.is_empty() { (none(query, endpoints.is_empty())) }
                @else { (list_of(&webhooks, &shown)) }
                (older(query, "/webhooks", before.is_some(), next.as_deref()))
            }
        }
    };
    Ok(viewer.answer(MenuItem::Webhooks, "Webhooks", &main))
}

fn filters<'a>(pages: &Pages, viewer: &'a Viewer) -> Filters<'a> {
    let query = &viewer.query;
    let fields = html! {
        (tab(query, "status"))
        (choice(query, "kind", "any", EventKind::ALL.map(EventKind::as_str)))
        (choice(query, "merchant", "all", viewer.merchants(pages)))
        (line(query, "user"))
        (moment(query, "happened"))
    };
    Filters { path: "/webhooks", query, now: viewer.now, names: &FIELDS, fields, folded: None }
}

/// How many webhooks wait or were given up, as far as they match the other filters. Of those that
/// were delivered there is no index.
async fn counts(
    pages: &Pages,
    viewer: &Viewer,
    merchant: Option<&MerchantName>,
    filter: &WebhookFilter,
) -> Result<BTreeMap<&'static str, u64>, Failure> {
    let mut counts = BTreeMap::new();
    for status in [WebhookStatus::Pending, WebhookStatus::Failed] {
        let mut sum = 0;
        for merchant in viewer.scopes(pages, merchant) {
            let filter = WebhookFilter { merchant, status: Some(status), ..filter.clone() };
            sum += pages.deps.webhooks.count_webhooks_up_to(&filter, COUNTED).await?;
        }
        counts.insert(status.as_str(), sum);
    }
    Ok(counts)
}

/// What the shops call the orders of these webhooks.
async fn references(
    pages: &Pages,
    viewer: &Viewer,
    webhooks: &[WebhookView],
) -> Result<BTreeMap<OrderId, String>, Failure> {
    let ids: Vec<OrderId> = webhooks.iter().filter_map(|webhook| webhook.order).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let filter = OrderFilter { ids: Some(ids), limit: PAGE, ..OrderFilter::default() };
    let orders = found(pages, viewer, None, &filter).await?;
    Ok(orders.iter().filter_map(|order| Some((order.id, reference(order)?.to_owned()))).collect())
}

fn tabs(query: &Fields, counts: &BTreeMap<&'static str, u64>) -> Markup {
    let tab = |status: &str, name: &str| {
        let current = (query.get("status").unwrap_or_default() == status).then_some("page");
        let href = query.link("/webhooks", &[("status", status), ("before", ""), ("done", "")]);
        html! {
            a href=(href) aria-current=[current] {
                (name) @if let Some(count) = counts.get(status) { " " b { (shown_total(*count)) } }
            }
        }
    };
    html! {
        nav.tabs aria-label="Status" {
            (tab("", "all"))
            @for status in WebhookStatus::ALL { (tab(status.as_str(), status.as_str())) }
        }
    }
}

/// Reads which webhooks are chosen, without their merchant and the limit.
pub(super) fn filter(query: &Fields, now: DateTime<Utc>) -> Result<WebhookFilter, Failure> {
    Ok(WebhookFilter {
        id: query.word("id", |word| word.parse::<WebhookId>().ok())?,
        user: query.name("user")?,
        status: query.one_of("status", WebhookStatus::ALL, WebhookStatus::as_str)?,
        kind: query.one_of("kind", EventKind::ALL, EventKind::as_str)?,
        since: query.time("happened", now)?,
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
            "No merchant has a webhook endpoint. Add these settings to a merchant, and reload the settings \
             of every process:"
        }
        (command("webhook_url = \"https://shop.example/webhooks/klarna\"\n\
            webhook_secrets_env = \"SHOP_WEBHOOK_SECRETS\""))
    }
}

/// The form that sends selected webhooks again. The boxes in the table belong to it. `all` is how
/// many match, if they are all on this page: only the question counts more, because lists update
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

/// Which columns a table of webhooks has.
#[derive(Default)]
struct Columns {
    /// What the shops call the orders; `None` if all webhooks are of the order whose page has the
    /// table.
    references: Option<BTreeMap<OrderId, String>>,
    merchant: bool,
    /// Boxes to select them.
    selectable: bool,
    /// Links that send each again.
    action: bool,
}

/// A table of one order's webhooks.
pub(super) fn table(webhooks: &[WebhookView], may_act: bool) -> Markup {
    list_of(webhooks, &Columns { action: may_act, ..Columns::default() })
}

fn list_of(webhooks: &[WebhookView], columns: &Columns) -> Markup {
    let tone = |status: WebhookStatus| match status {
        WebhookStatus::Pending => "calm",
        WebhookStatus::Delivered => "good",
        WebhookStatus::Failed => "bad",
    };
    let Columns { references, merchant, selectable, action } = columns;
    html! {
        @if webhooks.is_empty() { p.quiet.empty { "No webhooks." } }
        @else {
            div.scroll { table.list {
                thead { tr {
                    @if *selectable { (select_all()) }
                    (col("Event")) (col("Status"))
                    @if references.is_some() { (col("Order")) (col("User")) }
                    @if *merchant { (col("Merchant")) }
                    (col("Happened")) (col("Next try"))
                    th.roomy scope="col" { "Ended" } th.count.roomy scope="col" { "Attempts" }
                    (col("Error")) @if *action { th scope="col" { span.unseen { "Action" } } }
                } }
                tbody { @for webhook in webhooks { tr {
                    @if *selectable { td.select {
                        input type="checkbox" name="webhook" value=(webhook.id) form="bulk"
                            aria-label={ "Select " (webhook.id) };
                    } }
                    td.lead data-label="Event" { (webhook.kind.as_str()) }
                    td.state data-label="Status" { (badge(tone(webhook.status), webhook.status.as_str()))
                        @if webhook.endpoint_disabled_at.is_some() { " " (badge("warn", "endpoint disabled")) } }
                    @if let Some(references) = references {
                        td.name.bare data-label="Order" {
                            @if let Some(id) = webhook.order { (order(id, references)) }
                        }
                        td.name.bare data-label="User" {
                            @if !webhook.user.as_str().is_empty() {
                                a href=(user_link(&webhook.merchant, &webhook.user)) { (webhook.user) }
                            }
                        }
                    }
                    @if *merchant { td.bare data-label="Merchant" { (webhook.merchant) } }
                    td.bare data-label="Happened" { (time(webhook.occurred_at)) }
                    td data-label="Next try" { @if webhook.status == WebhookStatus::Pending { (time(webhook.due_at)) } }
                    td.roomy data-label="Ended" { @if let Some(ended) = webhook.ended_at { (time(ended)) } }
                    td.count.roomy data-label="Attempts" { (webhook.attempts) }
                    td.text data-label="Error" { @if let Some(error) = &webhook.error { (error) } }
                    @if *action { td.act { a href={ "/webhooks/" (webhook.id) "/resend" } { "Resend…" } } }
                } } }
            } }
        }
    }
}

/// A link to an order, by what the shop calls it if that is known.
fn order(id: OrderId, references: &BTreeMap<OrderId, String>) -> Markup {
    match references.get(&id) {
        Some(reference) => html! { a href={ "/orders/" (id) } title=(id) { (reference) } },
        None => order_link(id),
    }
}
