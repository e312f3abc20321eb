//! Finds orders by a filter.
//!
//! The statement has only the conditions of the filter, so that the planner chooses the index that
//! answers them: that of a user's orders, of possible duplicates, of errors, of failing follow-ups,
//! or of a status. If the filter has other conditions only, each status is searched by its index,
//! which also contains merchant, token outcome and target. A name, or its beginning, is searched by
//! the index of each column that may have it.

mod counts;
mod names;

use std::fmt::{Display, Write};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

#[cfg(test)]
pub(super) use self::counts::text as count_text;
pub use self::counts::{FailedOrders, OrderCount};
pub(super) use self::counts::{by_code, count, count_up_to};
use super::columns::Columns;
use super::engine::{Connection, Engine, Param, Query};
use super::{OrderFilter, OrderName, StoreError, from_json};
use crate::ids::MerchantName;
use crate::order::{
    ErrorCode, FollowUpState, OrderError, OrderId, OrderResult, OrderView, Prefill, Status, Summary, Target,
    TokenOutcome,
};

/// How far the time in an order's id, which is from the process's clock, may be from the database's
/// `accepted_at`.
const SKEW: TimeDelta = TimeDelta::hours(1);

/// Returns the orders of a filter, newest first.
pub(super) async fn orders<E: Engine>(
    c: &mut Connection<'_, E>,
    filter: &OrderFilter,
) -> Result<Vec<OrderView>, StoreError> {
    let mut found = Vec::new();
    for status in statuses(filter) {
        for row in &list::<E>(filter, status).on(c).fetch_all().await? {
            found.push(order_view(row)?);
        }
    }
    found.sort_by_key(|order| std::cmp::Reverse(order.id));
    found.truncate(filter.limit as usize);
    Ok(found)
}

/// Returns the ids of a filter's orders, newest first.
pub(super) async fn ids<E: Engine>(
    c: &mut Connection<'_, E>,
    filter: &OrderFilter,
) -> Result<Vec<OrderId>, StoreError> {
    let mut search = Search::default();
    search.ids::<E>(filter, filter.status, Some(filter.limit));
    let rows = search.on(c).fetch_all().await?;
    let mut ids = rows.iter().map(|row| row.id("id")).collect::<Result<Vec<OrderId>, _>>()?;
    // Those of several columns are not in order.
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids.truncate(filter.limit as usize);
    Ok(ids)
}

/// Returns the lowest possible id of an order that was accepted at this time or later: a UUID of
/// version 7 begins with the time in milliseconds.
pub(super) fn first_id(at: DateTime<Utc>) -> OrderId {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    OrderId::from(Uuid::from_u128(millis << 80))
}

/// Reads an order from its row. If a part cannot be read, the order says so and has the other
/// parts.
pub(super) fn order_view(row: &impl Columns) -> Result<OrderView, StoreError> {
    let id = row.id("id")?;
    Ok(read_view(row, id).unwrap_or_else(|error| unreadable(row, id, &error)))
}

fn unreadable(row: &impl Columns, id: OrderId, error: &StoreError) -> OrderView {
    tracing::error!(order = %id, %error, "The row of an order cannot be read");
    let accepted_at = row.time("accepted_at").unwrap_or(DateTime::UNIX_EPOCH);
    let target = row.opt_parsed("target").unwrap_or_default();
    OrderView {
        id,
        merchant: row.merchant().unwrap_or_else(|_| "".into()),
        user: row.user().unwrap_or_else(|_| "".into()),
        supersedes: None,
        superseded_by: None,
        version: row.int("version").unwrap_or_default(),
        target,
        idempotency_key: row.opt_text("idempotency_key").unwrap_or_default(),
        summary: summary(row).unwrap_or_default(),
        status: row.parsed("status").unwrap_or(Status::Failed),
        accepted_at,
        due_at: row.time("due_at").unwrap_or(accepted_at),
        deadline_at: row.time("deadline_at").unwrap_or(accepted_at),
        ended_at: row.opt_time("ended_at").unwrap_or_default(),
        attempts: row.int("attempts").unwrap_or_default(),
        token: row.opt_parsed("token_outcome").unwrap_or_default(),
        prefilled: Prefill::default(),
        possible_duplicate: row.flag("possible_duplicate").unwrap_or_default(),
        klarna_id: row.opt_text("klarna_id").unwrap_or_default(),
        result: result(row, target).unwrap_or_default(),
        session: None,
        correlation_id: row.opt_text("correlation_id").unwrap_or_default(),
        error: Some(OrderError::new(ErrorCode::UnreadableRow, error.to_string())),
    }
}

