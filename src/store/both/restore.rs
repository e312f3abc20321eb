//! A restored database, statement by statement; compiled for each engine.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, Own, commit, exchanges, sql};
use crate::order::OrderError;
use crate::store::columns::{Columns, Stamp};
use crate::store::pool::bounded;
use crate::store::{Restore, StoreError, json, micros, one_row};

#[async_trait]
impl Restore for Own {
    async fn remembers(&self, worker: Uuid, beat_at: DateTime<Utc>, kept_for: Duration) -> Result<bool, StoreError> {
        let mut lease = self.read().await?;
        let remembers = remembers(&mut lease, self.now(), worker, beat_at, kept_for).await?;
        lease.done();
        Ok(remembers)
    }

    async fn living(&self, within: Duration) -> Result<Vec<String>, StoreError> {
        let mut lease = self.read().await?;
        let names = living(&mut lease, self.now(), within).await?;
        lease.done();
        Ok(names)
    }

    async fn doubt_tokens(&self, after: i64, limit: u32) -> Result<Option<(u64, i64)>, StoreError> {
        let mut lease = self.write().await?;
        let doubted = doubt(&mut lease, self.now(), after, limit).await?;
        lease.done();
        Ok(doubted)
    }

    async fn hold_orders(&self, limit: u32) -> Result<u64, StoreError> {
        let mut lease = self.begin().await?;
        let held = hold(&mut lease, self.now(), limit).await?;
        commit(lease).await?;
        Ok(held)
    }

    async fn declare_restored(&self) -> Result<(), StoreError> {
        let mut lease = self.write().await?;
        declare(&mut lease, self.now()).await?;
        lease.done();
        Ok(())
    }
}

async fn remembers(
    c: &mut Connection,
    now: Now,
    worker: Uuid,
    beat_at: DateTime<Utc>,
    kept_for: Duration,
) -> Result<bool, StoreError> {
    let remembers = query(sql::REMEMBERS).bind(worker).bind(Stamp(beat_at)).bind(micros(kept_for)).bind(now);
    Ok(bounded(remembers.fetch_one(c)).await?.flag("remembers")?)
}

async fn living(c: &mut Connection, now: Now, within: Duration) -> Result<Vec<String>, StoreError> {
    let rows = bounded(query(sql::LIVING).bind(micros(within)).bind(now).fetch_all(c)).await?;
    rows.iter().map(|row| Ok(row.text("name")?)).collect()
}

async fn doubt(c: &mut Connection, now: Now, after: i64, limit: u32) -> Result<Option<(u64, i64)>, StoreError> {
    let rows = bounded(query(sql::DOUBT_TOKENS).bind(after).bind(i64::from(limit)).bind(now).fetch_all(c)).await?;
    let ids = rows.iter().map(|row| row.int("id")).collect::<sqlx::Result<Vec<_>>>()?;
    Ok(ids.iter().max().map(|last| (ids.len() as u64, *last)))
}

/// Within the caller's transaction: what was kept for the orders goes with them.
async fn hold(c: &mut Connection, now: Now, limit: u32) -> Result<u64, StoreError> {
    let hold = query(sql::HOLD_ORDERS).bind(i64::from(limit)).bind(now).bind(json(&restored())?);
    let rows = bounded(hold.fetch_all(&mut *c)).await?;
    for row in &rows {
        exchanges::delete_kept(c, row.id("id")?).await?;
    }
    Ok(rows.len() as u64)
}

fn restored() -> OrderError {
    OrderError {
        code: "database_restored".into(),
        message:
            "the database was restored from a backup, and this order may have been submitted since; look for it at \
                  Klarna before retrying it"
                .into(),
        faults: Vec::new(),
        correlation_id: None,
    }
}

async fn declare(c: &mut Connection, now: Now) -> Result<(), StoreError> {
    let declared = bounded(query(sql::DECLARE_RESTORED).bind(now).execute(c)).await?;
    one_row("declaring the database restored", declared.rows_affected())
}
