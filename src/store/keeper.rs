//! The storage trait for the keeper: which tokens are due, when they are due next, and who sweeps.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::columns::{Columns, readable};
use super::engine::{Connection, Engine, Row, SqlStore};
use super::time::time;
use super::workers::heartbeat_counts;
use super::{DatabaseClock, StoreError, tokens};
use crate::ids::{MerchantName, TokenId, TokenVersion, UserId, UserKey, WorkerId};
use crate::silence::HeartbeatCount;
use crate::token::{DeadReason, Note, TokenState};

/// An active token whose due date is to be calculated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndatedToken {
    /// The row and its generation.
    pub version: TokenVersion,
    /// The owner of the token.
    pub owner: UserKey,
    /// When the token expires.
    pub expires_at: DateTime<Utc>,
}

/// A new due date for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueDate {
    /// The row and its generation. A row with a newer generation is not changed.
    pub version: TokenVersion,
    /// When the keeper refreshes the token.
    pub due_at: DateTime<Utc>,
}

/// Which active tokens get new due dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanFilter {
    /// Tokens without a due date for their generation.
    Undated,
    /// All tokens whose due date follows from the settings. Tokens that wait after a failure do not
    /// belong to them.
    All,
}

/// A token that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueToken {
    /// The row and its generation.
    pub version: TokenVersion,
    /// The merchant's name.
    pub merchant: MerchantName,
    /// The shop's own id for the user.
    pub user: UserId,
    /// When Klarna issued it.
    pub issued_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// When it became due.
    pub due_at: DateTime<Utc>,
    /// How many refreshes failed in a row.
    pub failures: u32,
    /// The user's last sign-in, or last order that used the token.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Its position among the due tokens.
    pub place: DueCursor,
}

/// A position among the due tokens, which are ordered by day of expiry, then by due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueCursor {
    pub(super) day: i64,
    pub(super) due_at: DateTime<Utc>,
    pub(super) token: TokenId,
}

/// Selects a page of the due tokens.
#[derive(Clone, Debug)]
pub struct DueFilter {
    /// Tokens that are due at this time.
    pub by: DateTime<Utc>,
    /// Only this merchant's tokens.
    pub merchant: Option<MerchantName>,
    /// No tokens of these merchants.
    pub except: Vec<MerchantName>,
    /// Only tokens after this position, which is [`DuePage::next`] of the previous page.
    pub after: Option<DueCursor>,
    /// How many due tokens are looked at, of whichever merchant. So the page may have fewer, or none.
    pub limit: u32,
}

/// A page of the due tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuePage {
    /// Those that the filter selects.
    pub tokens: Vec<DueToken>,
    /// The position of the last token that was looked at; `None` if no more are due.
    pub next: Option<DueCursor>,
}

/// The number of tokens with the same state, reason and days until expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCount {
    /// Their state.
    pub state: TokenState,
    /// Why they no longer work, if they do not.
    pub reason: Option<DeadReason>,
    /// Of active tokens: the whole days until they expire; -1 if they have expired.
    pub days: Option<i64>,
    /// The number of tokens.
    pub tokens: u64,
}

/// What the database knows about sweeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastSweep {
    /// When the last complete sweep ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The name of the process that is sweeping now.
    pub sweeper: Option<String>,
}

