//! Claims due orders on PostgreSQL, by a statement for each merchant that skips rows other workers
//! are claiming.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Connection;
use crate::ids::{MerchantName, WorkerId};
use crate::store::engine::Now;
use crate::store::sql::postgres as sql;
use crate::store::{ClaimedOrder, StoreError, claimed_order};

/// Claims due orders for a worker, at most the given number of each merchant. With `recent`, only
/// orders that became due within that time. Adds them to `claimed`, which after an error has those
/// of the merchants before.
pub(super) async fn claim(
    c: &mut Connection<'_>,
    now: Now,
    worker: WorkerId,
    shares: &BTreeMap<MerchantName, usize>,
    recent: Option<Duration>,
    claimed: &mut Vec<ClaimedOrder>,
) -> Result<(), StoreError> {
    for (merchant, share) in shares {
        claimed.extend(claim_of(c, now, worker, merchant, *share, recent).await?);
    }
    Ok(())
}

/// Claims due orders of one merchant.
pub(super) async fn claim_of(
    c: &mut Connection<'_>,
    now: Now,
    worker: WorkerId,
    merchant: &MerchantName,
    share: usize,
    recent: Option<Duration>,
) -> Result<Vec<ClaimedOrder>, StoreError> {
    let claim = c.query(sql::CLAIM_ORDERS).bind(merchant).bind(share).bind(worker).bind(now).bind(recent);
    claim.fetch_all().await?.iter().map(|row| claimed_order::claimed(row, worker)).collect()
}
