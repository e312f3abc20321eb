//! The storage trait for deletion: retention, which deletes in small batches, and the erasure of a
//! user's data.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore};
use super::time::time;
use super::{Erased, StoreError, erasure, json};
use crate::clock::delta;
use crate::ids::{ExchangeId, MerchantName, TokenId, UserKey};

/// A kind of data that is deleted some time after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiredKind {
    /// `body` and `result` of ended orders.
    Bodies,
    /// Ended orders.
    Orders,
    /// Events that were delivered or given up.
    Webhooks,
    /// Calls about submitted orders that were given up.
    FollowUps,
    /// Rows of ended processes that no open row refers to.
    Workers,
    /// Pauses that are over, because somebody resumed or because another followed.
    PastPauses,
    /// Pauses that are over by time, and that no other has followed.
    OverPauses,
    /// Outages that are over.
    Outages,
    /// The encrypted tokens of rows whose token no longer works.
    DeadTokens,
}

/// A kind of row whose age alone does not decide, so that its whole table is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScannedTable {
    /// The ledger, except open rows and those of a token's current or previous generation.
    Ledger,
    /// Hashes of tokens that were registered or received, except current tokens.
    KnownTokens,
}

/// The result of one step of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanStep {
    /// Rows removed by this step.
    pub removed: u64,
    /// Where to continue; `None` at the end.
    pub next: Option<ScanCursor>,
}

/// A position in a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanCursor {
    /// After this exchange.
    Exchange(ExchangeId),
    /// After this token.
    Token(TokenId),
}

/// Storage for deletion.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Deletes data that ended longer ago than `after`, from at most `limit` rows. Returns how many
    /// rows. Concurrent calls are safe.
    async fn remove_expired(&self, what: ExpiredKind, after: Duration, limit: u32)
    -> Result<u64, StoreError>;

    /// Reads the next `limit` rows after `cursor`, and deletes those that ended longer ago than
    /// `after`.
    async fn scan_expired(
        &self,
        what: ScannedTable,
        after: Duration,
        cursor: Option<ScanCursor>,
        limit: u32,
    ) -> Result<ScanStep, StoreError>;

    /// Gives up events whose time is over and that nothing sends: their endpoint was removed or
    /// disabled, or it is not one of `served`, the merchants whose endpoint the settings have.
    /// Returns the merchant of each.
    async fn expire_webhooks(
        &self,
        served: &[MerchantName],
        limit: u32,
    ) -> Result<Vec<MerchantName>, StoreError>;

    /// Erases a user: secrets, cached tokens, hashes, bodies, results and events are deleted.
    /// Orders and ledger stay under a random name. Orders that have not ended are cancelled. A
    /// result or successor that arrives later finds no row to write to. It works in batches: after
    /// an error, call it again.
    async fn erase_user(&self, key: &UserKey) -> Result<Erased, StoreError>;
}

/// How far the clocks of processes may differ. Ids of orders and exchanges contain their times.
const SLACK: Duration = Duration::from_hours(24);

#[async_trait]
impl<E: Engine> Upkeep for SqlStore<E> {
    async fn remove_expired(
        &self,
        what: ExpiredKind,
        after: Duration,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let sql = &E::STATEMENTS.upkeep;
        self.write(async |c| {
            let remove = match what {
                ExpiredKind::Bodies => c.query(sql.wipe_bodies),
                ExpiredKind::Webhooks => c.query(sql.delete_webhooks),
                ExpiredKind::FollowUps => c.query(sql.delete_follow_ups),
                ExpiredKind::Workers => c.query(sql.delete_workers),
                ExpiredKind::PastPauses => c.query(sql.delete_past_pauses),
                ExpiredKind::OverPauses => c.query(sql.delete_over_pauses),
                ExpiredKind::Outages => c.query(sql.delete_outages),
                ExpiredKind::DeadTokens => c.query(sql.wipe_tokens),
                ExpiredKind::Orders => {
                    let bound = first_id_after(c, self.now(), after).await?;
                    let remove =
                        c.query(sql.delete_orders).bind(after).bind(limit).bind(self.now()).bind(bound);
                    return remove.execute().await;
                }
            };
            remove.bind(after).bind(limit).bind(self.now()).execute().await
        })
        .await
    }

    async fn scan_expired(
        &self,
        what: ScannedTable,
        after: Duration,
        cursor: Option<ScanCursor>,
        limit: u32,
    ) -> Result<ScanStep, StoreError> {
        self.write(async |c| match what {
            ScannedTable::Ledger => scan_ledger(c, self.now(), after, cursor, limit).await,
            ScannedTable::KnownTokens => scan_known(c, self.now(), after, cursor, limit).await,
        })
        .await
    }

    async fn expire_webhooks(
        &self,
        served: &[MerchantName],
        limit: u32,
    ) -> Result<Vec<MerchantName>, StoreError> {
        let served = json(&served)?;
        self.write(async |c| {
            let expire =
                c.query(E::STATEMENTS.upkeep.expire_webhooks).bind(limit).bind(self.now()).bind(&served);
            expire.fetch_all().await?.iter().map(|row| Ok(row.merchant()?)).collect()
        })
        .await
    }

    async fn erase_user(&self, key: &UserKey) -> Result<Erased, StoreError> {
        erasure::erase(self, key).await
    }
}

/// Returns the first id that is too young to have ended longer ago than `after`: ids of orders and
/// exchanges are UUIDs of version 7, which begin with the time in milliseconds.
async fn first_id_after<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    after: Duration,
) -> Result<Uuid, StoreError> {
    let time = time(c, now).await? - delta(after) + delta(SLACK);
    let millis = u128::try_from(time.timestamp_millis()).unwrap_or_default();
    Ok(Uuid::from_u128(millis << 80))
}

async fn scan_ledger<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    after: Duration,
    cursor: Option<ScanCursor>,
    limit: u32,
) -> Result<ScanStep, StoreError> {
    let from = if let Some(ScanCursor::Exchange(id)) = cursor { id } else { Uuid::nil().into() };
    let until = first_id_after(c, now, after).await?;
    let step =
        c.query(E::STATEMENTS.upkeep.ledger_step).bind(from).bind(until).bind(limit).fetch_optional().await?;
    let Some(row) = step else { return Ok(ScanStep { removed: 0, next: None }) };
    let last = row.id("id")?;
    let delete = c.query(E::STATEMENTS.upkeep.delete_ledger).bind(from).bind(last).bind(after).bind(now);
    Ok(ScanStep { removed: delete.execute().await?, next: Some(ScanCursor::Exchange(last)) })
}

async fn scan_known<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    after: Duration,
    cursor: Option<ScanCursor>,
    limit: u32,
) -> Result<ScanStep, StoreError> {
    let from = if let Some(ScanCursor::Token(id)) = cursor { id } else { TokenId::START };
    let step = c.query(E::STATEMENTS.upkeep.known_step).bind(from).bind(limit).fetch_optional().await?;
    let Some(row) = step else { return Ok(ScanStep { removed: 0, next: None }) };
    let last = row.token("id")?;
    let delete = c.query(E::STATEMENTS.upkeep.delete_known).bind(from).bind(last).bind(after).bind(now);
    Ok(ScanStep { removed: delete.execute().await?, next: Some(ScanCursor::Token(last)) })
}
