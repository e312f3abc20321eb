//! Connections that are open before they are needed, and know what they will be asked.
//!
//! A new connection costs its first caller 20 ms and more on a small machine: the server starts a
//! process, which reads its catalogs and plans each statement anew. Of orders that come in a burst
//! each would open one and wait.

use uuid::Uuid;

use super::pools::Pools;
use super::{Connection, pick};
use crate::ids::UserKey;
use crate::order::OrderId;
use crate::store::engine::Now;
use crate::store::pool::PooledConnection;
use crate::store::{StoreError, exchanges, orders};

/// How many of a pool, where it has as many to spare.
const READY: usize = 6;

/// Has so many connections of each pool that orders in a burst open, all at the same time. What it
/// asks is of nobody.
pub(super) async fn keep(pools: &Pools, now: Now) -> Result<(), StoreError> {
    let nobody = UserKey::new("", "");
    let mut queue = pools.queue.spare(READY).await?;
    for connection in &mut queue {
        let c = &mut Connection::on(connection);
        orders::due_merchants(c, now).await?;
        orders::next_due(c, now).await?;
        orders::view(c, OrderId::from(Uuid::nil())).await?;
        pick::claim_of(c, now, Uuid::nil().into(), &nobody.merchant, 0, None).await?;
    }
    queue.into_iter().for_each(PooledConnection::give_back);
    let mut claims = pools.claims.spare(READY).await?;
    for connection in &mut claims {
        let c = &mut Connection::on(connection);
        exchanges::claim(c, now, &nobody).await?;
    }
    claims.into_iter().for_each(PooledConnection::give_back);
    Ok(())
}
