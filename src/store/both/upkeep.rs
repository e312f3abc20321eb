//! Retention and erasure; compiled for each engine.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, Own, commit, keeper, sql, tokens};
use crate::clock::delta;
use crate::order::{OrderError, OrderId};
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::{Erased, ExpiredKind, ScanCursor, ScanStep, ScannedTable, StoreError, Upkeep, json, micros};

/// Orders of one user that are erased in one transaction.
const BATCH: i64 = 500;
/// How far the clocks of processes may lie apart that made ids of orders and exchanges.
const SLACK: Duration = Duration::from_hours(24);

#[async_trait]
impl Upkeep for Own {
    async fn remove_expired(&self, what: ExpiredKind, after: Duration, limit: u32) -> Result<u64, StoreError> {
        let mut lease = self.write().await?;
        let removed = remove(&mut lease, self.now(), what, (after, limit)).await?;
        lease.done();
        Ok(removed)
    }

    async fn scan_expired(
        &self,
        what: ScannedTable,
        after: Duration,
        cursor: Option<ScanCursor>,
        limit: u32,
    ) -> Result<ScanStep, StoreError> {
        let mut lease = self.write().await?;
        let step = match what {
            ScannedTable::Ledger => walk_ledger(&mut lease, self.now(), (after, limit), cursor).await?,
            ScannedTable::KnownTokens => walk_known(&mut lease, self.now(), (after, limit), cursor).await?,
        };
        lease.done();
        Ok(step)
    }

    async fn expire_webhooks(&self, limit: u32) -> Result<u64, StoreError> {
        let mut lease = self.write().await?;
        let expire = query(sql::EXPIRE_WEBHOOKS).bind(i64::from(limit)).bind(self.now());
        let expired = bounded(expire.execute(&mut *lease)).await?.rows_affected();
        lease.done();
        Ok(expired)
    }

    async fn erase_user(&self, merchant: &str, user: &str) -> Result<Erased, StoreError> {
        let pseudonym = format!("erased-{}", Uuid::new_v4());
        let whose = (merchant, user);
        let mut lease = self.begin().await?;
        // In the order in which others lock: orders, token, what was kept.
        let cancelled = cancel(&mut lease, self.now(), whose).await?;
        let token = erase_token(&mut lease, self.now(), whose, &pseudonym).await?;
        commit(lease).await?;
        self.tell_settled(&cancelled);
        let mut erased = Erased { token, cancelled: cancelled.len() as u64, ..Erased::default() };
        loop {
            let mut lease = self.begin().await?;
            let erase = query(sql::ERASE_ORDERS).bind(merchant).bind(user).bind(&pseudonym).bind(BATCH);
            let orders = bounded(erase.execute(&mut *lease)).await?.rows_affected();
            // After them: whatever was told until then is among these.
            let webhooks = query(sql::ERASE_WEBHOOKS).bind(merchant).bind(user);
            erased.webhooks += bounded(webhooks.execute(&mut *lease)).await?.rows_affected();
            commit(lease).await?;
            erased.orders += orders;
            if orders == 0 {
                break;
            }
        }
        self.overwrite_erased().await?;
        Ok(erased)
    }
}

/// The first id that was made then or later: both kinds are UUIDs of version 7, which begin with milliseconds.
async fn bound(c: &mut Connection, now: Now, after: Duration) -> Result<Uuid, StoreError> {
    let time = keeper::time(c, now).await? - delta(after) + delta(SLACK);
    let millis = u128::try_from(time.timestamp_millis()).unwrap_or_default();
    Ok(Uuid::from_u128(millis << 80))
}

async fn remove(
    c: &mut Connection,
    now: Now,
    what: ExpiredKind,
    (after, limit): (Duration, u32),
) -> Result<u64, StoreError> {
    let statement = match what {
        ExpiredKind::Bodies => sql::WIPE_BODIES,
        ExpiredKind::Orders => sql::DELETE_ORDERS,
        ExpiredKind::Webhooks => sql::DELETE_WEBHOOKS,
        ExpiredKind::Workers => sql::DELETE_WORKERS,
    };
    let bound = if what == ExpiredKind::Orders { Some(bound(&mut *c, now, after).await?) } else { None };
    let mut remove = query(statement).bind(micros(after)).bind(i64::from(limit)).bind(now);
    if let Some(bound) = bound {
        remove = remove.bind(bound);
    }
    Ok(bounded(remove.execute(c)).await?.rows_affected())
}

async fn walk_ledger(
    c: &mut Connection,
    now: Now,
    (after, limit): (Duration, u32),
    cursor: Option<ScanCursor>,
) -> Result<ScanStep, StoreError> {
    let from = if let Some(ScanCursor::Exchange(id)) = cursor { id } else { Uuid::nil() };
    let until = bound(&mut *c, now, after).await?;
    let step = query(sql::LEDGER_STEP).bind(from).bind(until).bind(i64::from(limit));
    let Some(row) = bounded(step.fetch_optional(&mut *c)).await? else {
        return Ok(ScanStep { removed: 0, next: None });
    };
    let last = row.id("id")?;
    let delete = query(sql::DELETE_LEDGER).bind(from).bind(last).bind(micros(after)).bind(now);
    let removed = bounded(delete.execute(c)).await?.rows_affected();
    Ok(ScanStep { removed, next: Some(ScanCursor::Exchange(last)) })
}

async fn walk_known(
    c: &mut Connection,
    now: Now,
    (after, limit): (Duration, u32),
    cursor: Option<ScanCursor>,
) -> Result<ScanStep, StoreError> {
    let from = if let Some(ScanCursor::Token(id)) = cursor { id } else { i64::MIN };
    let step = query(sql::KNOWN_STEP).bind(from).bind(i64::from(limit));
    let Some(row) = bounded(step.fetch_optional(&mut *c)).await? else {
        return Ok(ScanStep { removed: 0, next: None });
    };
    let last = row.int("id")?;
    let delete = query(sql::DELETE_KNOWN).bind(from).bind(last).bind(micros(after)).bind(now);
    let removed = bounded(delete.execute(c)).await?.rows_affected();
    Ok(ScanStep { removed, next: Some(ScanCursor::Token(last)) })
}

/// Within the caller's transaction; whether there was a row.
async fn erase_token(
    c: &mut Connection,
    now: Now,
    (merchant, user): (&str, &str),
    pseudonym: &str,
) -> Result<bool, StoreError> {
    let erase = query(sql::ERASE_TOKEN).bind(merchant).bind(user).bind(pseudonym).bind(now);
    let Some(row) = bounded(erase.fetch_optional(&mut *c)).await? else { return Ok(false) };
    let token = row.int("id")?;
    bounded(query(sql::ERASE_KNOWN).bind(token).execute(&mut *c)).await?;
    tokens::forget_kept(c, token).await?;
    Ok(true)
}

/// Within the caller's transaction: ends what has not ended; which orders those were.
async fn cancel(c: &mut Connection, now: Now, (merchant, user): (&str, &str)) -> Result<Vec<OrderId>, StoreError> {
    let error = json(&OrderError {
        code: "user_erased".into(),
        message: "the user's data was erased before the order had ended; if it was running, Klarna may have it".into(),
        faults: Vec::new(),
        correlation_id: None,
    })?;
    let cancel = query(sql::ERASE_OPEN_ORDERS).bind(merchant).bind(user).bind(now).bind(error);
    let rows = bounded(cancel.fetch_all(c)).await?;
    rows.iter().map(|row| Ok(OrderId::from(row.id("id")?))).collect()
}
