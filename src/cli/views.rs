//! Orders and tokens as commands print them: JSON in the API's words, and lines for people.

use std::fmt::{self, Display};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::table::printable;
use crate::order::{OrderError, OrderId, Status, TokenOutcome};
use crate::store::{DeadReason, Note, OrderView, TokenState, TokenView};

/// An order for scripts. Its body is never shown.
#[derive(Serialize)]
pub(super) struct OrderJson<'a> {
    id: OrderId,
    merchant: &'a str,
    user: &'a str,
    status: Status,
    token: Option<TokenOutcome>,
    klarna_order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    html_snippet: Option<&'a str>,
    prefilled: &'a [String],
    possible_duplicate: bool,
    attempts: i64,
    error: Option<&'a OrderError>,
    correlation_id: Option<&'a str>,
    accepted_at: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
    deadline_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl<'a> From<&'a OrderView> for OrderJson<'a> {
    fn from(order: &'a OrderView) -> Self {
        Self {
            id: order.id,
            merchant: &order.merchant,
            user: &order.user,
            status: order.status,
            token: order.token,
            klarna_order_id: order.klarna_order_id.as_deref(),
            html_snippet: order.html_snippet.as_deref(),
            prefilled: &order.prefilled,
            possible_duplicate: order.possible_duplicate,
            attempts: order.attempts,
            error: order.error.as_ref(),
            correlation_id: order.correlation_id.as_deref(),
            accepted_at: order.accepted_at,
            due_at: due_at(order),
            deadline_at: order.deadline_at,
            ended_at: order.ended_at,
        }
    }
}

/// A token's row for scripts; the token itself is never read.
#[derive(Serialize)]
pub(super) struct TokenJson<'a> {
    merchant: &'a str,
    user: &'a str,
    state: TokenState,
    reason: Option<DeadReason>,
    generation: i64,
    issued_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    refresh_due_at: Option<DateTime<Utc>>,
    refresh_failures: i64,
    refresh_note: Option<Note>,
    last_seen_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl<'a> From<&'a TokenView> for TokenJson<'a> {
    fn from(token: &'a TokenView) -> Self {
        Self {
            merchant: &token.merchant,
            user: &token.user,
            state: token.state,
            reason: token.reason,
            generation: token.generation,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            refresh_due_at: token.refresh_due_at,
            refresh_failures: token.refresh_failures,
            refresh_note: token.refresh_note,
            last_seen_at: token.last_seen_at,
            updated_at: token.updated_at,
        }
    }
}

/// When an order is next due, while it waits.
pub(super) fn due_at(order: &OrderView) -> Option<DateTime<Utc>> {
    (order.status == Status::Queued).then_some(order.due_at)
}

/// What became of an order, in a phrase: Klarna's id, or why there is none.
pub(super) fn outcome(order: &OrderView) -> String {
    match (&order.klarna_order_id, &order.error) {
        (Some(id), _) => id.clone(),
        (None, Some(error)) => error.message.clone(),
        (None, None) => String::new(),
    }
}

/// A time for people, to the second.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A value that may be absent, for people.
pub(super) fn or_dash<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Names and values below each other.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, String)>);

impl Fields {
    pub(super) fn add(&mut self, name: &'static str, value: impl Display) {
        self.0.push((name, value.to_string()));
    }
}

impl Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (index, (name, value)) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{name:width$}  {}", printable(value))?;
        }
        Ok(())
    }
}
