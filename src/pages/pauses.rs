//! What is paused, and why an order waits for an operator.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::failure::Failure;
use super::frame::MenuItem;
use super::links::link;
use super::pieces::{badge, col, command, done, time};
use super::viewer::Viewer;
use crate::ids::MerchantName;
use crate::order::{OrderView, Status};
use crate::pauses::{Pause, PauseKind};

/// Returns the pauses that the viewer may see.
pub(super) async fn seen(pages: &Pages, viewer: &Viewer) -> Result<Vec<Pause>, Failure> {
    let mut pauses = pages.deps.pausing.pauses().await?;
    pauses.retain(|pause| pause.merchant.as_ref().is_none_or(|merchant| viewer.sees(merchant)));
    Ok(pauses)
}

/// The strip on the overview.
pub(super) fn strip(pauses: &[Pause], viewer: &Viewer) -> Markup {
    html! {
        @if pauses.is_empty() {
            p.quiet { "Nothing is paused. " @if viewer.may_act() { a href="/pauses/new" { "Pause work…" } } }
        } @else {
            h2 { "Paused" }
            (table(pauses, viewer))
            @if viewer.may_act() { p.note { a href="/pauses/new" { "Pause more…" } } }
        }
    }
}

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let pauses = seen(&pages, &viewer).await?;
    let main = html! {
        div.heading {
            h1 { "Pauses" }
            @if viewer.may_act() { div.actions { a.button href="/pauses/new" { "Pause work…" } } }
        }
        (done(&viewer.query))
        section #pauses data-live {
            @if pauses.is_empty() {
                p.empty { "Nothing is paused. To pause work, for example while Klarna is down:" }
                (command("klarna-order-worker pause orders --merchant shop --for 10m --reason \"Klarna is down\""))
            } @else { (table(&pauses, &viewer)) }
        }
    };
    Ok(viewer.answer(MenuItem::Overview, "Pauses", &main))
}

fn table(pauses: &[Pause], viewer: &Viewer) -> Markup {
    html! {
        div.scroll { table.list {
            thead { tr {
                (col("Merchant")) (col("Paused")) (col("Since")) (col("Until")) (col("By")) (col("Reason"))
                @if viewer.may_act() { th scope="col" { span.unseen { "Action" } } }
            } }
            tbody { @for pause in pauses { tr {
                td data-label="Merchant" { (whose(pause.merchant.as_ref())) }
                td data-label="Paused" { (badge("warn", pause.kind.as_str())) }
                td data-label="Since" { (time(pause.since)) }
                td data-label="Until" { @if let Some(until) = pause.until { (time(until)) } @else { "resumed" } }
                td data-label="By" { (pause.paused_by) }
                td.text data-label="Reason" { (pause.reason) }
                @if viewer.may_act() { td { a href=(resume_link(pause)) { "Resume…" } } }
            } } }
        } }
    }
}

/// Returns whose work a pause stops.
pub(super) fn whose(merchant: Option<&MerchantName>) -> String {
    merchant.map_or_else(|| "all merchants".to_owned(), |merchant| merchant.as_str().to_owned())
}

fn resume_link(pause: &Pause) -> String {
    let merchant = pause.merchant.as_ref().map(|merchant| ("merchant", merchant.as_str()));
    let query: Vec<_> = merchant.into_iter().chain([("kind", pause.kind.as_str())]).collect();
    link("/pauses/resume", &query)
}

/// Why an order that has not ended waits for an operator.
pub(super) fn why(order: &OrderView, pauses: &[Pause], viewer: &Viewer) -> Markup {
    let stops = |kind| pauses.iter().filter(move |pause| pause.stops(kind, &order.merchant));
    html! {
        @if order.status == Status::Queued {
            @for pause in stops(PauseKind::Orders) {
                p { "The order waits because the orders of " (whose(pause.merchant.as_ref())) " are paused" (about(pause, viewer)) }
            }
        }
        @if order.ended_at.is_none() {
            @for pause in stops(PauseKind::Exchanges) {
                p { "Refresh tokens of " (whose(pause.merchant.as_ref())) " are not used: this is paused" (about(pause, viewer))
                    " The order waits within vault.token_patience, then goes without a token." }
            }
        }
    }
}

fn about(pause: &Pause, viewer: &Viewer) -> Markup {
    html! {
        " since " (time(pause.since)) " by " (pause.paused_by)
        @if let Some(until) = pause.until { ", until " (time(until)) }
        ": " (pause.reason) ". " @if viewer.may_act() { a href=(resume_link(pause)) { "Resume…" } }
    }
}
