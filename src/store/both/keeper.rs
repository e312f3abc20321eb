//! The keeper's statements; compiled for each engine.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, Own, Row, commit, sql, tokens};
use crate::store::columns::{Columns, Stamp};
use crate::store::pool::bounded;
use crate::store::{
    DueCursor, DueDate, DueFilter, DueToken, Keeper, LastSweep, PlanFilter, StoreError, TokenCount, UndatedToken,
    micros,
};
use crate::token::{DeadReason, Note, TokenState};

#[async_trait]
impl Keeper for Own {
    async fn time(&self) -> Result<DateTime<Utc>, StoreError> {
        let mut lease = self.read().await?;
        let done = time(&mut lease, self.now()).await?;
        lease.done();
        Ok(done)
    }

    async fn plannable_tokens(
        &self,
        which: PlanFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<UndatedToken>, StoreError> {
        let mut lease = self.read().await?;
        let done = plannable(&mut lease, which, after, limit).await?;
        lease.done();
        Ok(done)
    }

    async fn set_due_dates(&self, dates: &[DueDate]) -> Result<u64, StoreError> {
        let mut lease = self.write().await?;
        let done = set_due_dates(&mut lease, dates).await?;
        lease.done();
        Ok(done)
    }

    async fn bring_forward(&self, orphan_after: Duration) -> Result<u64, StoreError> {
        let mut lease = self.write().await?;
        let done = bring_forward(&mut lease, self.now(), orphan_after).await?;
        lease.done();
        Ok(done)
    }

    async fn due_tokens(&self, filter: &DueFilter) -> Result<Vec<DueToken>, StoreError> {
        let mut lease = self.read().await?;
        let done = due(&mut lease, filter).await?;
        lease.done();
        Ok(done)
    }

    async fn count_due(&self, by: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut lease = self.read().await?;
        let done = count_due(&mut lease, by).await?;
        lease.done();
        Ok(done)
    }

    async fn postpone(
        &self,
        token: i64,
        generation: i64,
        due_at: Option<DateTime<Utc>>,
        failures: u32,
        note: Note,
    ) -> Result<bool, StoreError> {
        let mut lease = self.write().await?;
        let done = postpone(&mut lease, (token, generation), due_at, failures, note).await?;
        lease.done();
        Ok(done)
    }

    async fn forget_idle(&self, idle: Duration, limit: u32) -> Result<u64, StoreError> {
        let mut lease = self.begin().await?;
        let done = forget_idle(&mut lease, self.now(), idle, limit).await?;
        commit(lease).await?;
        Ok(done)
    }

    async fn token_counts(&self, merchant: Option<&str>) -> Result<Vec<TokenCount>, StoreError> {
        let mut lease = self.read().await?;
        let done = token_counts(&mut lease, self.now(), merchant).await?;
        lease.done();
        Ok(done)
    }

    async fn take_sweep(&self, worker: Uuid, hold: Duration) -> Result<bool, StoreError> {
        let mut lease = self.write().await?;
        let done = take_sweep(&mut lease, self.now(), worker, hold).await?;
        lease.done();
        Ok(done)
    }

    async fn renew_sweep(&self, worker: Uuid, hold: Duration) -> Result<bool, StoreError> {
        let mut lease = self.write().await?;
        let done = renew_sweep(&mut lease, self.now(), worker, hold).await?;
        lease.done();
        Ok(done)
    }

    async fn end_sweep(&self, worker: Uuid, whole: bool) -> Result<(), StoreError> {
        let mut lease = self.write().await?;
        let done = end_sweep(&mut lease, self.now(), worker, whole).await?;
        lease.done();
        Ok(done)
    }

    async fn last_sweep(&self) -> Result<LastSweep, StoreError> {
        let mut lease = self.read().await?;
        let done = last_sweep(&mut lease).await?;
        lease.done();
        Ok(done)
    }
}

pub(in crate::store) async fn time(c: &mut Connection, now: Now) -> Result<DateTime<Utc>, StoreError> {
    Ok(bounded(query(sql::NOW).bind(now).fetch_one(c)).await?.time("now")?)
}

async fn plannable(
    c: &mut Connection,
    which: PlanFilter,
    after: i64,
    limit: u32,
) -> Result<Vec<UndatedToken>, StoreError> {
    let list = match which {
        PlanFilter::Undated => sql::UNDATED_TOKENS,
        PlanFilter::All => sql::PLANNED_TOKENS,
    };
    let rows = bounded(query(list).bind(after).bind(i64::from(limit)).fetch_all(c)).await?;
    rows.iter()
        .map(|row| {
            Ok(UndatedToken {
                id: row.int("id")?,
                merchant: row.text("merchant")?,
                user: row.text("user_id")?,
                generation: row.int("generation")?,
                expires_at: row.time("expires_at")?,
            })
        })
        .collect()
}

/// One statement for all of them: a database with a million tokens is planned in a minute.
async fn set_due_dates(c: &mut Connection, dates: &[DueDate]) -> Result<u64, StoreError> {
    let dates: Vec<_> = dates
        .iter()
        .map(|date| json!({ "id": date.token, "generation": date.generation, "due": date.due_at.timestamp_micros() }))
        .collect();
    let set = query(sql::SET_DUE_DATES).bind(json!(dates).to_string());
    Ok(bounded(set.execute(c)).await?.rows_affected())
}

async fn bring_forward(c: &mut Connection, now: Now, orphan_after: Duration) -> Result<u64, StoreError> {
    let forward = query(sql::BRING_FORWARD).bind(micros(orphan_after)).bind(now);
    Ok(bounded(forward.execute(c)).await?.rows_affected())
}

/// Day by day: each look reads no more of the index than is due.
async fn due(c: &mut Connection, filter: &DueFilter) -> Result<Vec<DueToken>, StoreError> {
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let (mut tokens, mut place) = (Vec::new(), filter.after);
    loop {
        let after = match place {
            Some(place) => place,
            None => {
                DueCursor { day: next_due_day(c, filter.by, i64::from(i32::MIN)).await?.unwrap_or(i64::MAX), ..FIRST }
            }
        };
        if after.day == i64::MAX {
            return Ok(tokens);
        }
        tokens.extend(due_of_day(c, filter, after, limit - tokens.len()).await?);
        if tokens.len() >= limit {
            return Ok(tokens);
        }
        let day = next_due_day(c, filter.by, after.day).await?.unwrap_or(i64::MAX);
        place = Some(DueCursor { day, ..FIRST });
    }
}

/// Before every other of its day.
const FIRST: DueCursor = DueCursor { day: 0, due_at: DateTime::UNIX_EPOCH, id: 0 };

async fn next_due_day(c: &mut Connection, by: DateTime<Utc>, after: i64) -> Result<Option<i64>, StoreError> {
    let row = bounded(query(sql::NEXT_DUE_DAY).bind(Stamp(by)).bind(after).fetch_optional(c)).await?;
    Ok(row.map(|row| row.int("day")).transpose()?)
}

async fn due_of_day(
    c: &mut Connection,
    filter: &DueFilter,
    after: DueCursor,
    limit: usize,
) -> Result<Vec<DueToken>, StoreError> {
    let list = query(sql::DUE_OF_DAY)
        .bind(after.day)
        .bind(Stamp(filter.by))
        .bind(Stamp(after.due_at))
        .bind(after.id)
        .bind(&filter.merchant)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = bounded(list.fetch_all(c)).await?;
    rows.iter().map(|row| due_token(row, after.day)).collect()
}

fn due_token(row: &Row, day: i64) -> Result<DueToken, StoreError> {
    let (id, due_at) = (row.int("id")?, row.time("refresh_due_at")?);
    Ok(DueToken {
        id,
        merchant: row.text("merchant")?,
        user: row.text("user_id")?,
        generation: row.int("generation")?,
        issued_at: row.time("issued_at")?,
        expires_at: row.time("expires_at")?,
        due_at,
        failures: u32::try_from(row.int("refresh_failures")?).unwrap_or(u32::MAX),
        last_seen_at: row.opt_time("last_seen_at")?,
        place: DueCursor { day, due_at, id },
    })
}

async fn count_due(c: &mut Connection, by: DateTime<Utc>) -> Result<u64, StoreError> {
    count(&bounded(query(sql::COUNT_DUE).bind(Stamp(by)).fetch_one(c)).await?)
}

fn count(row: &Row) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.int("tokens")?).unwrap_or_default())
}

