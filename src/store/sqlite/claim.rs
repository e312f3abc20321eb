//! The claim on SQLite: one short write transaction up to the intent, which is the claim from then on; another to
//! store. No transaction is open while Klarna is asked.

use async_trait::async_trait;
use sqlx::{Sqlite, query};

use super::pools::Writer;
use super::{Now, Stamp, sql, tokens, workers};
use crate::clock::Clock;
use crate::store::columns::Columns;
use crate::store::lease::{Lease, bounded};
use crate::store::{ClaimAttempt, ClaimedToken, ExchangeEnd, Intended, Intent, Settled, StoreError, TokenClaim};

struct SqliteClaim {
    /// The transaction up to the intent; none after it.
    lease: Option<Lease<Sqlite>>,
    writer: Writer,
    clock: Clock,
    token: ClaimedToken,
}

impl SqliteClaim {
    fn now(&self) -> Now {
        Stamp(self.clock.now())
    }
}

pub(super) async fn claim(
    writer: &Writer,
    clock: &Clock,
    merchant: &str,
    user: &str,
) -> Result<ClaimAttempt, StoreError> {
    let mut lease = writer.begin().await?;
    let found = query(sql::TRY_CLAIM).bind(merchant).bind(user).fetch_optional(&mut *lease);
    let Some(row) = bounded(found).await? else {
        lease.control("ROLLBACK").await?;
        lease.done();
        return Ok(ClaimAttempt::Missing);
    };
    let token = tokens::claimed(&mut lease, Stamp(clock.now()), row.int("id")?).await?;
    Ok(ClaimAttempt::Claimed(Box::new(SqliteClaim {
        lease: Some(lease),
        writer: writer.clone(),
        clock: clock.clone(),
        token,
    })))
}

#[async_trait]
impl TokenClaim for SqliteClaim {
    fn token(&self) -> &ClaimedToken {
        &self.token
    }

    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError> {
        let now = self.now();
        let Some(mut lease) = self.lease.take() else { return Ok(Intended::Refused) };
        let intended = tokens::intend(&mut lease, now, intent).await?;
        // So that a fresh intent never looks orphaned.
        workers::beat(&mut lease, now, intent.holder).await?;
        lease.control("COMMIT").await?;
        lease.done();
        Ok(intended)
    }

    async fn settle(self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError> {
        let mut lease = self.writer.begin().await?;
        let settled = tokens::settle(&mut lease, self.now(), end).await?;
        lease.control("COMMIT").await?;
        lease.done();
        Ok(settled)
    }

    async fn release(self: Box<Self>) {
        if let Some(mut lease) = self.lease
            && lease.control("ROLLBACK").await.is_ok()
        {
            lease.done();
        }
    }
}
