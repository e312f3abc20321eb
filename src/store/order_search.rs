//! Finds orders by a filter.
//!
//! The statement has only the conditions of the filter, so that the planner chooses the index that
//! answers them: that of a user's orders, of possible duplicates, of errors, or of a status. If the
//! filter has other conditions only, each status is searched by its index, which also contains
//! merchant and token outcome.

use std::fmt::{Display, Write};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::columns::Columns;
use super::engine::{Connection, Engine, Param, Query};
use super::{OrderFilter, StoreError, from_json};
use crate::order::{OrderError, OrderId, OrderResult, OrderView, Prefill, Status, Target, TokenOutcome};

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

/// Returns the orders of a filter that still have their body, newest first.
pub(super) async fn with_bodies<E: Engine>(
    c: &mut Connection<'_, E>,
    filter: &OrderFilter,
) -> Result<Vec<OrderId>, StoreError> {
    let mut ids = Search::of::<E>(E::STATEMENTS.orders.order_ids, filter, filter.status);
    ids.condition("body IS NOT NULL");
    ids.newest(filter.limit);
    let rows = ids.on(c).fetch_all().await?;
    rows.iter().map(|row| Ok(row.id("id")?)).collect()
}

/// Counts the orders of a filter that still have their body. Its `before` and `limit` are ignored.
pub(super) async fn count<E: Engine>(
    c: &mut Connection<'_, E>,
    filter: &OrderFilter,
) -> Result<u64, StoreError> {
    let filter = OrderFilter { before: None, ..filter.clone() };
    let mut orders = Search::of::<E>(E::STATEMENTS.orders.count_orders, &filter, filter.status);
    orders.condition("body IS NOT NULL");
    Ok(orders.on(c).fetch_one().await?.count("orders")?)
}

/// Returns the lowest possible id of an order that was accepted at this time or later: a UUID of
/// version 7 begins with the time in milliseconds.
pub(super) fn first_id(at: DateTime<Utc>) -> OrderId {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    OrderId::from(Uuid::from_u128(millis << 80))
}

/// Reads an order from its row. If a part cannot be read, the order says so and has the other parts.
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
        target,
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
        correlation_id: row.opt_text("correlation_id").unwrap_or_default(),
        error: Some(OrderError {
            code: "unreadable_row".into(),
            message: error.to_string(),
            faults: Vec::new(),
            correlation_id: None,
        }),
    }
}

fn read_view(row: &impl Columns, id: OrderId) -> Result<OrderView, StoreError> {
    let target = row.opt_parsed("target")?;
    Ok(OrderView {
        id,
        merchant: row.merchant()?,
        user: row.user()?,
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
        target,
        correlation_id: row.opt_text("correlation_id")?,
        error: row.opt_text("error")?.map(|text| from_json("error", &text)).transpose()?,
    })
}

/// Reads the result for the shop. An order without a target has none.
fn result(row: &impl Columns, target: Option<Target>) -> Result<Option<OrderResult>, StoreError> {
    let Some(text) = row.opt_text("result")? else { return Ok(None) };
    let read = target.and_then(|target| OrderResult::from_text(target, text));
    read.map(Some).ok_or_else(|| StoreError::Unreadable("result".to_owned()))
}

/// Returns the statement of a list, for tests of its plan.
#[cfg(test)]
pub(super) fn text<E: Engine>(filter: &OrderFilter) -> String {
    list::<E>(filter, filter.status).sql
}

/// Returns the statuses to search one after the other; a single `None` searches without a status.
fn statuses(filter: &OrderFilter) -> Vec<Option<Status>> {
    let narrow =
        filter.status.is_some() || filter.user.is_some() || filter.error.is_some() || filter.duplicates;
    if narrow || (filter.merchant.is_none() && filter.token.is_none()) {
        vec![filter.status]
    } else {
        Status::ALL.into_iter().map(Some).collect()
    }
}

/// Selects the ids first, for which an index suffices, and then reads only their rows.
fn list<E: Engine>(filter: &OrderFilter, status: Option<Status>) -> Search<'_> {
    let sql = &E::STATEMENTS.orders;
    let mut list = Search::of::<E>(&format!("{} WHERE id IN ({}", sql.orders, sql.order_ids), filter, status);
    list.newest(filter.limit);
    list.sql.push_str(") ORDER BY id DESC");
    list
}

/// A statement that is being composed, with the values of its conditions.
struct Search<'f> {
    sql: String,
    values: Vec<Param<'f>>,
}

impl<'f> Search<'f> {
    fn of<E: Engine>(statement: &str, filter: &'f OrderFilter, status: Option<Status>) -> Self {
        let mut all = Self { sql: format!("{statement} WHERE true"), values: Vec::new() };
        if let Some(status) = status {
            all.compare("status =", status.as_str());
        }
        if let Some(merchant) = &filter.merchant {
            all.compare("merchant =", merchant);
        }
        if let Some(user) = &filter.user {
            all.compare("user_id =", user);
        }
        if let Some(token) = filter.token {
            all.compare("token_outcome =", TokenOutcome::as_str(token));
        }
        if let Some(error) = &filter.error {
            all.condition("error IS NOT NULL");
            all.compare(format_args!("{} =", E::STATEMENTS.error_code), error);
        }
        if filter.duplicates {
            all.condition("possible_duplicate");
        }
        if let Some(since) = filter.since {
            all.compare("id >=", first_id(since - SKEW));
            all.compare("accepted_at >=", since);
        }
        if let Some(until) = filter.until {
            all.compare("id <", first_id(until + SKEW));
            all.compare("accepted_at <", until);
        }
        if let Some(before) = filter.before {
            all.compare("id <", before);
        }
        all
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

    fn newest(&mut self, limit: u32) {
        self.values.push(limit.into());
        let _ = write!(self.sql, " ORDER BY id DESC LIMIT ${}", self.values.len());
    }

    fn on<'c, E: Engine>(self, c: &'c mut Connection<'_, E>) -> Query<'c, E> {
        self.values.into_iter().fold(c.composed(self.sql), Query::bind)
    }
}
