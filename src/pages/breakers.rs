//! The circuit breakers whose calls wait, and the form that lets them try a call now.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::act::{Question, ask};
use super::audited::Begun;
use super::failure::Failure;
use super::fields::Fields;
use super::frame::MenuItem;
use super::links::link;
use super::pieces::{badge, col, facts, time};
use super::viewer::{Posted, Viewer, see};
use crate::audit::Action;
use crate::breaker::{BreakerState, Endpoint, WaitingBreaker};
use crate::ids::MerchantName;
use crate::store::WorkerView;

/// A circuit breaker of a process.
#[derive(Clone, Copy)]
pub(super) struct SeenBreaker<'a> {
    /// The name of the process.
    pub(super) process: &'a str,
    pub(super) breaker: &'a WaitingBreaker,
}

/// The circuit breakers of living processes that the viewer may see.
pub(super) fn seen<'a>(workers: &'a [WorkerView], viewer: &Viewer) -> Vec<SeenBreaker<'a>> {
    let of = |worker: &'a WorkerView| {
        worker.breakers.iter().map(|breaker| SeenBreaker { process: &worker.name, breaker })
    };
    let all = workers.iter().filter(|worker| worker.alive).flat_map(of);
    all.filter(|seen| viewer.sees(&seen.breaker.merchant)).collect()
}

/// The state of a circuit breaker.
pub(super) fn state(state: BreakerState) -> Markup {
    match state {
        BreakerState::Closed => badge("warn", "asked to wait"),
        BreakerState::Open => badge("bad", "open"),
        BreakerState::HalfOpen => badge("warn", "half-open: the next call decides"),
        BreakerState::Probing => badge("warn", "probing"),
    }
}

/// The table on the overview.
pub(super) fn table(breakers: &[SeenBreaker<'_>], workers: &[WorkerView], viewer: &Viewer) -> Markup {
    html! {
        @if workers.is_empty() { p.quiet { "No process is running." } }
        @else if breakers.is_empty() {
            p.quiet { "All circuit breakers are closed: no endpoint of Klarna fails." }
        }
        @else {
            div.scroll { table.list {
                thead { tr {
                    (col("Merchant")) (col("Endpoint")) (col("State")) (col("Process")) (col("Since"))
                    (col("Next try")) (col("Cause"))
                    @if viewer.may_act() { th scope="col" { span.unseen { "Action" } } }
                } }
                tbody { @for SeenBreaker { process, breaker } in breakers {
                    tr {
                        td data-label="Merchant" { (breaker.merchant) }
                        td data-label="Endpoint" { (breaker.endpoint.as_str()) }
                        td data-label="State" { (state(breaker.state)) }
                        td data-label="Process" { (process) }
                        td data-label="Since" { (time(breaker.since)) }
                        td data-label="Next try" {
                            @if breaker.state == BreakerState::Probing { "now" } @else { (time(breaker.next_try)) }
                        }
                        td.text data-label="Cause" { (breaker.cause) }
                        @if viewer.may_act() {
                            td.act {
                                @if breaker.state != BreakerState::HalfOpen {
                                    a href=(probe_link(breaker)) { "Try now…" }
                                }
                            }
                        }
                    }
                } }
            } }
        }
    }
}

fn probe_link(breaker: &WaitingBreaker) -> String {
    link(
        "/breakers/probe",
        &[("merchant", breaker.merchant.as_str()), ("endpoint", breaker.endpoint.as_str())],
    )
}

pub(super) async fn ask_probe(State(pages): State<Arc<Pages>>, viewer: Viewer) -> Result<Response, Failure> {
    let (merchant, endpoint) = named(&pages, &viewer, &viewer.query)?;
    let workers = pages.deps.dashboard.workers(pages.deps.worker_lost_after).await?;
    let breakers = workers.iter().filter(|worker| worker.alive).flat_map(|worker| &worker.breakers);
    let breaker = breakers
        .filter(|breaker| breaker.merchant == merchant && breaker.endpoint == endpoint)
        .min_by_key(|breaker| breaker.next_try);
    let about = html! {
        p { "The pause ends in every process within a second, and the next call tests the endpoint. If it \
            succeeds, the others follow. Orders that wait for their next try are due at once. If none waits, the \
            next order makes the call." }
        (facts(&[
            ("Merchant", html! { (merchant.as_str()) }),
            ("Endpoint", html! { (endpoint.as_str()) }),
            ("Cause", html! {
                @if let Some(breaker) = breaker { (breaker.cause) }
                @else { span.quiet { "its calls do not wait any more" } }
            }),
            ("Next try", html! {
                @if let Some(breaker) = breaker {
                    @if breaker.state == BreakerState::HalfOpen { "the next call" } @else { (time(breaker.next_try)) }
                }
            }),
        ]))
    };
    let answer = html! {
        input type="hidden" name="merchant" value=(merchant.as_str());
        input type="hidden" name="endpoint" value=(endpoint.as_str());
        button type="submit" { "Try now" }
    };
    let question = Question { title: "Try a call now?", action: "/breakers/probe", back: "/#breakers" };
    Ok(ask(viewer, MenuItem::Overview, &question, &about, &answer))
}

pub(super) async fn probe(State(pages): State<Arc<Pages>>, posted: Posted) -> Result<Response, Failure> {
    let (merchant, endpoint) = named(&pages, &posted.viewer, &posted.fields)?;
    let entry = posted.viewer.entry(Action::BreakersProbe).merchant(Some(&merchant));
    let row = Begun::new(&pages, &posted.viewer.asked, entry.object(endpoint.as_str()));
    let ordered = pages.deps.pausing.probe(&merchant, &[endpoint]).await.map_err(Failure::from);
    if ordered.is_ok() {
        tracing::info!(%merchant, endpoint = endpoint.as_str(), "An operator ordered a try of circuit breakers");
    }
    row.end(ordered.map(|_| see("/?done=probed#breakers")))
}

/// Reads which breakers a form or a query is about, and checks that the viewer may act on them.
fn named(pages: &Pages, viewer: &Viewer, fields: &Fields) -> Result<(MerchantName, Endpoint), Failure> {
    let endpoint = fields.word("endpoint", |word| Endpoint::from_word(word).ok())?;
    let endpoint = endpoint.ok_or_else(|| Failure::Invalid("Name an endpoint.".into()))?;
    let merchant: MerchantName = fields.needed("merchant")?;
    viewer.check(Some(&merchant))?;
    if !viewer.merchants(pages).contains(&merchant) {
        return Err(Failure::NotFound("This merchant is not in the settings."));
    }
    Ok((merchant, endpoint))
}
