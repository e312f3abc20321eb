//! How due orders are claimed on PostgreSQL: a statement for each merchant, past what others are claiming.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, PostgresStore, orders, sql};
use crate::store::pool::bounded;
use crate::store::{ClaimedOrder, StoreError, micros};

/// Claims at most so many orders of each merchant for a worker, only those that fell due lately where `recent` says so.
pub(super) async fn claim(
    store: &PostgresStore,
    worker: Uuid,
    shares: &BTreeMap<String, usize>,
    recent: Option<Duration>,
) -> Result<Vec<ClaimedOrder>, StoreError> {
    let mut lease = store.lease().await?;
    let mut claimed = Vec::new();
    for (merchant, share) in shares {
        claimed.extend(claim_of(&mut lease, store.now(), worker, (merchant, *share), recent).await?);
    }
    lease.done();
    Ok(claimed)
}

/// Those of one merchant.
pub(super) async fn claim_of(
    c: &mut Connection,
    now: Now,
    worker: Uuid,
    (merchant, share): (&str, usize),
    recent: Option<Duration>,
) -> Result<Vec<ClaimedOrder>, StoreError> {
    let limit = i64::try_from(share).unwrap_or(i64::MAX);
    let claim = query(sql::CLAIM_ORDERS).bind(merchant).bind(limit).bind(worker).bind(now).bind(recent.map(micros));
    let rows = bounded(claim.fetch_all(c)).await?;
    rows.iter().map(|row| orders::claimed(row, worker)).collect()
}
