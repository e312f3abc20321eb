//! How due orders are claimed on SQLite: a reader picks them, and the one connection that writes claims what was picked. A look
//! at a long backlog of which nothing can be claimed so keeps no writer waiting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, SqliteStore, id_list, orders, sql};
use crate::order::OrderId;
use crate::store::columns::{Columns, Stamp};
use crate::store::pool::bounded;
use crate::store::{ClaimedOrder, StoreError, micros};

/// Claims at most so many orders of each merchant for a worker, only those that fell due lately where `recent` says so.
pub(super) async fn claim(
    store: &SqliteStore,
    worker: Uuid,
    shares: &BTreeMap<String, usize>,
    recent: Option<Duration>,
) -> Result<Vec<ClaimedOrder>, StoreError> {
    let mut lease = store.read().await?;
    let mut picked = Vec::new();
    for (merchant, share) in shares {
        picked.extend(claimable(&mut lease, store.now(), (merchant, *share), recent).await?);
    }
    lease.done();
    if picked.is_empty() {
        return Ok(Vec::new());
    }
    let (clock, picked) = (store.clock.clone(), Arc::new(id_list(&picked)));
    store
        .shared
        .run(move |c| {
            let (now, picked) = (Stamp(clock.now()), Arc::clone(&picked));
            async move { claim_picked(c, now, worker, &picked).await }.boxed()
        })
        .await
}

async fn claimable(
    c: &mut Connection,
    now: Now,
    (merchant, limit): (&str, usize),
    recent: Option<Duration>,
) -> Result<Vec<OrderId>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let pick = query(sql::CLAIMABLE_ORDERS).bind(merchant).bind(limit).bind(now).bind(recent.map(micros));
    let rows = bounded(pick.fetch_all(c)).await?;
    rows.iter().map(|row| Ok(OrderId::from(row.id("id")?))).collect()
}

async fn claim_picked(
    c: &mut Connection,
    now: Now,
    worker: Uuid,
    picked: &str,
) -> Result<Vec<ClaimedOrder>, StoreError> {
    let rows = bounded(query(sql::CLAIM_ORDERS).bind(picked).bind(worker).bind(now).fetch_all(c)).await?;
    rows.iter().map(|row| orders::claimed(row, worker)).collect()
}