/// Storage for the keeper.
#[async_trait]
pub trait Keeper: DatabaseClock {
    /// Returns tokens that need a due date, ordered by row id, after the row `after`. If none is returned,
    /// none is left. A token whose time of expiry cannot be read counts as expiring now.
    async fn plannable_tokens(
        &self,
        which: PlanFilter,
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<UndatedToken>, StoreError>;

    /// Stores due dates and resets the counts of failures. Returns how many rows changed.
    async fn set_due_dates(&self, dates: &[DueDate]) -> Result<u64, StoreError>;

    /// Makes tokens due whose exchange was left open by a holder that is gone, or one of `silent`
    /// that has sent no heartbeat since; how many.
    async fn bring_forward(&self, silent: &[HeartbeatCount]) -> Result<u64, StoreError>;

    /// Returns a page of the due tokens, ordered by day of expiry, then by due date.
    async fn due_tokens(&self, filter: &DueFilter) -> Result<DuePage, StoreError>;

    /// Returns how many tokens are due at this time.
    async fn count_due(&self, by: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Sets a due date for another reason than the settings, or removes it. Returns `false`, and
    /// changes nothing, if the generation has changed.
    async fn postpone(
        &self,
        version: TokenVersion,
        due_at: Option<DateTime<Utc>>,
        failures: u32,
        note: Note,
    ) -> Result<bool, StoreError>;

    /// Forgets up to `limit` tokens of users who have not been seen for `idle`. Returns how many.
    async fn forget_idle(&self, idle: Duration, limit: u32) -> Result<u64, StoreError>;

    /// Counts tokens by state, reason and days until expiry, of one merchant or of all.
    async fn token_counts(&self, merchant: Option<&MerchantName>) -> Result<Vec<TokenCount>, StoreError>;

    /// Takes the sweep lease for the time `hold`. Returns `false` if another living worker has it.
    async fn take_sweep(&self, worker: WorkerId, hold: Duration) -> Result<bool, StoreError>;

    /// Renews the sweep lease for the time `hold` from now. Returns `false` if another worker has it.
    async fn renew_sweep(&self, worker: WorkerId, hold: Duration) -> Result<bool, StoreError>;

    /// Releases the sweep lease. `whole` records that the sweep was complete.
    async fn end_sweep(&self, worker: WorkerId, whole: bool) -> Result<(), StoreError>;

    /// Returns what the database knows about sweeps.
    async fn last_sweep(&self) -> Result<LastSweep, StoreError>;
}

#[async_trait]
impl<E: Engine> Keeper for SqlStore<E> {
    async fn plannable_tokens(
        &self,
        which: PlanFilter,
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<UndatedToken>, StoreError> {
        let statement = match which {
            PlanFilter::Undated => E::STATEMENTS.keeper.undated_tokens,
            PlanFilter::All => E::STATEMENTS.keeper.planned_tokens,
        };
        self.read(async |c| {
            let now = time(c, self.now()).await?;
            let mut after = after;
            loop {
                let rows = c.query(statement).bind(after).bind(limit).fetch_all().await?;
                let Some(last) = rows.last() else { return Ok(Vec::new()) };
                after = last.token("id")?;
                let tokens = readable("token", &rows, |row| undated_token(row, now));
                if !tokens.is_empty() {
                    return Ok(tokens);
                }
            }
        })
        .await
    }

    /// Uses one statement for all dates, so that a million tokens take about a minute.
    async fn set_due_dates(&self, dates: &[DueDate]) -> Result<u64, StoreError> {
        let date = |date: &DueDate| json!({ "id": date.version.token, "generation": date.version.generation, "due": date.due_at.timestamp_micros() });
        let dates = json!(dates.iter().map(date).collect::<Vec<_>>()).to_string();
        self.write(async |c| c.query(E::STATEMENTS.keeper.set_due_dates).bind(&dates).execute().await).await
    }

    async fn bring_forward(&self, silent: &[HeartbeatCount]) -> Result<u64, StoreError> {
        self.write(async |c| {
            c.query(E::STATEMENTS.keeper.bring_forward)
                .bind(&heartbeat_counts(silent))
                .bind(self.now())
                .execute()
                .await
        })
        .await
    }

    async fn due_tokens(&self, filter: &DueFilter) -> Result<DuePage, StoreError> {
        self.read(async |c| due(c, filter).await).await
    }

    async fn count_due(&self, by: DateTime<Utc>) -> Result<u64, StoreError> {
        self.read(async |c| {
            Ok(c.query(E::STATEMENTS.keeper.count_due).bind(by).fetch_one().await?.count("tokens")?)
        })
        .await
    }

    async fn postpone(
        &self,
        version: TokenVersion,
        due_at: Option<DateTime<Utc>>,
        failures: u32,
        note: Note,
    ) -> Result<bool, StoreError> {
        self.write(async |c| {
            let postpone = c.query(E::STATEMENTS.keeper.postpone).bind_version(version);
            Ok(postpone.bind(due_at).bind(failures).bind(note.as_str()).execute().await? == 1)
        })
        .await
    }

    async fn forget_idle(&self, idle: Duration, limit: u32) -> Result<u64, StoreError> {
        self.transaction(async |c| {
            let forget = c.query(E::STATEMENTS.keeper.forget_idle).bind(idle).bind(limit).bind(self.now());
            let rows = forget.fetch_all().await?;
            for row in &rows {
                tokens::forget_cached(c, row.token("id")?).await?;
            }
            Ok(rows.len() as u64)
        })
        .await
    }

    async fn token_counts(&self, merchant: Option<&MerchantName>) -> Result<Vec<TokenCount>, StoreError> {
        self.count_by_state(merchant).await
    }

    async fn take_sweep(&self, worker: WorkerId, hold: Duration) -> Result<bool, StoreError> {
        self.write(async |c| {
            let take = c.query(E::STATEMENTS.keeper.take_sweep).bind(worker).bind(hold).bind(self.now());
            Ok(take.execute().await? == 1)
        })
        .await
    }

    async fn renew_sweep(&self, worker: WorkerId, hold: Duration) -> Result<bool, StoreError> {
        self.write(async |c| {
            let renew = c.query(E::STATEMENTS.keeper.renew_sweep).bind(worker).bind(hold).bind(self.now());
            Ok(renew.execute().await? == 1)
        })
        .await
    }

    async fn end_sweep(&self, worker: WorkerId, whole: bool) -> Result<(), StoreError> {
        self.write(async |c| {
            c.query(E::STATEMENTS.keeper.end_sweep)
                .bind(worker)
                .bind(whole)
                .bind(self.now())
                .execute()
                .await?;
            Ok(())
        })
        .await
    }

    async fn last_sweep(&self) -> Result<LastSweep, StoreError> {
        self.read(async |c| {
            let row = c.query(E::STATEMENTS.keeper.last_sweep).fetch_one().await?;
            Ok(LastSweep { ended_at: row.opt_time("ended_at")?, sweeper: row.opt_text("name")? })
        })
        .await
    }
}

/// The position before all tokens of the first day.
const FIRST: DueCursor = DueCursor { day: 0, due_at: DateTime::UNIX_EPOCH, token: TokenId::START };

/// Returns due tokens, with one query for each day of expiry, so that each query reads only due
/// entries of the index.
async fn due<E: Engine>(c: &mut Connection<'_, E>, filter: &DueFilter) -> Result<DuePage, StoreError> {
    let mut left = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut tokens = Vec::new();
    let mut next = match filter.after {
        Some(cursor) => Some(cursor),
        None => next_due_day(c, filter.by, i64::from(i32::MIN)).await?,
    };
    while let Some(after) = next {
        let rows = due_of_day(c, filter, after, left).await?;
        let wanted = readable("token", &rows, |row| {
            Ok(if row.flag("wanted")? { Some(due_token(row, after.day)?) } else { None })
        });
        tokens.extend(wanted.into_iter().flatten());
        left -= rows.len();
        if left == 0 {
            let last = rows.last().map(|row| place(row, after.day)).transpose()?;
            return Ok(DuePage { tokens, next: last });
        }
        next = next_due_day(c, filter.by, after.day).await?;
    }
    Ok(DuePage { tokens, next: None })
}

/// Returns the beginning of the first day of expiry after `after` that has due tokens.
async fn next_due_day<E: Engine>(
    c: &mut Connection<'_, E>,
    by: DateTime<Utc>,
    after: i64,
) -> Result<Option<DueCursor>, StoreError> {
    let row = c.query(E::STATEMENTS.keeper.next_due_day).bind(by).bind(after).fetch_optional().await?;
    Ok(row.map(|row| row.int("day")).transpose()?.map(|day| DueCursor { day, ..FIRST }))
}

async fn due_of_day<E: Engine>(
    c: &mut Connection<'_, E>,
    filter: &DueFilter,
    after: DueCursor,
    limit: usize,
) -> Result<Vec<Row<E>>, StoreError> {
    let list = c
        .query(E::STATEMENTS.keeper.due_of_day)
        .bind(after.day)
        .bind(filter.by)
        .bind(after.due_at)
        .bind(after.token);
    let except = super::json(&filter.except)?;
    list.bind(&filter.merchant).bind(limit).bind(&except).fetch_all().await
}

fn place(row: &impl Columns, day: i64) -> Result<DueCursor, StoreError> {
    Ok(DueCursor { day, due_at: row.time("refresh_due_at")?, token: row.token("id")? })
}

fn due_token(row: &impl Columns, day: i64) -> Result<DueToken, StoreError> {
    let place = place(row, day)?;
    let due_at = place.due_at;
    Ok(DueToken {
        version: row.version("id")?,
        merchant: row.merchant()?,
        user: row.user()?,
        // A time that cannot be read must not stop the sweep of the other tokens.
        issued_at: row.time("issued_at").unwrap_or(due_at),
        expires_at: row.time("expires_at").unwrap_or(due_at),
        due_at,
        failures: u32::try_from(row.int("refresh_failures")?).unwrap_or(u32::MAX),
        last_seen_at: row.opt_time("last_seen_at").unwrap_or_default(),
        place,
    })
}

fn undated_token(row: &impl Columns, now: DateTime<Utc>) -> Result<UndatedToken, StoreError> {
    // A time that cannot be read must not stop the others: the token is due at once and gets a new time.
    let expires_at = row.time("expires_at").unwrap_or(now);
    Ok(UndatedToken { version: row.version("id")?, owner: row.owner()?, expires_at })
}

pub(super) fn token_count(row: &impl Columns) -> Result<TokenCount, StoreError> {
    Ok(TokenCount {
        state: TokenState::from_word(&row.text("state")?)?,
        reason: row.opt_text("reason")?.map(|word| DeadReason::from_word(&word)).transpose()?,
        days: row.opt_int("days")?,
        tokens: row.count("tokens")?,
    })
}
