//! Opens connections before they are needed, and prepares their statements.
//!
//! A new connection costs its first caller 20 ms or more on a small machine: the server starts a
//! process, which reads its catalogs and plans each statement. In a burst, each order would open
//! one and wait for it.

use uuid::Uuid;

use super::pools::Pools;
use super::{Connection, claims, pick};
use crate::order::OrderId;
use crate::store::engine::Now;
use crate::store::pool::PooledConnection;
use crate::store::{StoreError, orders};

/// How many connections of a pool to keep ready, but at most half of what it may have.
const READY: usize = 6;

/// Keeps connections ready: first one of each pool, so that a server that refuses more leaves no
/// pool without.
pub(super) async fn keep(pools: &Pools, now: Now) -> Result<(), StoreError> {
    for pool in [&pools.heartbeats, &pools.results, &pools.intents] {
        pool.open_up_to(1).await?.into_iter().for_each(PooledConnection::give_back);
    }
    for count in [1, READY] {
        keep_in_queue(pools, now, count).await?;
        keep_for_claims(pools, now, count).await?;
    }
    Ok(())
}

/// The queries that warm connections up match no row. The sessions behind a pooler are not ours to
/// warm up.
async fn keep_in_queue(pools: &Pools, now: Now, count: usize) -> Result<(), StoreError> {
    let mut queue = pools.queue.open_up_to(count).await?;
    for connection in queue.iter_mut().filter(|connection| connection.begin().is_none()) {
        let c = &mut Connection::on(connection);
        orders::due_merchants(c, now).await?;
        orders::next_due(c, now).await?;
        orders::view(c, OrderId::from(Uuid::nil())).await?;
        pick::claim_of(c, now, Uuid::nil().into(), &"".into(), 0, None).await?;
    }
    queue.into_iter().for_each(PooledConnection::give_back);
    Ok(())
}

/// As [`keep_in_queue`].
async fn keep_for_claims(pools: &Pools, now: Now, count: usize) -> Result<(), StoreError> {
    let mut opened = pools.claims.open_up_to(count).await?;
    for connection in opened.iter_mut().filter(|connection| connection.begin().is_none()) {
        claims::warm_up(&mut Connection::on(connection), now).await?;
    }
    opened.into_iter().for_each(PooledConnection::give_back);
    Ok(())
}
