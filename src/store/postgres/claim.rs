//! The claim on PostgreSQL: a transaction that holds the token's advisory lock from claim to store.

use async_trait::async_trait;
use sqlx::{Postgres, query};

use super::pools::Pools;
use super::{Now, sql, tokens};
use crate::clock::Clock;
use crate::store::columns::Columns;
use crate::store::lease::{Lease, bounded};
use crate::store::{ClaimAttempt, ClaimedToken, ExchangeEnd, Intended, Intent, Settled, StoreError, TokenClaim};

struct PostgresClaim {
    /// The transaction. Dropped without `done`, its connection is closed, which frees the lock.
    lease: Lease<Postgres>,
    intents: sqlx::PgPool,
    token: ClaimedToken,
    clock: Clock,
}

impl PostgresClaim {
    fn now(&self) -> Now {
        super::now(&self.clock)
    }
}

pub(super) async fn claim(
    pools: &Pools,
    clock: &Clock,
    merchant: &str,
    user: &str,
) -> Result<ClaimAttempt, StoreError> {
    let mut lease = Lease::take(&pools.claims).await?;
    lease.control("BEGIN").await?;
    let tried = query(sql::TRY_CLAIM).bind(merchant).bind(user).fetch_optional(&mut *lease);
    let attempt = match bounded(tried).await? {
        None => ClaimAttempt::Missing,
        Some(row) if !row.flag("claimed")? => ClaimAttempt::Busy,
        Some(row) => {
            // A statement of its own, hence with a snapshot of its own, taken after the lock was.
            let token = tokens::claimed(&mut lease, super::now(clock), row.int("id")?).await?;
            let (intents, clock) = (pools.intents.clone(), clock.clone());
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
        let mut lease = Lease::take(&self.intents).await?;
        let intended = tokens::intend(&mut lease, self.now(), intent).await?;
        lease.done();
        Ok(intended)
    }

    async fn settle(mut self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        let now = self.now();
        let settled = tokens::settle(&mut self.lease, now, end).await?;
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
