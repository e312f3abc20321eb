//! What happened to an order, in words and in order of time, as the API, the pages and the command
//! line show it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::audit::who;
use crate::clock::span;
use crate::ids::{MerchantName, UserKey};
use crate::order::{ErrorCode, KlarnaState, OrderView, SessionPhase, Status, Target, TokenOutcome, Wait};
use crate::pauses::{Pause, PauseKind};
use crate::store::{
    Attempt, ChangeKind, DashboardQueries, FailingFollowUp, OrderChange, OrderHistory, StoreError,
    WebhookFilter, WebhookStatus, WebhookView, Webhooks,
};
use crate::token::{LedgerEntry, Outcome};
use crate::vault::Registry;

/// How many of the user's latest token uses and webhooks are searched for those of the order.
const LATEST: u32 = 200;

/// What an event means for the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing is wrong.
    #[default]
    Calm,
    /// Somebody works on it.
    Busy,
    /// It succeeded.
    Good,
    /// It may need a look.
    Warn,
    /// It failed.
    Bad,
    /// It is over.
    Off,
}

/// Something that happened to an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderEvent {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened, in words for people. They may change with each release.
    #[schema(example = "Klarna pushed the order: it says that a shopper has paid")]
    pub what: String,
    /// What it means.
    #[serde(skip)]
    pub tone: Tone,
}

/// Where the parts of a history are read.
pub struct Sources<'a> {
    /// What happened to the order.
    pub dashboard: &'a dyn DashboardQueries,
    /// The ledger of its user's token. `None`: whoever asks must not read it.
    pub registry: Option<&'a Registry>,
    /// Its webhook events.
    pub webhooks: &'a dyn Webhooks,
    /// Whether to tell who paused something, and why.
    pub who_paused: bool,
}

/// The history of an order.
#[derive(Clone, Debug)]
pub struct History {
    /// What happened, oldest first.
    pub events: Vec<OrderEvent>,
    /// The part of it that the order's row does not have.
    pub past: OrderHistory,
    /// The order's webhook events.
    pub webhooks: Vec<WebhookView>,
    /// What the order's last exchange failed with, if it has no fresh token.
    pub token_cause: Option<String>,
}

impl History {
    /// Reads the history of an order as it is at `now`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn read(from: &Sources<'_>, order: &OrderView, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let user = UserKey { merchant: order.merchant.clone(), user: order.user.clone() };
        let past = from.dashboard.order_history(order.id).await?;
        let ledger = match from.registry {
            Some(registry) => registry.history(&user, None, LATEST).await?,
            None => Vec::new(),
        };
        let of_user = WebhookFilter {
            merchant: Some(user.merchant),
            user: Some(user.user),
            limit: LATEST,
            ..WebhookFilter::default()
        };
        let mut webhooks = from.webhooks.webhooks(&of_user).await?;
        webhooks.retain(|webhook| webhook.order == Some(order.id));
        let mut events = events(order, &past, &ledger, &webhooks, now);
        events.extend(past.pauses.iter().map(|pause| paused(pause, order, from.who_paused)));
        events.sort_by_key(|event| event.at);
        Ok(Self { events, past, webhooks, token_cause: failed_with(order, &ledger) })
    }
}

fn events(
    order: &OrderView,
    past: &OrderHistory,
    ledger: &[LedgerEntry],
    webhooks: &[WebhookView],
    now: DateTime<Utc>,
) -> Vec<OrderEvent> {
    let mut events = vec![event(order.accepted_at, Tone::Calm, "accepted")];
    events.extend(past.changes.iter().map(changed));
    // After the changes: it was claimed at the earliest at the time of its retry.
    events.extend(past.first_claimed_at.map(|at| claimed(at, order, past)));
    let of_order = ledger.iter().filter(|entry| entry.purpose_ref == Some(order.id.into()));
    events.extend(of_order.map(presented));
    events.extend(numbered_attempts(past).map(|(number, attempt)| failed(number, attempt)));
    events.extend(past.waits.iter().map(|wait| waited(wait, order, now)));
    if let Some(at) = order.ended_at.filter(|_| !tells_end_of(&past.changes, order.status)) {
        events.push(ended(at, order));
    }
    let pushed = "Klarna pushed the order: it says that a shopper has paid";
    events.extend(past.pushed_at.map(|at| event(at, Tone::Calm, pushed)));
    events.extend(read_at_klarna(order, past));
    events.extend(past.acknowledged_at.map(|at| event(at, Tone::Good, "acknowledged at Klarna")));
    events.extend(webhooks.iter().map(sent));
    events.extend(past.follow_ups.iter().map(followed_up));
    if order.status == Status::Queued {
        let holds =
            |pause: &Pause| pause.kind == PauseKind::Orders && pause.until.is_none_or(|until| until > now);
        let what = if order.due_at > now {
            "next attempt"
        } else if past.pauses.iter().any(holds) {
            "due, and not started while orders are paused"
        } else {
            "due, and not taken by a worker yet"
        };
        events.push(event(order.due_at, Tone::Off, what));
    }
    events
}

