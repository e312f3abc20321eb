//! The webhook endpoint of a merchant: its state, its last answers, and a button that tests it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::Duration;
use maud::{Markup, html};

use super::Pages;
use super::audited::Begun;
use super::failure::Failure;
use super::frame::{MenuItem, token_field};
use super::links::link;
use super::pieces::{
    badge, cell, col, count_cell, count_col, done, facts, maybe_time, number, short, span, time,
};
use super::viewer::{Posted, Viewer, see};
use crate::audit::Action;
use crate::config::Webhook;
use crate::ids::MerchantName;
use crate::store::{Endpoint, WebhookAnswer, WebhookFilter, WebhookStatus};

/// Returns the endpoints that the viewer may see.
pub(super) async fn seen(pages: &Pages, viewer: &Viewer) -> Result<Vec<Endpoint>, Failure> {
    let mut endpoints = pages.deps.endpoints.endpoints().await?;
    endpoints.retain(|endpoint| viewer.sees(&endpoint.merchant));
    Ok(endpoints)
}

/// Returns the endpoints that the viewer may see, and that fail or have been disabled.
pub(super) async fn failing(pages: &Pages, viewer: &Viewer) -> Result<Vec<Endpoint>, Failure> {
    let mut endpoints = seen(pages, viewer).await?;
    endpoints.retain(|endpoint| endpoint.failing_since.is_some() || endpoint.disabled.is_some());
    Ok(endpoints)
}

/// The endpoints above the list of webhooks.
pub(super) fn table(endpoints: &[Endpoint]) -> Markup {
    html! {
        div.scroll { table.list {
            thead { tr { (col("Merchant")) (col("State")) (col("Failing since")) (col("Last answers")) } }
            tbody { @for endpoint in endpoints { tr {
                (cell("Merchant", &html! { (endpoint.merchant) }))
                (cell("State", &state(endpoint)))
                (cell("Failing since", &maybe_time(endpoint.failing_since)))
                (cell("Last answers", &html! {
                    a href=(path(&endpoint.merchant, &[])) { "Answers and test" }
                }))
            } } }
        } }
    }
}

pub(super) fn path(merchant: &MerchantName, more: &[(&str, &str)]) -> String {
    link("/webhooks/endpoint", &[&[("merchant", merchant.as_str())], more].concat())
}

pub(super) fn state(endpoint: &Endpoint) -> Markup {
    match (endpoint.disabled, endpoint.failing_since) {
        (Some((_, why)), _) => html! { (badge("bad", "disabled")) " " span.quiet { (why.as_str()) } },
        (None, Some(_)) => badge("warn", "failing"),
        (None, None) => badge("good", "working"),
    }
}

pub(super) async fn show(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let merchant: MerchantName = viewer.query.needed("merchant")?;
    let endpoint = seen(&pages, &viewer).await?.into_iter().find(|endpoint| endpoint.merchant == merchant);
    let endpoint = endpoint.ok_or(Failure::NotFound("This merchant has no webhook endpoint."))?;
    let answers = pages.deps.endpoints.webhook_answers(&merchant).await?;
    let pending = WebhookFilter {
        merchant: Some(merchant.clone()),
        status: Some(WebhookStatus::Pending),
        ..WebhookFilter::default()
    };
    let pending = pages.deps.webhooks.count_webhooks(&pending).await?;
    let url = pages.deps.merchants.get(&merchant).and_then(|merchant| shown_url(merchant.webhook.as_ref()?));
    let listed = link("/webhooks", &[("merchant", merchant.as_str()), ("status", "pending")]);
    let main = html! {
        div.heading {
            div { p.crumb { a href="/webhooks" { "Webhooks" } } h1 { "Endpoint of " (merchant) } }
            @if viewer.may_act() {
                form.actions method="post" action="/webhooks/test" {
                    (token_field(&viewer.form_token))
                    input type="hidden" name="merchant" value=(merchant);
                    button type="submit" { "Send a test event" }
                }
            }
        }
        (done(&viewer.query))
        section #endpoint data-live {
            (facts(&[
                ("Address in the settings of this process", html! {
                    @if let Some(url) = url { code { (url) } } @else { span.quiet { "none" } }
                }),
                ("State", state(&endpoint)),
                ("Events that wait", html! { a href=(listed) { (number(pending)) } }),
                ("Failing since", maybe_time(endpoint.failing_since)),
                ("Disabled since", maybe_time(endpoint.disabled.map(|(at, _)| at))),
            ]))
            p.note {
                "A test event has the type webhook.test. It is sent once, and a disabled endpoint is enabled."
            }
        }
        section #answers data-live {
            h2 { "Last answers" }
            @if answers.is_empty() { p.quiet { "Nothing has been sent to this endpoint yet." } }
            @else { (answered(&answers)) }
        }
    };
    Ok(viewer.answer(MenuItem::Webhooks, "Webhook endpoint", &main))
}

/// The address without what may be a secret: a password or a query.
pub(super) fn shown_url(webhook: &Webhook) -> Option<String> {
    let url = &webhook.url;
    let query = if url.query().is_some() { "?…" } else { "" };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}{}{query}", url.scheme(), url.host_str()?, url.path()))
}

/// What an answer was refused with, if its status does not say so.
fn more_than_status(answer: &WebhookAnswer) -> Option<&str> {
    let status = answer.status.map(|status| format!("HTTP {status}"));
    answer.error.as_deref().filter(|error| status.as_deref() != Some(*error))
}

fn answered(answers: &[WebhookAnswer]) -> Markup {
    html! {
        div.scroll { table.list {
            thead { tr {
                (col("Time")) (col("Answer")) (col("Event")) (col("Id")) (count_col("Took")) (col("Error"))
            } }
            tbody { @for answer in answers { tr {
                (cell("Time", &time(answer.at)))
                (cell("Answer", &html! {
                    @match answer.status {
                        Some(status) => {
                            (badge(if answer.error.is_none() { "good" } else { "bad" }, &status.to_string()))
                        }
                        None => { (badge("bad", "none")) }
                    }
                }))
                (cell("Event", &html! { (answer.kind.as_str()) }))
                (cell("Id", &html! {
                    @let id = answer.webhook.to_string();
                    a href=(link("/webhooks", &[("id", &id)])) title=(id) { code { (short(&id)) } }
                }))
                (count_cell("Took", &span(Duration::from_std(answer.took).unwrap_or_default())))
                td.text data-label="Error" { @if let Some(error) = more_than_status(answer) { (error) } }
            } } }
        } }
    }
}

pub(super) async fn test(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let merchant: MerchantName = posted.fields.needed("merchant")?;
    let row = Begun::new(
        &pages,
        &posted.viewer.asked,
        posted.viewer.entry(Action::WebhookTest).merchant(Some(&merchant)),
    );
    row.end(write(&pages, &posted.viewer, &merchant).await)
}

async fn write(pages: &Pages, viewer: &Viewer, merchant: &MerchantName) -> Result<Response, Failure> {
    let missing = "This merchant has no webhook endpoint.";
    if !viewer.sees(merchant) {
        return Err(Failure::NotForKey(missing));
    }
    let id = pages.deps.endpoints.test_webhook(merchant).await?;
    let id = id.ok_or(Failure::NotFound(missing))?;
    tracing::info!(merchant = merchant.as_str(), webhook = %id, "An operator tests a webhook endpoint");
    Ok(see(&path(merchant, &[("done", "tested")])))
}
