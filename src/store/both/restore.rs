//! A restored database, statement by statement; compiled for each engine.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, sql};
use crate::order::OrderError;
use crate::store::columns::{Columns, Stamp};
use crate::store::lease::bounded;
use crate::store::{StoreError, json, micros, one_row};

pub(in crate::store) async fn remembers(
    c: &mut Connection,
    now: Now,
    worker: Uuid,
    beat_at: DateTime<Utc>,
    kept_for: Duration,
) -> Result<bool, StoreError> {
    let remembers = query(sql::REMEMBERS).bind(worker).bind(Stamp(beat_at)).bind(micros(kept_for)).bind(now);
    Ok(bounded(remembers.fetch_one(c)).await?.flag("remembers")?)
}

pub(in crate::store) async fn living(
    c: &mut Connection,
    now: Now,
    within: Duration,
) -> Result<Vec<String>, StoreError> {
    let rows = bounded(query(sql::LIVING).bind(micros(within)).bind(now).fetch_all(c)).await?;
    rows.iter().map(|row| Ok(row.text("name")?)).collect()
}

pub(in crate::store) async fn doubt(
    c: &mut Connection,
    now: Now,
    after: i64,
    limit: u32,
) -> Result<Option<(u64, i64)>, StoreError> {
    let rows = bounded(query(sql::DOUBT_TOKENS).bind(after).bind(i64::from(limit)).bind(now).fetch_all(c)).await?;
    let ids = rows.iter().map(|row| row.int("id")).collect::<sqlx::Result<Vec<_>>>()?;
    Ok(ids.iter().max().map(|last| (ids.len() as u64, *last)))
}

/// Within the caller's transaction: what was kept for the orders goes with them.
pub(in crate::store) async fn hold(c: &mut Connection, now: Now, limit: u32) -> Result<u64, StoreError> {
    let hold = query(sql::HOLD_ORDERS).bind(i64::from(limit)).bind(now).bind(json(&restored())?);
    let rows = bounded(hold.fetch_all(&mut *c)).await?;
    for row in &rows {
        super::tokens::delete_kept(c, row.id("id")?).await?;
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

pub(in crate::store) async fn declare(c: &mut Connection, now: Now) -> Result<(), StoreError> {
    let declared = bounded(query(sql::DECLARE_RESTORED).bind(now).execute(c)).await?;
    one_row("declaring the database restored", declared.rows_affected())
}
