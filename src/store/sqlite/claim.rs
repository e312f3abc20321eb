//! The claim on SQLite: the committed intent is the claim. Row and ledger are read without a lock.
//! The intent is inserted in a write transaction, of which there is one at a time, and the insert
//! checks everything again: generation, state, and by the presentation's number the whole ledger.
//! No transaction is open during the request to Klarna.

use async_trait::async_trait;

use super::shared::Shared;
use super::{Sqlite, now, sql};
use crate::clock::Clock;
use crate::ids::{Provider, UserKey};
use crate::store::engine::by;
use crate::store::pool::Pool;
use crate::store::{ClaimAttempt, StoreError, TokenClaim, exchanges};
use crate::token::{ClaimedToken, ExchangeEnd, Intended, Intent, Settled};

struct SqliteClaim {
    shared: Shared,
    token: ClaimedToken,
}

pub(super) async fn claim(
    readers: &Pool<sqlx::Sqlite>,
    shared: &Shared,
    clock: &Clock,
    key: &UserKey,
    provider: Provider,
) -> Result<ClaimAttempt, StoreError> {
    let read = by::<Sqlite, _>(readers.take().await?, async |c| {
        let claim = c.query(sql::CLAIM_TOKEN).bind_user(key).bind(now(clock)).bind(&provider);
        exchanges::claimed(&claim.fetch_all().await?)
    });
    let Some(read) = read.await? else { return Ok(ClaimAttempt::Missing) };
    Ok(ClaimAttempt::Claimed(Box::new(SqliteClaim { shared: shared.clone(), token: read.token })))
}

#[async_trait]
impl TokenClaim for SqliteClaim {
    fn token(&self) -> &ClaimedToken {
        &self.token
    }

    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError> {
        self.shared.intend(intent).await
    }

    async fn settle(self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        self.shared.settle_exchange(end).await
    }

    async fn release(self: Box<Self>) {}
}