fn read_view(row: &impl Columns, id: OrderId) -> Result<OrderView, StoreError> {
    let target = row.opt_parsed("target")?;
    Ok(OrderView {
        id,
        merchant: row.merchant()?,
        user: row.user()?,
        idempotency_key: row.opt_text("idempotency_key")?,
        summary: summary(row)?,
        supersedes: row.opt_id("supersedes")?,
        superseded_by: row.opt_id("superseded_by")?,
        version: row.int("version")?,
        status: row.parsed("status")?,
        accepted_at: row.time("accepted_at")?,
        due_at: row.time("due_at")?,
        deadline_at: row.time("deadline_at")?,
        ended_at: row.opt_time("ended_at")?,
        attempts: row.int("attempts")?,
        token: row.opt_parsed("token_outcome")?,
        prefilled: row
            .opt_text("prefilled")?
            .map_or(Ok(Prefill::default()), |text| from_json("prefilled", &text))?,
        possible_duplicate: row.flag("possible_duplicate")?,
        klarna_id: row.opt_text("klarna_id")?,
        result: result(row, target)?,
        session: row.opt_text("session")?.map(|text| from_json("session", &text)).transpose()?,
        target,
        correlation_id: row.opt_text("correlation_id")?,
        error: row.opt_text("error")?.map(|text| from_json("error", &text)).transpose()?,
    })
}

fn summary(row: &impl Columns) -> sqlx::Result<Summary> {
    Ok(Summary {
        merchant_reference1: row.opt_text("merchant_reference1")?,
        merchant_reference2: row.opt_text("merchant_reference2")?,
        order_amount: row.opt_int("order_amount")?,
        purchase_currency: row.opt_text("purchase_currency")?,
    })
}

/// Reads the result for the shop. An order without a target has none.
fn result(row: &impl Columns, target: Option<Target>) -> Result<Option<OrderResult>, StoreError> {
    let Some(text) = row.opt_text("result")? else { return Ok(None) };
    let read = target.and_then(|target| OrderResult::from_text(target, text));
    read.map(Some).ok_or_else(|| StoreError::Unreadable("result".to_owned()))
}

/// Returns the first statement of a list, for tests of its plan.
#[cfg(test)]
pub(super) fn text<E: Engine>(filter: &OrderFilter) -> String {
    list::<E>(filter, statuses(filter)[0]).sql
}

/// Returns the statuses to search one after the other; a single `None` searches without a status.
fn statuses(filter: &OrderFilter) -> Vec<Option<Status>> {
    let narrow = filter.status.is_some()
        || filter.user.is_some()
        || !filter.errors.is_empty()
        || filter.name.is_some()
        || filter.ids.is_some()
        || filter.ended_since.is_some()
        || filter.follow_ups.is_some()
        || filter.ended_until.is_some()
        || filter.due_by.is_some()
        || filter.duplicates == Some(true);
    let in_index = filter.merchant.is_some()
        || filter.token.is_some()
        || filter.with_token.is_some()
        || filter.target.is_some();
    if narrow || !in_index { vec![filter.status] } else { Status::ALL.into_iter().map(Some).collect() }
}

/// Selects the ids first, for which an index suffices, and then reads only their rows.
fn list<E: Engine>(filter: &OrderFilter, status: Option<Status>) -> Search<'_> {
    let mut list = Search::default();
    list.sql.push_str(E::STATEMENTS.orders.orders);
    list.sql.push_str(" WHERE id IN (");
    list.ids::<E>(filter, status, Some(filter.limit));
    list.sql.push_str(") ORDER BY id DESC");
    list
}

/// A statement that is being composed, with the values of its conditions.
#[derive(Default)]
struct Search<'f> {
    sql: String,
    values: Vec<Param<'f>>,
}

impl<'f> Search<'f> {
    /// Adds the conditions of a whole filter after the name of the table.
    fn all_of<E: Engine>(&mut self, filter: &'f OrderFilter) {
        if matches!(filter.name, Some(OrderName::Whole(_))) {
            self.sql.push_str(" WHERE id IN (");
            self.ids::<E>(filter, filter.status, None);
            self.sql.push(')');
        } else {
            self.sql.push_str(" WHERE true");
            self.conditions::<E>(filter, filter.status);
        }
    }

