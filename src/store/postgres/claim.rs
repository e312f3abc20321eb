//! The claim on PostgreSQL: a transaction that holds the token's advisory lock from claim to store.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Postgres;

use super::pools::Pools;
use super::writers::Intents;
use super::{Now, exchanges, sql};
use crate::clock::Clock;
use crate::store::batch::Batcher;
use crate::store::columns::Stamp;
use crate::store::pool::{PooledConnection, bounded};
use crate::store::{ClaimAttempt, StoreError, TokenClaim};
use crate::token::{ClaimedToken, ExchangeEnd, ExchangeResult, Intended, Intent, Settled};

struct PostgresClaim {
    /// The transaction. Dropped without `done`, its connection is closed, which frees the lock.
    lease: PooledConnection<Postgres>,
    intents: Arc<Batcher<Intents>>,
    token: ClaimedToken,
    clock: Clock,
}

impl PostgresClaim {
    fn now(&self) -> Now {
        super::now(&self.clock)
    }
}

/// Lock and reading are one statement, and so what is read may be older than the lock by a moment. The intent makes up for
/// it: its insert asks again, under the lock, for all that allows the presentation (generation, state, and with the
/// presentation's number the whole ledger).
pub(super) async fn claim(
    pools: &Pools,
    intents: &Arc<Batcher<Intents>>,
    clock: &Clock,
    merchant: &str,
    user: &str,
) -> Result<ClaimAttempt, StoreError> {
    let mut lease = pools.claims.take().await?;
    lease.control("BEGIN").await?;
    let attempt = match exchanges::claimed(&mut lease, super::now(clock), merchant, user).await? {
        None => ClaimAttempt::Missing,
        Some((false, _)) => ClaimAttempt::Busy,
        Some((true, token)) => {
            let (intents, clock) = (Arc::clone(intents), clock.clone());
            return Ok(ClaimAttempt::Claimed(Box::new(PostgresClaim { lease, intents, token, clock })));
        }
    };
    lease.control("ROLLBACK").await?;
    lease.done();
    Ok(attempt)
}

#[async_trait]
impl TokenClaim for PostgresClaim {
    fn token(&self) -> &ClaimedToken {
        &self.token
    }

    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError> {
        self.intents.put(intent.clone()).await
    }

    async fn settle(mut self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        let now = self.now();
        let settled = if rotated_at_once(&mut self.lease, now, end).await? {
            Settled::Written
        } else {
            exchanges::settle(&mut self.lease, now, end).await?
        };
        self.lease.control("COMMIT").await?;
        self.lease.done();
        Ok(settled)
    }

    async fn release(mut self: Box<Self>) {
        if self.lease.control("ROLLBACK").await.is_ok() {
            self.lease.done();
        }
    }
}

/// The usual end by one statement: a successor for a token that is as it was claimed. `false` where it is another end, or
/// the row has changed, and nothing was written.
async fn rotated_at_once(
    lease: &mut PooledConnection<Postgres>,
    now: Now,
    end: &ExchangeEnd,
) -> Result<bool, StoreError> {
    let ExchangeResult::Rotated(successor) = &end.result else { return Ok(false) };
    let rotate = exchanges::placed(sql::ROTATE, now, (end.token, end.generation), end.exchange, successor)
        .bind(&successor.hash[..])
        .bind(end.kept.as_ref().map(|kept| kept.purpose))
        .bind(end.kept.as_ref().map(|kept| &kept.sealed))
        .bind(end.kept.as_ref().map(|kept| Stamp(kept.received_at)))
        .bind(end.kept.as_ref().map(|kept| Stamp(kept.good_until)));
    Ok(bounded(rotate.fetch_optional(&mut **lease)).await?.is_some())
}