/// Returns the attempts with their numbers. A retry begins a new count, and giving up has no
/// number.
pub fn numbered_attempts(past: &OrderHistory) -> impl Iterator<Item = (Option<usize>, &Attempt)> {
    past.attempts.iter().enumerate().map(|(earlier, attempt)| {
        let retried = past.retried_before(attempt.ended_at);
        // Only those in front of it: clocks may step.
        let before = past.attempts[..earlier].iter();
        let before = before.filter(|other| retried.is_none_or(|at| other.ended_at > at) && !gives_up(other));
        ((!gives_up(attempt)).then(|| before.count() + 1), attempt)
    })
}

/// Whether nothing was tried: the order was given up, such as at its deadline.
fn gives_up(attempt: &Attempt) -> bool {
    const CODES: [ErrorCode; 2] = [ErrorCode::DeadlineExceeded, ErrorCode::DatabaseRestored];
    attempt.error.as_ref().is_some_and(|error| CODES.iter().any(|code| error.code == code.as_str()))
}

/// Whether the changes already tell the end of an order with this status: who cancelled it.
fn tells_end_of(changes: &[OrderChange], status: Status) -> bool {
    status == Status::Cancelled && changes.iter().any(|change| change.kind == ChangeKind::Cancel)
}

/// Returns why an order has got no fresh token, in words: what its last exchange failed with, such
/// as `refused: HTTP 503`. `None` if it has one, or if no exchange that was made for it failed.
/// `ledger` is that of its user's token, newest first.
fn failed_with(order: &OrderView, ledger: &[LedgerEntry]) -> Option<String> {
    if matches!(order.token, Some(TokenOutcome::Fresh | TokenOutcome::Cached)) {
        return None;
    }
    let last = ledger.iter().find(|entry| entry.purpose_ref == Some(order.id.into()))?;
    let (outcome, cause) = (last.outcome?, last.cause.as_ref()?);
    Some(format!("{}: {cause}", outcome.as_str().replace('_', " ")))
}

fn event(at: DateTime<Utc>, tone: Tone, what: impl Into<String>) -> OrderEvent {
    OrderEvent { at, what: what.into(), tone }
}

fn changed(change: &OrderChange) -> OrderEvent {
    let (tone, what) = match change.kind {
        ChangeKind::Retry => (Tone::Calm, "had failed, and was retried"),
        ChangeKind::Cancel => (Tone::Off, "cancelled"),
        ChangeKind::Update => (Tone::Calm, "its body was replaced"),
    };
    event(change.at, tone, format!("{what} by {}", who(&change.actor)))
}

fn claimed(at: DateTime<Utc>, order: &OrderView, past: &OrderHistory) -> OrderEvent {
    let what = match past.retried_at() {
        Some(retried) => format!("claimed by a worker, {} after it was retried", span(at - retried)),
        None => format!("first claimed by a worker, {} after it was accepted", span(at - order.accepted_at)),
    };
    event(at, Tone::Busy, what)
}

fn presented(entry: &LedgerEntry) -> OrderEvent {
    let by = by(entry.worker.as_ref());
    let outcome = entry.outcome.map_or("in progress", |outcome| outcome.as_str()).replace('_', " ");
    let cause = entry.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
    let took = entry.closed_at.map(|closed| format!(", after {}", span(closed - entry.opened_at)));
    let took = took.unwrap_or_default();
    let unchanged = match entry.outcome {
        Some(Outcome::Refused | Outcome::NotSent) => "; the token is unchanged",
        _ => "",
    };
    let (generation, presentation) = (entry.cursor.generation, entry.cursor.presentation);
    let what = format!(
        "refresh token sent (generation {generation}, presentation {presentation}){by}: \
         {outcome}{cause}{took}{unchanged}"
    );
    event(entry.opened_at, Tone::Busy, what)
}

fn failed(number: Option<usize>, attempt: &Attempt) -> OrderEvent {
    let by = by(attempt.worker.as_ref());
    let why = match (&attempt.error, attempt.lost) {
        (_, true) => "its worker stopped; the order may have been sent".to_owned(),
        (Some(error), false) => {
            let correlation =
                error.correlation_id.as_ref().map(|id| format!(" (Klarna's correlation id {id})"));
            format!("{}: {}{}", error.code, error.message, correlation.unwrap_or_default())
        }
        (None, false) => "no reason is stored".to_owned(),
    };
    let what = match number {
        Some(number) => format!("attempt {number}{by} failed: {why}"),
        None => format!("given up{by}: {why}"),
    };
    event(attempt.ended_at, if attempt.lost { Tone::Warn } else { Tone::Bad }, what)
}

