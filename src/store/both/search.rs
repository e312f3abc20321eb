//! Orders found by what is asked of them; compiled for each engine.
//!
//! A statement has the conditions that are asked for and no others, so that the planner takes the index that answers them: of
//! a user's orders, of possible duplicates, of errors, of a status. Where none of these is asked, but something else is, every
//! status is gone through by its index, which holds merchant and token outcome too.

use std::fmt::Display;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::orders::order_view;
use super::{Connection, Engine, sql};
use crate::order::{OrderId, OrderView, Status, TokenOutcome};
use crate::store::columns::{Columns, Stamp};
use crate::store::pool::bounded;
use crate::store::{OrderFilter, StoreError};

/// How far an order's id, which the intake's clock made, may be from when the database says that it was taken in.
const SKEW: TimeDelta = TimeDelta::hours(1);

/// Orders of a filter, newest first.
pub(super) async fn orders(c: &mut Connection, filter: &OrderFilter) -> Result<Vec<OrderView>, StoreError> {
    let mut found = Vec::new();
    for status in statuses(filter) {
        let rows = bounded(list(filter, status).build().fetch_all(&mut *c)).await?;
        for row in &rows {
            found.push(order_view(row)?);
        }
    }
    found.sort_by_key(|order| std::cmp::Reverse(order.id));
    found.truncate(filter.limit as usize);
    Ok(found)
}

/// The orders of a filter's status that have their body, newest first.
pub(super) async fn with_bodies(c: &mut Connection, filter: &OrderFilter) -> Result<Vec<OrderId>, StoreError> {
    let mut ids = Conditions::of(sql::ORDER_IDS, filter, filter.status);
    ids.add("body IS NOT NULL");
    let mut ids = ids.newest(filter.limit);
    let rows = bounded(ids.build().fetch_all(c)).await?;
    rows.iter().map(|row| Ok(OrderId::from(row.id("id")?))).collect()
}

/// How many orders of a filter have their body, whatever its `before` and `limit`.
pub(super) async fn count(c: &mut Connection, filter: &OrderFilter) -> Result<u64, StoreError> {
    let filter = OrderFilter { before: None, ..filter.clone() };
    let mut orders = Conditions::of(sql::COUNT_ORDERS, &filter, filter.status);
    orders.add("body IS NOT NULL");
    let row = bounded(orders.0.build().fetch_one(c)).await?;
    Ok(u64::try_from(row.int("orders")?).unwrap_or_default())
}

/// The least id that an order taken in at this time or later has: a UUID of version 7 begins with its milliseconds.
pub(super) fn first_id(at: DateTime<Utc>) -> OrderId {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    OrderId::from(Uuid::from_u128(millis << 80))
}

/// The statement of a list, for those who look at plans.
#[cfg(test)]
pub(in crate::store) fn text(filter: &OrderFilter) -> String {
    list(filter, filter.status).into_string()
}

/// The statuses that are gone through one by one.
fn statuses(filter: &OrderFilter) -> Vec<Option<Status>> {
    let narrow = filter.status.is_some() || filter.user.is_some() || filter.error.is_some() || filter.duplicates;
    if narrow || (filter.merchant.is_none() && filter.token.is_none()) {
        vec![filter.status]
    } else {
        Status::ALL.into_iter().map(Some).collect()
    }
}

/// Picks ids first, so that an index can do it alone, and reads the rows of those alone.
fn list(filter: &OrderFilter, status: Option<Status>) -> QueryBuilder<Engine> {
    let picked = format!("{} WHERE id IN ({}", sql::ORDERS, sql::ORDER_IDS);
    let mut list = Conditions::of(&picked, filter, status).newest(filter.limit);
    list.push(") ORDER BY id DESC");
    list
}

/// A statement under way, with its conditions.
struct Conditions(QueryBuilder<Engine>);

impl Conditions {
    fn of(statement: &str, filter: &OrderFilter, status: Option<Status>) -> Self {
        let mut all = Self(QueryBuilder::new(format!("{statement} WHERE true")));
        if let Some(status) = status {
            all.add("status = ").push_bind(status.as_str());
        }
        if let Some(merchant) = &filter.merchant {
            all.add("merchant = ").push_bind(merchant.clone());
        }
        if let Some(user) = &filter.user {
            all.add("user_id = ").push_bind(user.clone());
        }
        if let Some(token) = filter.token {
            all.add("token_outcome = ").push_bind(TokenOutcome::as_str(token));
        }
        if let Some(error) = &filter.error {
            all.add("error IS NOT NULL");
            all.add(format_args!("{} = ", sql::ERROR_CODE)).push_bind(error.clone());
        }
        if filter.duplicates {
            all.add("possible_duplicate");
        }
        if let Some(since) = filter.since {
            all.add("id >= ").push_bind(first_id(since - SKEW).as_uuid());
            all.add("accepted_at >= ").push_bind(Stamp(since));
        }
        if let Some(until) = filter.until {
            all.add("id < ").push_bind(first_id(until + SKEW).as_uuid());
            all.add("accepted_at < ").push_bind(Stamp(until));
        }
        if let Some(before) = filter.before {
            all.add("id < ").push_bind(before.as_uuid());
        }
        all
    }

    fn add(&mut self, condition: impl Display) -> &mut QueryBuilder<Engine> {
        self.0.push(" AND ").push(condition)
    }

    fn newest(mut self, limit: u32) -> QueryBuilder<Engine> {
        self.0.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
        self.0
    }
}