async fn postpone(
    c: &mut Connection,
    (token, generation): (i64, i64),
    due_at: Option<DateTime<Utc>>,
    failures: u32,
    note: Note,
) -> Result<bool, StoreError> {
    let postpone = query(sql::POSTPONE)
        .bind(token)
        .bind(generation)
        .bind(due_at.map(Stamp))
        .bind(i64::from(failures))
        .bind(note.as_str());
    Ok(bounded(postpone.execute(c)).await?.rows_affected() == 1)
}

/// Within the caller's transaction.
async fn forget_idle(c: &mut Connection, now: Now, idle: Duration, limit: u32) -> Result<u64, StoreError> {
    let forget = query(sql::FORGET_IDLE).bind(micros(idle)).bind(i64::from(limit)).bind(now);
    let rows = bounded(forget.fetch_all(&mut *c)).await?;
    for row in &rows {
        tokens::forget_kept(c, row.int("id")?).await?;
    }
    Ok(rows.len() as u64)
}

async fn token_counts(c: &mut Connection, now: Now, merchant: Option<&str>) -> Result<Vec<TokenCount>, StoreError> {
    let rows = bounded(query(sql::TOKEN_COUNTS).bind(merchant).bind(now).fetch_all(c)).await?;
    rows.iter()
        .map(|row| {
            Ok(TokenCount {
                state: TokenState::from_word(&row.text("state")?)?,
                reason: row.opt_text("reason")?.map(|word| DeadReason::from_word(&word)).transpose()?,
                days: row.opt_int("days")?,
                tokens: count(row)?,
            })
        })
        .collect()
}

async fn take_sweep(c: &mut Connection, now: Now, worker: Uuid, hold: Duration) -> Result<bool, StoreError> {
    let take = query(sql::TAKE_SWEEP).bind(worker).bind(micros(hold)).bind(now);
    Ok(bounded(take.execute(c)).await?.rows_affected() == 1)
}

async fn renew_sweep(c: &mut Connection, now: Now, worker: Uuid, hold: Duration) -> Result<bool, StoreError> {
    let renew = query(sql::RENEW_SWEEP).bind(worker).bind(micros(hold)).bind(now);
    Ok(bounded(renew.execute(c)).await?.rows_affected() == 1)
}

async fn end_sweep(c: &mut Connection, now: Now, worker: Uuid, whole: bool) -> Result<(), StoreError> {
    let end = query(sql::END_SWEEP).bind(worker).bind(whole).bind(now);
    bounded(end.execute(c)).await?;
    Ok(())
}

async fn last_sweep(c: &mut Connection) -> Result<LastSweep, StoreError> {
    let row = bounded(query(sql::LAST_SWEEP).fetch_one(c)).await?;
    Ok(LastSweep { ended_at: row.opt_time("ended_at")?, sweeper: row.opt_text("name")? })
}
