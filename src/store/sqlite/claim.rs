//! The claim on SQLite: the committed intent is the claim. What it rests on is read without a lock; the insert of the
//! intent asks again for all of it, where nobody else can write: generation, state, and with the presentation's number
//! the whole ledger. No transaction is open while Klarna is asked.

use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use sqlx::Sqlite;

use super::shared::Shared;
use super::{Connection, Now, Stamp, exchanges, sql, workers};
use crate::clock::Clock;
use crate::store::pool::{Pool, bounded};
use crate::store::{ClaimAttempt, StoreError, TokenClaim};
use crate::token::{ClaimedToken, ExchangeEnd, Intended, Intent, Settled};

struct SqliteClaim {
    shared: Arc<Shared>,
    clock: Clock,
    token: ClaimedToken,
}

pub(super) async fn claim(
    readers: &Pool<Sqlite>,
    shared: &Arc<Shared>,
    clock: &Clock,
    merchant: &str,
    user: &str,
) -> Result<ClaimAttempt, StoreError> {
    let mut lease = readers.take().await?;
    let found = exchanges::claimed(&mut lease, Stamp(clock.now()), merchant, user).await?;
    lease.done();
    let Some((_, token)) = found else { return Ok(ClaimAttempt::Missing) };
    let (shared, clock) = (Arc::clone(shared), clock.clone());
    Ok(ClaimAttempt::Claimed(Box::new(SqliteClaim { shared, clock, token })))
}

/// Writes an exchange's end.
pub(super) async fn settle(shared: &Shared, clock: &Clock, end: &ExchangeEnd) -> Result<Settled, StoreError> {
    let (clock, end) = (clock.clone(), Arc::new(end.clone()));
    shared
        .run(move |c| {
            let (now, end) = (Stamp(clock.now()), Arc::clone(&end));
            async move { exchanges::settle(c, now, &end).await }.boxed()
        })
        .await
}

async fn intend(c: &mut Connection, now: Now, intent: Arc<Intent>) -> Result<Intended, StoreError> {
    let done = bounded(exchanges::bind_intent(sql::INTEND, &intent).bind(now).execute(&mut *c)).await?;
    // So that a fresh intent never looks orphaned.
    workers::heartbeat(c, now, intent.holder).await?;
    Ok(if done.rows_affected() == 1 { Intended::Recorded } else { Intended::Refused })
}

#[async_trait]
impl TokenClaim for SqliteClaim {
    fn token(&self) -> &ClaimedToken {
        &self.token
    }

    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError> {
        let (clock, intent) = (self.clock.clone(), Arc::new(intent.clone()));
        self.shared.run(move |c| intend(c, Stamp(clock.now()), Arc::clone(&intent)).boxed()).await
    }

    async fn settle(self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        settle(&self.shared, &self.clock, end).await
    }

    async fn release(self: Box<Self>) {}
}
