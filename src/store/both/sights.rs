//! What pages show; compiled for each engine.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::query;
use uuid::Uuid;

use super::orders::order_view;
use super::{Connection, Own, Row, id_list, sql};
use crate::order::{OrderId, Status, TokenOutcome};
use crate::store::columns::Columns;
use crate::store::lease::bounded;
use crate::store::{
    Arrivals, Attempt, OrderView, Passage, Search, Sights, StoreError, Story, WorkerView, from_json, micros,
};

#[async_trait]
impl Sights for Own {
    async fn search_orders(&self, search: &Search) -> Result<Vec<OrderView>, StoreError> {
        let mut lease = self.read().await?;
        let found = found(&mut lease, search).await?;
        lease.done();
        Ok(found)
    }

    async fn arrivals(&self, bounds: &[DateTime<Utc>], merchant: Option<&str>) -> Result<Vec<Arrivals>, StoreError> {
        let ids: Vec<OrderId> = bounds.iter().map(|bound| first_id(*bound)).collect();
        let (Some(begins), Some(ends)) = (ids.get(..ids.len().saturating_sub(1)), ids.get(1..)) else {
            return Ok(Vec::new());
        };
        let mut lease = self.read().await?;
        let tally = query(sql::ARRIVALS).bind(id_list(begins)).bind(id_list(ends)).bind(merchant);
        let rows = bounded(tally.fetch_all(&mut *lease)).await?;
        lease.done();
        rows.iter().map(tallied).collect()
    }

    async fn passages(&self, merchant: Option<&str>, limit: u32) -> Result<Vec<Passage>, StoreError> {
        let mut lease = self.read().await?;
        let passages = query(sql::PASSAGES).bind(merchant).bind(i64::from(limit));
        let rows = bounded(passages.fetch_all(&mut *lease)).await?;
        lease.done();
        rows.iter().map(passage).collect()
    }

    async fn story(&self, order: OrderId) -> Result<Story, StoreError> {
        let mut lease = self.read().await?;
        let story = story(&mut lease, order).await?;
        lease.done();
        Ok(story)
    }

    async fn workers(&self, lost_after: Duration) -> Result<Vec<WorkerView>, StoreError> {
        let mut lease = self.read().await?;
        let workers = query(sql::WORKERS).bind(micros(lost_after)).bind(self.now());
        let rows = bounded(workers.fetch_all(&mut *lease)).await?;
        lease.done();
        let view = |row: &Row| {
            Ok(WorkerView {
                name: row.text("name")?,
                started_at: row.time("started_at")?,
                beat_at: row.time("beat_at")?,
                alive: row.flag("alive")?,
            })
        };
        rows.iter().map(view).collect()
    }
}

/// The least id that an order taken in at this time or later has: a UUID of version 7 begins with its milliseconds.
fn first_id(at: DateTime<Utc>) -> OrderId {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    OrderId::from(Uuid::from_u128(millis << 80))
}

/// Which statement finds a search's orders without looking at many others, and for which statuses it is asked.
fn plan(search: &Search) -> (&'static str, Vec<Option<Status>>) {
    let all = || Status::ALL.into_iter().map(Some).collect::<Vec<_>>();
    let one = vec![search.status];
    if search.user.is_some() {
        return (sql::SEARCH_USER, one);
    }
    if search.duplicates {
        return (sql::SEARCH_DUPLICATES, one);
    }
    if search.error.is_some() {
        return (sql::SEARCH_ERROR, one);
    }
    match search.status {
        Some(_) => (sql::SEARCH_STATUS, one),
        None if search.merchant.is_some() || search.token.is_some() => (sql::SEARCH_STATUS, all()),
        None => (sql::SEARCH_ALL, one),
    }
}

async fn found(c: &mut Connection, search: &Search) -> Result<Vec<OrderView>, StoreError> {
    let low = search.since.map_or(Uuid::nil(), |since| first_id(since).as_uuid());
    let until = search.until.map_or(Uuid::max(), |until| first_id(until).as_uuid());
    let high = search.before.map_or(until, |before| before.as_uuid().min(until));
    let (statement, statuses) = plan(search);
    let mut orders = Vec::new();
    for status in statuses {
        let list = query(statement)
            .bind(status.map(Status::as_str))
            .bind(&search.merchant)
            .bind(&search.user)
            .bind(high)
            .bind(i64::from(search.limit))
            .bind(&search.error)
            .bind(search.token.map(TokenOutcome::as_str))
            .bind(low)
            .bind(search.duplicates);
        let rows = bounded(list.fetch_all(&mut *c)).await?;
        for row in &rows {
            orders.push(order_view(row)?);
        }
    }
    orders.sort_by_key(|order| std::cmp::Reverse(order.id));
    orders.truncate(search.limit as usize);
    Ok(orders)
}

fn status(row: &Row) -> Result<Status, StoreError> {
    let word = row.text("status")?;
    word.parse().map_err(|_| StoreError::Unreadable(format!("status {word:?}")))
}

fn tallied(row: &Row) -> Result<Arrivals, StoreError> {
    let unreadable = |word: &str| StoreError::Unreadable(format!("token outcome {word:?}"));
    let token = row.opt_text("token_outcome")?;
    Ok(Arrivals {
        slot: usize::try_from(row.int("slot")?).unwrap_or_default(),
        status: status(row)?,
        token: token.map(|word| word.parse().map_err(|_| unreadable(&word))).transpose()?,
        orders: u64::try_from(row.int("orders")?).unwrap_or_default(),
    })
}

fn passage(row: &Row) -> Result<Passage, StoreError> {
    let (accepted, due) = (row.time("accepted_at")?, row.time("due_at")?);
    let ended = row.time("ended_at")?;
    let claimed = row.opt_time("first_claimed_at")?.unwrap_or(ended);
    // Where it was put off after its first attempt, the row has forgotten when it could first begin.
    Ok(Passage { began: if due <= claimed { due } else { accepted }, claimed, ended })
}

async fn story(c: &mut Connection, order: OrderId) -> Result<Story, StoreError> {
    let row = bounded(query(sql::STORY).bind(order.as_uuid()).fetch_optional(&mut *c)).await?;
    let Some(row) = row else { return Ok(Story::default()) };
    let attempts = bounded(query(sql::ATTEMPTS).bind(order.as_uuid()).fetch_all(c)).await?;
    let attempt = |row: &Row| {
        Ok(Attempt {
            ended_at: row.time("ended_at")?,
            worker: row.opt_text("worker")?,
            lost: row.flag("lost")?,
            error: row.opt_text("error")?.map(|text| from_json("error", &text)).transpose()?,
        })
    };
    Ok(Story {
        first_claimed_at: row.opt_time("first_claimed_at")?,
        has_body: row.flag("has_body")?,
        attempts: attempts.iter().map(attempt).collect::<Result<_, StoreError>>()?,
    })
}
