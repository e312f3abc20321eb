//! What is paused, and why an order waits for an operator.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::Pages;
use super::deadlines::Deadlines;
use super::failure::Failure;
use super::frame::MenuItem;
use super::links::link;
use super::pieces::{at, badge, col, command, done, time};
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

pub(super) async fn list(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let pauses = seen(&pages, &viewer).await?;
    let late = late(&pages, &viewer, &pauses).await?;
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
            } @else {
                (late)
                (table(&pauses, &viewer))
                @if viewer.may_act() { (resume_all(&pauses)) }
            }
        }
    };
    Ok(viewer.answer(MenuItem::Overview, "Pauses", &main))
}

/// Says how many orders are past their deadline: they fail when these pauses end.
pub(super) async fn late(pages: &Pages, viewer: &Viewer, pauses: &[Pause]) -> Result<Markup, Failure> {
    let (mut told, mut deadlines) = (Vec::new(), None);
    for pause in pauses.iter().filter(|pause| pause.kind == PauseKind::Orders) {
        if deadlines.is_none() {
            deadlines = Some(Deadlines::of(pages, viewer, &[viewer.now]).await?);
        }
        let late = deadlines.iter().find_map(|all| all.before_first(pause.merchant.as_ref()));
        told.extend(late.map(|late| (whose(pause.merchant.as_ref()), late)));
    }
    Ok(html! {
        @for (whose, late) in told {
            p.wrong {
                "Queued orders of " (whose) " that are past their deadline: " (late) ". They fail with "
                code { "deadline_exceeded" } " when the orders are resumed."
            }
        }
    })
}

/// Links that end everything of a merchant of which several kinds are paused.
fn resume_all(pauses: &[Pause]) -> Markup {
    let mut whole: Vec<(Option<&MerchantName>, Vec<PauseKind>)> = Vec::new();
    for pause in pauses {
        let merchant = pause.merchant.as_ref();
        match whole.iter_mut().find(|(other, _)| *other == merchant) {
            Some((_, kinds)) => kinds.push(pause.kind),
            None => whole.push((merchant, vec![pause.kind])),
        }
    }
    html! {
        @for (merchant, kinds) in whole.iter().filter(|(_, kinds)| kinds.len() > 1) {
            p.note { a href=(resume_link(*merchant, kinds)) { "Resume everything of " (whose(*merchant)) "…" } }
        }
    }
}

/// A table of pauses.
pub(super) fn table(pauses: &[Pause], viewer: &Viewer) -> Markup {
    html! {
        div.scroll { table.list {
            thead { tr {
                (col("Merchant")) (col("Paused")) (col("Since")) (col("Until")) (col("By")) (col("Reason"))
                @if viewer.may_act() { th scope="col" { span.unseen { "Action" } } }
            } }
            tbody { @for pause in pauses { tr {
                td data-label="Merchant" { (whose(pause.merchant.as_ref())) }
                td data-label="Paused" { (badge("warn", pause.kind.named())) }
                td data-label="Since" { (time(pause.since)) }
                td data-label="Until" { @if let Some(until) = pause.until { (time(until)) } @else { "resumed" } }
                td data-label="By" { (pause.paused_by) }
                td.text data-label="Reason" { (pause.reason) }
                @if viewer.may_act() {
                    td.act { a href=(resume_link(pause.merchant.as_ref(), &[pause.kind])) { "Resume…" } }
                }
            } } }
        } }
    }
}

/// Returns whose work a pause stops.
pub(super) fn whose(merchant: Option<&MerchantName>) -> String {
    merchant.map_or_else(|| "all merchants".to_owned(), |merchant| merchant.as_str().to_owned())
}

fn resume_link(merchant: Option<&MerchantName>, kinds: &[PauseKind]) -> String {
    let merchant = merchant.map(|merchant| ("merchant", merchant.as_str()));
    let kinds = kinds.iter().map(|kind| ("kind", kind.as_str()));
    link("/pauses/resume", &merchant.into_iter().chain(kinds).collect::<Vec<_>>())
}

/// Why an order that has not ended waits for an operator.
pub(super) fn why(order: &OrderView, pauses: &[Pause], viewer: &Viewer) -> Markup {
    let stops = |kind| pauses.iter().filter(move |pause| pause.stops(kind, &order.merchant));
    html! {
        @if order.status == Status::Queued {
            @for pause in stops(PauseKind::Orders) {
                p {
                    "The order waits because the orders of " (whose(pause.merchant.as_ref()))
                    " have been paused" (about(pause, viewer))
                }
                (deadline(order, pause, viewer.now))
            }
        }
        @if order.ended_at.is_none() {
            @for pause in stops(PauseKind::Exchanges) {
                p {
                    "Refresh tokens of " (whose(pause.merchant.as_ref()))
                    " are not used: this has been paused" (about(pause, viewer))
                    " The order waits for a while (the setting vault.token_patience), then goes without a token."
                }
            }
        }
    }
}

/// Says what a pause means for the order's deadline, if it does not end before.
fn deadline(order: &OrderView, pause: &Pause, now: DateTime<Utc>) -> Markup {
    html! {
        @if order.deadline_at <= now {
            p.wrong { "Its deadline passed at " (at(order.deadline_at)) ": it fails with " code { "deadline_exceeded" }
                " when the orders are resumed." }
        } @else if pause.until.is_none_or(|until| until >= order.deadline_at) {
            p.wrong {
                "It fails with " code { "deadline_exceeded" }
                " when the orders are resumed after its deadline at " (at(order.deadline_at)) "."
            }
        }
    }
}

fn about(pause: &Pause, viewer: &Viewer) -> Markup {
    html! {
        " since " (at(pause.since)) " by " (pause.paused_by)
        @if let Some(until) = pause.until { ", until " (at(until)) }
        ": " (pause.reason) ". "
        @if viewer.may_act() { a href=(resume_link(pause.merchant.as_ref(), &[pause.kind])) { "Resume…" } }
    }
}
