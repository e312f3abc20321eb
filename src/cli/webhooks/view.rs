//! How commands print webhooks.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cli::Table;
use crate::cli::table::printable;
use crate::cli::views::{or_dash, time};
use crate::ids::WebhookId;
use crate::order::OrderId;
use crate::store::{DisabledWhy, Endpoint, EventKind, WebhookAnswer, WebhookStatus, WebhookView};

/// A webhook, as JSON output has it.
#[derive(Serialize)]
pub(super) struct Webhook {
    pub(super) id: WebhookId,
    merchant: String,
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderId>,
    kind: EventKind,
    status: WebhookStatus,
    occurred_at: DateTime<Utc>,
    /// The next attempt, while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
    attempts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Since when its endpoint is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_disabled_at: Option<DateTime<Utc>>,
}

impl From<WebhookView> for Webhook {
    fn from(view: WebhookView) -> Self {
        let WebhookView { id, merchant, user, order, kind, status, occurred_at, due_at, ended_at, .. } = view;
        let WebhookView { attempts, error, endpoint_disabled_at, .. } = view;
        let due_at = (status == WebhookStatus::Pending).then_some(due_at);
        Self {
            id,
            merchant: merchant.into(),
            user: user.into(),
            order,
            kind,
            status,
            occurred_at,
            due_at,
            ended_at,
            attempts,
            error,
            endpoint_disabled_at,
        }
    }
}

pub(super) fn table(webhooks: &[Webhook]) -> Table {
    let mut table =
        Table::new(["id", "occurred", "merchant", "kind", "about", "status", "attempts", "next", "error"]);
    for webhook in webhooks {
        table.row([
            webhook.id.to_string(),
            time(webhook.occurred_at),
            webhook.merchant.clone(),
            webhook.kind.as_str().to_owned(),
            webhook.order.map_or_else(|| webhook.user.clone(), |order| order.to_string()),
            webhook.status.as_str().to_owned(),
            webhook.attempts.to_string(),
            match (webhook.due_at, webhook.endpoint_disabled_at) {
                (Some(_), Some(_)) => "endpoint disabled".to_owned(),
                (due_at, _) => or_dash(due_at.map(time)),
            },
            or_dash(webhook.error.as_deref()),
        ]);
    }
    table
}

/// An answer of an endpoint, as JSON output has it.
#[derive(Serialize)]
pub(super) struct Answer {
    at: DateTime<Utc>,
    /// The HTTP status; absent if there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    took_ms: u128,
    kind: EventKind,
    webhook: WebhookId,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<WebhookAnswer> for Answer {
    fn from(answer: WebhookAnswer) -> Self {
        let WebhookAnswer { webhook, kind, at, status, took, error } = answer;
        Self { at, status, took_ms: took.as_millis(), kind, webhook, error }
    }
}

pub(super) fn answered(answers: &[Answer]) -> Table {
    let mut table = Table::new(["time", "answer", "ms", "kind", "id", "error"]);
    for answer in answers {
        table.row([
            time(answer.at),
            answer.status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
            answer.took_ms.to_string(),
            answer.kind.as_str().to_owned(),
            answer.webhook.to_string(),
            or_dash(answer.error.as_deref()),
        ]);
    }
    table
}

/// Returns a line about a disabled endpoint.
pub(super) fn disabled(endpoint: &Endpoint) -> Option<String> {
    let (since, why) = endpoint.disabled?;
    let why = match why {
        DisabledWhy::Gone => "it answered 410 (Gone)",
        DisabledWhy::Failing => "no event was delivered for days",
    };
    let merchant = printable(endpoint.merchant.as_str());
    Some(format!(
        "The endpoint of {merchant} is disabled since {}: {why}. When it works again, run: webhooks resend \
         --merchant {merchant} --status pending",
        time(since)
    ))
}
