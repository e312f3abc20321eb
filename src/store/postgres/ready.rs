//! Opens connections before they are needed, and prepares their statements.
//!
//! A new connection costs its first caller 20 ms or more on a small machine: the server starts a
//! process, which reads its catalogs and plans each statement. In a burst, each order would open
//! one and wait for it.

use uuid::Uuid;

use super::pools::Pools;
use super::{Connection, pick};
use crate::ids::{Provider, UserKey};
use crate::order::OrderId;
use crate::store::engine::Now;
use crate::store::pool::PooledConnection;
use crate::store::{StoreError, exchanges, orders};

/// How many connections of a pool to keep ready, if it has that many free.
const READY: usize = 6;

/// Keeps connections ready, all at the same time. The queries that warm them up match no row.
pub(super) async fn keep(pools: &Pools, now: Now) -> Result<(), StoreError> {
    let nobody = UserKey::new("", "");
    let mut queue = pools.queue.spare(READY).await?;
    // The sessions behind a pooler are not ours to warm up.
    for connection in queue.iter_mut().filter(|connection| connection.begin().is_none()) {
        let c = &mut Connection::on(connection);
        orders::due_merchants(c, now).await?;
        orders::next_due(c, now).await?;
        orders::view(c, OrderId::from(Uuid::nil())).await?;
        pick::claim_of(c, now, Uuid::nil().into(), &nobody.merchant, 0, None).await?;
    }
    queue.into_iter().for_each(PooledConnection::give_back);
    let mut claims = pools.claims.spare(READY).await?;
    for connection in claims.iter_mut().filter(|connection| connection.begin().is_none()) {
        let c = &mut Connection::on(connection);
        exchanges::claim(c, now, &nobody, Provider::from_bytes([0; 16])).await?;
    }
    claims.into_iter().for_each(PooledConnection::give_back);
    Ok(())
}
