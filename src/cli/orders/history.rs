//! What happened to an order, as `orders show` prints it.

use std::fmt::{self, Display};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::app::App;
use crate::audit::who;
use crate::cli::table::printable;
use crate::ids::UserKey;
use crate::order::{KlarnaState, OrderView, Status};
use crate::store::{
    Attempt, ChangeKind, FailingFollowUp, OrderChange, OrderHistory, StoreError, WebhookFilter,
    WebhookStatus, WebhookView, failed_with,
};
use crate::token::LedgerEntry;

/// How many of the user's latest token uses and webhooks are searched for those of the order.
const LATEST: u32 = 200;

/// One event.
#[derive(Debug, Serialize)]
pub(super) struct Event {
    /// When it happened.
    at: DateTime<Utc>,
    /// What happened, in words.
    what: String,
}

/// The events of an order, oldest first.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct History {
    events: Vec<Event>,
    /// What the order's last exchange failed with, if it has no fresh token.
    #[serde(skip)]
    pub(super) token_cause: Option<String>,
}

impl History {
    pub(super) async fn read(app: &App, order: &OrderView) -> Result<Self, StoreError> {
        let user = UserKey { merchant: order.merchant.clone(), user: order.user.clone() };
        let past = app.store.order_history(order.id).await?;
        let ledger = app.registry().history(&user, None, LATEST).await?;
        let of_user = WebhookFilter {
            merchant: Some(user.merchant),
            user: Some(user.user),
            limit: LATEST,
            ..WebhookFilter::default()
        };
        let webhooks = app.store.webhooks(&of_user).await?;
        let events = Self::of(order, &past, &ledger, &webhooks, app.clock.now());
        Ok(Self { events, token_cause: failed_with(order, &ledger) })
    }

    fn of(
        order: &OrderView,
        past: &OrderHistory,
        ledger: &[LedgerEntry],
        webhooks: &[WebhookView],
        now: DateTime<Utc>,
    ) -> Vec<Event> {
        let mut events = vec![Event { at: order.accepted_at, what: "accepted".to_owned() }];
        let mut add = |at, what| events.push(Event { at, what });
        for change in &past.changes {
            add(change.at, changed(change));
        }
        if let Some(at) = past.first_claimed_at {
            add(
                at,
                if past.retried_at().is_some() {
                    "claimed by a worker after the retry"
                } else {
                    "first claimed by a worker"
                }
                .to_owned(),
            );
        }
        for entry in ledger.iter().filter(|entry| entry.purpose_ref == Some(order.id.into())) {
            add(entry.opened_at, presented(entry));
        }
        for (number, attempt) in past.numbered_attempts() {
            add(attempt.ended_at, failed_attempt(number, attempt));
        }
        if let Some(at) = order.ended_at.filter(|_| !past.tells_end_of(order.status)) {
            add(at, ended(order));
        }
        for webhook in webhooks.iter().filter(|webhook| webhook.order == Some(order.id)) {
            let at = webhook.ended_at.filter(|_| webhook.status == WebhookStatus::Delivered);
            add(at.unwrap_or(webhook.occurred_at), describe(webhook));
        }
        for follow_up in &past.follow_ups {
            add(follow_up.at, followed_up(follow_up));
        }
        if let Some(KlarnaState { phase, status, read_at, .. }) = &order.session {
            add(*read_at, format!("last read at Klarna: {phase} ({status})"));
        }
        if order.status == Status::Queued {
            let what = if order.due_at > now { "next attempt" } else { "due, and not taken by a worker yet" };
            add(order.due_at, what.to_owned());
        }
        events.sort_by_key(|event| event.at);
        events
    }
}

impl Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Event { at, what } in &self.events {
            write!(f, "\n  {}  {}", at.to_rfc3339_opts(SecondsFormat::Millis, true), printable(what))?;
        }
        Ok(())
    }
}

fn presented(entry: &LedgerEntry) -> String {
    let outcome = entry.outcome.map_or("in progress", |outcome| outcome.as_str());
    let took =
        entry.closed_at.map(|closed| format!(", after {} ms", (closed - entry.opened_at).num_milliseconds()));
    let by = entry.worker.as_ref().map(|worker| format!(", by {worker}"));
    let cause = entry.cause.as_ref().map(|cause| format!(" ({cause})"));
    format!(
        "refresh token used (generation {}, presentation {}): {outcome}{}{}{}",
        entry.place.generation,
        entry.place.presentation,
        cause.unwrap_or_default(),
        took.unwrap_or_default(),
        by.unwrap_or_default()
    )
}

fn changed(change: &OrderChange) -> String {
    let what = match change.kind {
        ChangeKind::Retry => "had failed, and was retried",
        ChangeKind::Cancel => "cancelled",
        ChangeKind::Update => "its body was replaced",
    };
    format!("{what} by {}", who(&change.actor))
}

fn followed_up(follow_up: &FailingFollowUp) -> String {
    let FailingFollowUp { kind, attempts, error, given_up, at: _ } = follow_up;
    let aim = kind.aim();
    if *given_up {
        format!("call to Klarna to {aim}, given up after {attempts} that failed: {error}")
    } else {
        format!("next call to Klarna to {aim}, after {attempts} that failed: {error}")
    }
}

fn failed_attempt(number: Option<usize>, attempt: &Attempt) -> String {
    let by = attempt.worker.as_ref().map(|worker| format!(" by {worker}")).unwrap_or_default();
    let why = match (&attempt.error, attempt.lost) {
        (_, true) => "its worker stopped; the order may have been sent".to_owned(),
        (Some(error), false) => format!("{}: {}", error.code, error.message),
        (None, false) => "no reason is stored".to_owned(),
    };
    match number {
        Some(number) => format!("attempt {number}{by} failed: {why}"),
        None => format!("given up{by}: {why}"),
    }
}

fn ended(order: &OrderView) -> String {
    match order.status {
        Status::Submitted => {
            let token = order.token.map(|token| format!(", token: {token}")).unwrap_or_default();
            format!("submitted{token}")
        }
        status => status.to_string(),
    }
}

fn describe(webhook: &WebhookView) -> String {
    let error = webhook.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!(
        "webhook {} {}, {} attempts{error}",
        webhook.kind.as_str(),
        webhook.status.as_str(),
        webhook.attempts
    )
}
