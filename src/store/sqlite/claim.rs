//! The claim on SQLite: the committed intent is the claim. Row and ledger are read without a lock. The
//! intent is inserted in a write transaction, of which there is one at a time, and the insert checks
//! everything again: generation, state, and by the presentation's number the whole ledger. No
//! transaction is open during the request to Klarna.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;

use super::shared::Shared;
use super::{Sqlite, now, sql};
use crate::clock::Clock;
use crate::ids::{Provider, UserKey};
use crate::store::engine::by;
use crate::store::pool::Pool;
use crate::store::{ClaimAttempt, StoreError, TokenClaim, exchange_end, exchanges, workers};
use crate::token::{ClaimedToken, ExchangeEnd, Intended, Intent, Settled};

struct SqliteClaim {
    shared: Shared,
    clock: Clock,
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
    let claim = SqliteClaim { shared: shared.clone(), clock: clock.clone(), token: read.token };
    Ok(ClaimAttempt::Claimed(Box::new(claim)))
}

pub(super) async fn settle(shared: &Shared, clock: &Clock, end: &ExchangeEnd) -> Result<Settled, StoreError> {
    let (clock, end) = (clock.clone(), Arc::new(end.clone()));
    shared
        .run(move |c| {
            let (now, end) = (now(&clock), Arc::clone(&end));
            async move { exchange_end::settle(c, now, &end).await }.boxed()
        })
        .await
}

#[async_trait]
impl TokenClaim for SqliteClaim {
    fn token(&self) -> &ClaimedToken {
        &self.token
    }

    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError> {
        let (clock, intent) = (self.clock.clone(), Arc::new(intent.clone()));
        self.shared
            .run(move |c| {
                let (now, intent) = (now(&clock), Arc::clone(&intent));
                async move {
                    let written = exchanges::bind_intent(c, sql::INTEND, &intent).bind(now).execute().await?;
                    // A new intent must not look orphaned.
                    workers::heartbeat(c, now, intent.holder).await?;
                    Ok(if written == 1 { Intended::Recorded } else { Intended::Refused })
                }
                .boxed()
            })
            .await
    }

    async fn settle(self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        settle(&self.shared, &self.clock, end).await
    }

    async fn release(self: Box<Self>) {}
}
