//! Claims due orders on SQLite: a reader selects them, and the one writing connection claims what
//! was selected. So a scan of a long backlog without claimable orders delays no writer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::{Sqlite, now, sql};
use crate::ids::{MerchantName, WorkerId};
use crate::order::OrderId;
use crate::store::columns::Columns;
use crate::store::engine::{Engine, by};
use crate::store::{ClaimedOrder, StoreError, claimed_order};

/// Claims due orders for a worker, at most the given number of each merchant. With `recent`, only
/// orders that became due within that time.
pub(super) async fn claim(
    sqlite: &Sqlite,
    worker: WorkerId,
    shares: &BTreeMap<MerchantName, usize>,
    recent: Option<Duration>,
) -> Result<Vec<ClaimedOrder>, StoreError> {
    let picked = claimable(sqlite, shares, recent).await?;
    if picked.is_empty() {
        return Ok(Vec::new());
    }
    let (clock, picked) = (sqlite.clock.clone(), Arc::new(picked));
    sqlite
        .shared
        .run(move |c| {
            let (now, picked) = (now(&clock), Arc::clone(&picked));
            async move {
                let claim = c.query(sql::CLAIM_ORDERS).bind(picked.as_slice()).bind(worker).bind(now);
                claim.fetch_all().await?.iter().map(|row| claimed_order::claimed(row, worker)).collect()
            }
            .boxed()
        })
        .await
}

async fn claimable(
    sqlite: &Sqlite,
    shares: &BTreeMap<MerchantName, usize>,
    recent: Option<Duration>,
) -> Result<Vec<OrderId>, StoreError> {
    by::<Sqlite, _>(sqlite.reader().await?, async |c| {
        let mut picked = Vec::new();
        for (merchant, share) in shares {
            let pick =
                c.query(sql::CLAIMABLE_ORDERS).bind(merchant).bind(*share).bind(sqlite.now()).bind(recent);
            for row in &pick.fetch_all().await? {
                picked.push(row.id("id")?);
            }
        }
        Ok(picked)
    })
    .await
}
