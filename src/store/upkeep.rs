//! The storage trait for what must not stay: what retention removes in small batches, and all of a
//! user's data where that is asked for.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore};
use super::{StoreError, erasure, keeper};
use crate::clock::delta;
use crate::ids::{ExchangeId, TokenId, UserKey};

/// A kind of thing that is removed some time after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiredKind {
    /// `body` and `result` of ended orders.
    Bodies,
    /// Ended orders.
    Orders,
    /// Events that were delivered or given up.
    Webhooks,
    /// Starts of processes that are gone, and that no open row names.
    Workers,
}

/// A kind of row that can stay however old it is, so that its table is walked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScannedTable {
    /// The ledger, but for what is open, or of a token's current or previous generation.
    Ledger,
    /// Hashes of tokens that were registered or received, but for the current ones.
    KnownTokens,
}

/// Where a walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanStep {
    /// Rows removed by this step.
    pub removed: u64,
    /// Where to go on; `None` at the end.
    pub next: Option<ScanCursor>,
}

/// A place in a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanCursor {
    /// Behind this exchange.
    Exchange(ExchangeId),
    /// Behind this token.
    Token(TokenId),
}

/// What was erased of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Whether there was a row for the user's token.
    pub token: bool,
    /// Orders that no longer say whose they were.
    pub orders: u64,
    /// Of these, those that had not ended, and are cancelled.
    pub cancelled: u64,
    /// Events that are deleted.
    pub webhooks: u64,
}

/// What a store does against keeping too much.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Removes what ended longer ago than `after`, at most `limit` rows; how many. Two at once do
    /// no harm.
    async fn remove_expired(&self, what: ExpiredKind, after: Duration, limit: u32) -> Result<u64, StoreError>;

    /// Looks at the next `limit` rows from `cursor` on, and removes those that ended longer ago
    /// than `after`.
    async fn scan_expired(
        &self,
        what: ScannedTable,
        after: Duration,
        cursor: Option<ScanCursor>,
        limit: u32,
    ) -> Result<ScanStep, StoreError>;

    /// Gives events up whose time is over, which their endpoint's being disabled kept from being
    /// sent; how many.
    async fn expire_webhooks(&self, limit: u32) -> Result<u64, StoreError>;

    /// Erases a user: secrets, what was kept from them, hashes, bodies, results and events are
    /// deleted; orders and ledger stay under a random name. What has not ended is cancelled. A
    /// result or successor that comes later finds nothing of the user's to be written to. It goes
    /// in batches: after an error call it again.
    async fn erase_user(&self, key: &UserKey) -> Result<Erased, StoreError>;
}

/// How far the clocks of processes may lie apart that made ids of orders and exchanges.
const SLACK: Duration = Duration::from_hours(24);

#[async_trait]
impl<E: Engine> Upkeep for SqlStore<E> {
    async fn remove_expired(&self, what: ExpiredKind, after: Duration, limit: u32) -> Result<u64, StoreError> {
        let sql = &E::STATEMENTS.upkeep;
        self.write(async |c| {
            let remove = match what {
                ExpiredKind::Bodies => c.query(sql.wipe_bodies),
                ExpiredKind::Webhooks => c.query(sql.delete_webhooks),
                ExpiredKind::Workers => c.query(sql.delete_workers),
                ExpiredKind::Orders => {
                    let bound = first_id_after(c, self.now(), after).await?;
                    let remove = c.query(sql.delete_orders).bind(after).bind(limit).bind(self.now()).bind(bound);
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

    async fn expire_webhooks(&self, limit: u32) -> Result<u64, StoreError> {
        self.write(async |c| c.query(E::STATEMENTS.upkeep.expire_webhooks).bind(limit).bind(self.now()).execute().await)
            .await
    }

    async fn erase_user(&self, key: &UserKey) -> Result<Erased, StoreError> {
        erasure::erase(self, key).await
    }
}

/// The first id that is too young to have ended so long ago: ids of orders and exchanges are UUIDs
/// of version 7, which begin with milliseconds.
async fn first_id_after<E: Engine>(c: &mut Connection<'_, E>, now: Now, after: Duration) -> Result<Uuid, StoreError> {
    let time = keeper::time(c, now).await? - delta(after) + delta(SLACK);
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
    let step = c.query(E::STATEMENTS.upkeep.ledger_step).bind(from).bind(until).bind(limit).fetch_optional().await?;
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