/// An order was put back, and is due again by now or will be.
fn waited(wait: &Wait, order: &OrderView, now: DateTime<Utc>) -> OrderEvent {
    let Wait { what, since, until } = wait;
    let what = if order.status == Status::Queued && order.due_at > now && *until > now {
        format!("waits for {what}")
    } else {
        format!("waited {} for {what}", span(order.ended_at.unwrap_or(now).min(*until) - *since))
    };
    event(*since, Tone::Warn, what)
}

/// An operator had paused what the order needs.
fn paused(pause: &Pause, order: &OrderView, tells_who: bool) -> OrderEvent {
    let Pause { merchant, kind, reason, paused_by, since, until, read_at } = pause;
    let whose = merchant.as_ref().map_or("all merchants", MerchantName::as_str);
    let (kind, since) = (kind.named(), order.accepted_at.max(*since));
    let by = if tells_who { format!(" by {}: {reason}", who(paused_by)) } else { String::new() };
    let end = order.ended_at.unwrap_or(*read_at);
    let what = match until.filter(|until| *until <= end).or(order.ended_at) {
        Some(until) => format!("for {}, the {kind} of {whose} were paused{by}", span(until - since)),
        None => format!("the {kind} of {whose} are paused{by}"),
    };
    event(since, Tone::Warn, what)
}

fn by(worker: Option<&String>) -> String {
    worker.map(|worker| format!(" by {worker}")).unwrap_or_default()
}

fn ended(at: DateTime<Utc>, order: &OrderView) -> OrderEvent {
    match order.status {
        Status::Submitted => {
            let token = order.token.map(|token| format!(", token: {token}")).unwrap_or_default();
            let refused = order.prefilled.refused();
            let unfilled = refused.map(|why| format!("; nothing was prefilled: {why}")).unwrap_or_default();
            event(at, Tone::Good, format!("submitted{token}{unfilled}"))
        }
        Status::Failed => event(at, Tone::Bad, "failed"),
        status => event(at, Tone::Off, status.to_string()),
    }
}

/// When the order was first read as completed at Klarna, and when it was last read there.
fn read_at_klarna(order: &OrderView, past: &OrderHistory) -> impl Iterator<Item = OrderEvent> {
    let session = order.session.as_ref();
    let completed = past.completed_at.map(|at| {
        let what = match order.target {
            Some(Target::Payments) => "read at Klarna that the shop has placed the session's order",
            Some(Target::Checkout) | None => "its payment was read at Klarna",
        };
        let last = session.filter(|_| past.read_at == Some(at));
        let status = last.map(|session| format!(" ({})", session.status)).unwrap_or_default();
        event(at, Tone::Good, format!("{what}{status}"))
    });
    let last = session.filter(|_| past.completed_at.is_none() || past.completed_at != past.read_at);
    let last = last.map(|KlarnaState { phase, status, read_at, .. }| {
        let tone = if *phase == SessionPhase::Completed { Tone::Good } else { Tone::Calm };
        let what = format!("last read at Klarna: {phase} ({status})");
        event(past.read_at.unwrap_or(*read_at), tone, what)
    });
    completed.into_iter().chain(last)
}

fn sent(webhook: &WebhookView) -> OrderEvent {
    let tone = match webhook.status {
        WebhookStatus::Pending => Tone::Calm,
        WebhookStatus::Delivered => Tone::Good,
        WebhookStatus::Failed => Tone::Bad,
    };
    let at = webhook.ended_at.filter(|_| webhook.status == WebhookStatus::Delivered);
    let error = webhook.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let attempts = if webhook.attempts == 1 { "attempt" } else { "attempts" };
    let what = format!(
        "webhook {} {}, {} {attempts}{error}",
        webhook.kind.as_str(),
        webhook.status.as_str(),
        webhook.attempts
    );
    event(at.unwrap_or(webhook.occurred_at), tone, what)
}

fn followed_up(follow_up: &FailingFollowUp) -> OrderEvent {
    let FailingFollowUp { kind, attempts, error, at, given_up } = follow_up;
    let aim = kind.aim();
    if *given_up {
        let what = format!("call to Klarna to {aim}, given up after {attempts} that failed: {error}");
        event(*at, Tone::Bad, what)
    } else {
        let what = format!("next call to Klarna to {aim}, after {attempts} that failed: {error}");
        event(*at, Tone::Warn, what)
    }
}
