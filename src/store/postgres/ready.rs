//! Connections that are open before they are needed, and know what they will be asked.
//!
//! A new connection costs its first caller 20 ms and more on a small machine: the server starts a process, which reads its catalogs
//! and plans each statement anew. Of orders that come in a burst each would open one and wait.

use sqlx::Postgres;
use uuid::Uuid;

use super::pools::Pools;
use super::{Now, exchanges, orders, pick};
use crate::order::OrderId;
use crate::store::StoreError;
use crate::store::pool::PooledConnection;

/// How many of a pool, where it has as many to spare.
const READY: usize = 6;

/// Has so many connections of each pool that orders in a burst open, all at the same time. What it asks is of nobody.
pub(super) async fn keep(pools: &Pools, now: Now) -> Result<(), StoreError> {
    let mut queue = pools.queue.spare(READY).await?;
    for connection in &mut queue {
        orders::due_merchants(connection, now).await?;
        orders::next_due(connection, now).await?;
        orders::view(connection, OrderId::from(Uuid::nil())).await?;
        pick::claim_of(connection, now, Uuid::nil(), ("", 0), None).await?;
    }
    queue.into_iter().for_each(PooledConnection::<Postgres>::done);
    let mut claims = pools.claims.spare(READY).await?;
    for connection in &mut claims {
        exchanges::claimed(connection, now, "", "").await?;
    }
    claims.into_iter().for_each(PooledConnection::<Postgres>::done);
    Ok(())
}
