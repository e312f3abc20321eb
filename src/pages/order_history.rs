//! The history of one order: what happened to it, and who asked for it.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::pieces::{at, exact_time, outcome, span, words};
use crate::audit::who;
use crate::order::{KlarnaState, OrderView, SessionPhase, Status};
use crate::store::{Attempt, ChangeKind, FailingFollowUp, OrderChange, OrderHistory};
use crate::token::{LedgerEntry, Outcome};

/// One event.
struct Event {
    at: DateTime<Utc>,
    tone: &'static str,
    what: Markup,
}

/// The events of an order, oldest first.
pub(super) fn line(
    order: &OrderView,
    history: &OrderHistory,
    ledger: &[LedgerEntry],
    now: DateTime<Utc>,
) -> Markup {
    let mut events = vec![Event { at: order.accepted_at, tone: "calm", what: html! { "Accepted" } }];
    let of_order = ledger.iter().filter(|entry| entry.purpose_ref == Some(order.id.into()));
    events.extend(of_order.map(presented));
    events.extend(history.numbered_attempts().map(|(number, attempt)| failed(number, attempt)));
    events.extend(history.changes.iter().map(changed));
    events.extend(history.follow_ups.iter().map(followed_up));
    // After the changes: it was claimed at the earliest at the time of its retry.
    events.extend(history.first_claimed_at.map(|at| claimed(at, order, history)));
    if let Some(at) = order.ended_at.filter(|_| !history.tells_end_of(order.status)) {
        let (tone, what) = match order.status {
            Status::Submitted => (
                "good",
                html! { "Submitted" @if let Some(token) = order.token { ", " (outcome(Some(token))) } },
            ),
            Status::Failed => ("bad", html! { "Failed" }),
            _ => ("off", html! { "Cancelled" }),
        };
        events.push(Event { at, tone, what });
    }
    if let Some(KlarnaState { phase, status, read_at, .. }) = &order.session {
        let tone = if *phase == SessionPhase::Completed { "good" } else { "calm" };
        let what = html! { "Last read at Klarna: " b { (phase.as_str()) } " (" (status) ")" };
        events.push(Event { at: *read_at, tone, what });
    }
    events.sort_by_key(|event| event.at);
    html! {
        ol.history { @for event in &events {
            li.(event.tone) { span.when { (exact_time(event.at)) } span.what { (event.what) } }
        } }
        @if order.status == Status::Queued {
            p.note {
                @if order.due_at > now { "Next attempt at " (at(order.due_at)) "." }
                @else { "Due since " (at(order.due_at)) ", and not taken by a worker yet." }
            }
        }
    }
}

fn claimed(at: DateTime<Utc>, order: &OrderView, history: &OrderHistory) -> Event {
    let what = match history.retried_at() {
        Some(retried) => html! { "Claimed by a worker, " (span(at - retried)) " after it was retried" },
        None => {
            html! { "First claimed by a worker, " (span(at - order.accepted_at)) " after it was accepted" }
        }
    };
    Event { at, tone: "busy", what }
}

fn failed(number: Option<usize>, attempt: &Attempt) -> Event {
    let what = html! {
        @match number { Some(number) => { "Attempt " (number) }, None => { "Given up" } } @if let Some(worker) = &attempt.worker { " by " (worker) } ": "
        @if attempt.lost { "its worker stopped; the order may have been sent" }
        @if let Some(error) = &attempt.error {
            b { (error.code) } ". " (error.message)
            @if let Some(correlation) = &error.correlation_id { " " code { (correlation) } }
        }
    };
    Event { at: attempt.ended_at, tone: if attempt.lost { "warn" } else { "bad" }, what }
}

fn changed(change: &OrderChange) -> Event {
    let (tone, what) = match change.kind {
        ChangeKind::Retry => ("calm", "Had failed, and was retried by "),
        ChangeKind::Cancel => ("off", "Cancelled by "),
        ChangeKind::Update => ("calm", "Its body was replaced by "),
    };
    Event { at: change.at, tone, what: html! { (what) b { (who(&change.actor)) } } }
}

fn followed_up(follow_up: &FailingFollowUp) -> Event {
    let FailingFollowUp { kind, attempts, error, at, given_up } = follow_up;
    let what = html! {
        @if *given_up { "Call to Klarna to " (kind.aim()) ", given up after " (attempts) " that failed: " }
        @else { "Next call to Klarna to " (kind.aim()) ", after " (attempts) " that failed: " }
        (error)
    };
    Event { at: *at, tone: if *given_up { "bad" } else { "warn" }, what }
}

fn presented(entry: &LedgerEntry) -> Event {
    let took = entry.closed_at.map(|closed| span(closed - entry.opened_at));
    let outcome = entry.outcome.map_or("in progress", |outcome| outcome.as_str());
    let what = html! {
        "Refresh token sent (generation " (entry.place.generation)
        ", presentation " (entry.place.presentation) ")"
        @if let Some(worker) = &entry.worker { " by " (worker) } ": "
        b { (words(outcome)) } @if let Some(cause) = &entry.cause { " (" (cause) ")" }
        @if let Some(took) = took { ", after " (took) }
        @match entry.outcome {
            Some(Outcome::Refused | Outcome::NotSent) => { "; the token is unchanged" }
            _ => {}
        }
    };
    Event { at: entry.opened_at, tone: "busy", what }
}
