//! The claim on PostgreSQL: a transaction that holds the token's advisory lock from claim to store.

use std::sync::Arc;

use async_trait::async_trait;

use super::pools::Pools;
use super::writers::{Announcement, Announcements};
use super::{Connection, Postgres};
use crate::clock::Clock;
use crate::ids::{Provider, UserKey};
use crate::store::batch::Batcher;
use crate::store::engine::{Engine, begin};
use crate::store::exchanges::Read;
use crate::store::pool::{PooledConnection, bounded};
use crate::store::{ClaimAttempt, StoreError, TokenClaim, exchange_end, exchanges};
use crate::token::{ClaimedToken, ExchangeEnd, Intended, Intent, Settled};

struct PostgresClaim {
    /// In the transaction. If it is not given back, it is closed, which frees the lock.
    connection: PooledConnection<sqlx::Postgres>,
    announcements: Arc<Batcher<Announcements>>,
    token: ClaimedToken,
    clock: Clock,
}

/// One statement locks and reads, so what it reads may be slightly older than the lock. That does
/// no harm: the insert of the intent checks again, under the lock, everything that allows the
/// presentation: generation, state, and by the presentation's number the whole ledger.
pub(super) async fn claim(
    pools: &Pools,
    announcements: &Arc<Batcher<Announcements>>,
    clock: &Clock,
    key: &UserKey,
    provider: Provider,
) -> Result<ClaimAttempt, StoreError> {
    let mut connection = pools.claims.take().await?;
    begin::<Postgres>(&mut connection).await?;
    let c = &mut Connection::on(&mut connection);
    let attempt = match exchanges::claim(c, super::now(clock), key, provider).await? {
        None => ClaimAttempt::Missing,
        Some(Read { ours: false, .. }) => ClaimAttempt::Busy,
        Some(Read { ours: true, token }) => {
            let (announcements, clock) = (Arc::clone(announcements), clock.clone());
            return Ok(ClaimAttempt::Claimed(Box::new(PostgresClaim {
                connection,
                announcements,
                token,
                clock,
            })));
        }
    };
    control(&mut connection, "ROLLBACK").await?;
    connection.give_back();
    Ok(attempt)
}

async fn control(
    connection: &mut PooledConnection<sqlx::Postgres>,
    word: &'static str,
) -> Result<(), StoreError> {
    bounded(Postgres::control(connection, word)).await
}

#[async_trait]
impl TokenClaim for PostgresClaim {
    fn token(&self) -> &ClaimedToken {
        &self.token
    }

    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError> {
        let recorded = self.announcements.put(Announcement::Exchange(intent.clone())).await?;
        Ok(if recorded { Intended::Recorded } else { Intended::Refused })
    }

    async fn settle(mut self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        let now = super::now(&self.clock);
        let c = &mut Connection::on(&mut self.connection);
        let settled = exchange_end::settle(c, now, end).await;
        let word = match &settled {
            Ok(_) => "COMMIT",
            // Another session has locked the row. The end is stored later, without the claim.
            Err(StoreError::Busy(_)) => "ROLLBACK",
            Err(_) => return settled,
        };
        control(&mut self.connection, word).await?;
        self.connection.give_back();
        settled
    }

    async fn release(mut self: Box<Self>) {
        if control(&mut self.connection, "ROLLBACK").await.is_ok() {
            self.connection.give_back();
        }
    }
}