    /// Adds the conditions of a filter, without its whole name and its limit.
    fn conditions<E: Engine>(&mut self, filter: &'f OrderFilter, status: Option<Status>) {
        if let Some(status) = status {
            // A name or a failing follow-up is rarer than a status, so its index is used: an
            // expression has none.
            let rarer = filter.name.is_some() || filter.follow_ups.is_some();
            let left = if rarer { "status || '' =" } else { "status =" };
            self.compare(left, status.as_str());
        }
        if let Some(OrderName::Begins(beginning)) = &filter.name {
            self.begins::<E>(beginning, filter.merchant.as_ref());
        }
        if let Some(state) = filter.follow_ups {
            self.follow_ups::<E>(state, filter.merchant.as_ref());
        } else if let Some(merchant) = &filter.merchant {
            self.compare("merchant =", merchant);
        }
        if let Some(user) = &filter.user {
            self.compare("user_id =", user);
        }
        if let Some(target) = filter.target {
            self.compare("target =", Target::as_str(target));
        }
        if let Some(token) = filter.token {
            self.compare("token_outcome =", TokenOutcome::as_str(token));
        }
        match filter.with_token {
            Some(true) => self.condition("token_outcome IN ('fresh', 'cached')"),
            Some(false) => self.condition("coalesce(token_outcome, '') NOT IN ('fresh', 'cached')"),
            None => {}
        }
        self.errors::<E>(filter);
        if let Some(due_by) = filter.due_by {
            // In plain words, so that an index of queued orders can be used.
            self.condition("status = 'queued'");
            self.compare("due_at <=", due_by);
        }
        match filter.duplicates {
            Some(true) => self.condition("possible_duplicate"),
            Some(false) => self.condition("NOT possible_duplicate"),
            None => {}
        }
        self.times(filter, status);
        if let Some(ids) = &filter.ids {
            self.values.push(Param::Ids(ids));
            self.condition(&E::STATEMENTS.id_among.replace('$', &format!("${}", self.values.len())));
        }
        if let Some(before) = filter.before {
            self.compare("id <", before);
        }
    }

    /// Adds the conditions on the code of the order's error.
    fn errors<E: Engine>(&mut self, filter: &'f OrderFilter) {
        if let Some(again) = filter.fails_again {
            let codes = ErrorCode::ALL.into_iter().filter(|code| code.fails_again());
            let codes: Vec<String> = codes.map(|code| format!("'{}'", code.as_str())).collect();
            let not = if again { "" } else { "NOT " };
            let code = E::STATEMENTS.error_code;
            self.condition(&format!("coalesce({code}, '') {not}IN ({})", codes.join(", ")));
        }
        if !filter.errors.is_empty() {
            self.condition("error IS NOT NULL");
            self.among(E::STATEMENTS.error_code, &filter.errors);
        }
    }

    /// Adds the conditions on when the order was accepted and when it ended.
    fn times(&mut self, filter: &OrderFilter, status: Option<Status>) {
        if let Some(since) = filter.since {
            self.compare("id >=", first_id(since - SKEW));
            self.compare("accepted_at >=", since);
        }
        if let Some(until) = filter.until {
            self.compare("id <", first_id(until + SKEW));
            self.compare("accepted_at <", until);
        }
        if let Some(since) = filter.ended_since {
            self.compare("ended_at >=", since);
        }
        if let Some(until) = filter.ended_until {
            self.compare("ended_at <", until);
        }
        if (filter.ended_since.is_some() || filter.ended_until.is_some()) && status == Some(Status::Failed) {
            // In plain words, so that the index of failed orders can be used.
            self.condition("status = 'failed'");
        }
    }

    /// Adds the condition that the order is one of the merchant's, or of all, whose follow-ups fare
    /// so.
    fn follow_ups<E: Engine>(&mut self, state: FollowUpState, merchant: Option<&'f MerchantName>) {
        let sql = &E::STATEMENTS.follow_ups;
        let (before, after) = E::STATEMENTS.id_in.split_once('$').unwrap_or_default();
        self.condition(before);
        self.sql.push_str(match state {
            FollowUpState::Failing => sql.orders_failing,
            FollowUpState::GivenUp => sql.orders_given_up,
        });
        if let Some(merchant) = merchant {
            self.compare("f.merchant =", merchant);
        }
        self.sql.push_str(after);
    }

    fn condition(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// Adds a condition that compares with a value.
    fn compare(&mut self, left: impl Display, value: impl Into<Param<'f>>) {
        self.values.push(value.into());
        // Writing to a string cannot fail.
        let _ = write!(self.sql, " AND {left} ${}", self.values.len());
    }

    /// Adds the condition that a text is one of these.
    fn among(&mut self, left: &str, texts: &'f [String]) {
        self.condition(left);
        for (number, text) in texts.iter().enumerate() {
            self.values.push(text.into());
            let _ = write!(self.sql, "{}${}", if number > 0 { ", " } else { " IN (" }, self.values.len());
        }
        self.sql.push(')');
    }

    fn newest(&mut self, limit: u32) {
        self.values.push(limit.into());
        let _ = write!(self.sql, " ORDER BY id DESC LIMIT ${}", self.values.len());
    }

    fn on<'c, E: Engine>(self, c: &'c mut Connection<'_, E>) -> Query<'c, E> {
        self.values.into_iter().fold(c.composed(self.sql), Query::bind)
    }
}
