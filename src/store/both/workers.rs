//! Workers and the installation, statement by statement; compiled for each engine.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, Row, sql};
use crate::order::OrderError;
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::{
    Claim, Installation, OLDEST_PROGRAM, Reclaimed, StoreError, Worker, check_level, json, micros, one_row,
};

pub(in crate::store) async fn begin(c: &mut Connection, now: Now, worker: &Worker) -> Result<(), StoreError> {
    bounded(query(sql::END_EARLIER).bind(worker.instance).bind(worker.id).bind(now).execute(&mut *c)).await?;
    let begin = query(sql::BEGIN_WORKER).bind(worker.id).bind(worker.instance).bind(&worker.name).bind(now);
    one_row("writing a worker down", bounded(begin.execute(c)).await?.rows_affected())
}

pub(in crate::store) async fn heartbeat(
    c: &mut Connection,
    now: Now,
    worker: Uuid,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let row = bounded(query(sql::HEARTBEAT).bind(worker).bind(now).fetch_optional(c)).await?;
    Ok(row.map(|row| row.time("beat_at")).transpose()?)
}

pub(in crate::store) async fn end(c: &mut Connection, now: Now, worker: Uuid) -> Result<(), StoreError> {
    bounded(query(sql::END_WORKER).bind(worker).bind(now).execute(c)).await?;
    Ok(())
}

/// Frees the orders of workers that are gone or silent, within the caller's transaction.
pub(in crate::store) async fn reclaim(
    c: &mut Connection,
    now: Now,
    lost_after: Option<Duration>,
) -> Result<Reclaimed, StoreError> {
    let reclaim = query(sql::RECLAIM).bind(lost_after.map(micros)).bind(now).bind(crashed_worker()?);
    let rows = bounded(reclaim.fetch_all(&mut *c)).await?;
    freed(c, &rows).await
}

/// Frees one order of a worker that holds it no longer, within the caller's transaction.
pub(in crate::store) async fn lose(c: &mut Connection, now: Now, claim: &Claim) -> Result<Reclaimed, StoreError> {
    let lose = query(sql::LOSE_ORDER)
        .bind(claim.order.as_uuid())
        .bind(claim.worker)
        .bind(claim.number)
        .bind(now)
        .bind(crashed_worker()?);
    let rows = bounded(lose.fetch_all(&mut *c)).await?;
    freed(c, &rows).await
}

async fn freed(c: &mut Connection, rows: &[Row]) -> Result<Reclaimed, StoreError> {
    let mut reclaimed = Reclaimed::default();
    for row in rows {
        if row.text("status")? == "failed" {
            reclaimed.failed += 1;
            super::exchanges::delete_kept(c, row.id("id")?).await?;
        } else {
            reclaimed.requeued += 1;
        }
    }
    Ok(reclaimed)
}

fn crashed_worker() -> Result<String, StoreError> {
    json(&OrderError {
        code: "crashed_worker".into(),
        message: "five workers in a row were lost while running this order; look at their logs before retrying it"
            .into(),
        faults: Vec::new(),
        correlation_id: None,
    })
}

/// The installation and the oldest program it puts up with.
pub(in crate::store) async fn installation(c: &mut Connection) -> Result<Option<(Installation, i64)>, StoreError> {
    let row = bounded(query(sql::INSTALLATION).fetch_optional(c)).await?;
    row.map(|row| {
        let installation = Installation { name: row.text("name")?, hash_key: row.bytes("hash_key")? };
        Ok((installation, row.int("minimum_program")?))
    })
    .transpose()
}

pub(in crate::store) async fn found(
    c: &mut Connection,
    now: Now,
    installation: &Installation,
) -> Result<(), StoreError> {
    let found = query(sql::FOUND_INSTALLATION).bind(&installation.name).bind(&installation.hash_key).bind(now);
    let found = found.bind(OLDEST_PROGRAM);
    bounded(found.execute(c)).await?;
    Ok(())
}

pub(in crate::store) async fn health(c: &mut Connection) -> Result<(), StoreError> {
    let row = bounded(query(sql::HEALTH).fetch_one(c)).await?;
    check_level(row.int("minimum_program")?)
}
