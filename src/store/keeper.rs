//! The storage trait for the keeper: which tokens are due, when they are due next, and who sweeps.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore};
use super::{StoreError, tokens};
use crate::ids::{MerchantName, TokenId, TokenVersion, UserId, UserKey, WorkerId};
use crate::token::{DeadReason, Note, TokenState};

/// An active token that has, or is to be given, a due date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndatedToken {
    /// What the date is for.
    pub version: TokenVersion,
    /// Whose token.
    pub owner: UserKey,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// The date that a token is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueDate {
    /// What the date is for; a row that has moved on is left alone.
    pub version: TokenVersion,
    /// When the keeper presents it.
    pub due_at: DateTime<Utc>,
}

/// Which active tokens are listed for planning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanFilter {
    /// Those without a date for their generation: written by a program of before the keeper.
    Undated,
    /// All whose date follows from the settings: not those that wait after a failure.
    All,
}

/// A token that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueToken {
    /// What is due.
    pub version: TokenVersion,
    /// Whose merchant.
    pub merchant: MerchantName,
    /// Whose token.
    pub user: UserId,
    /// When Klarna issued it.
    pub issued_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// Since when it is due.
    pub due_at: DateTime<Utc>,
    /// How often in a row the keeper failed with it.
    pub failures: u32,
    /// The last sign-in, or order that took a token.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Where it stands in the order of what is due.
    pub place: DueCursor,
}

/// A place in the order of what is due: by day of expiry, then by due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueCursor {
    pub(super) day: i64,
    pub(super) due_at: DateTime<Utc>,
    pub(super) token: TokenId,
}

/// A page of what is due.
#[derive(Clone, Debug)]
pub struct DueFilter {
    /// What is due by then.
    pub by: DateTime<Utc>,
    /// Only this merchant's.
    pub merchant: Option<MerchantName>,
    /// Only what comes behind: the last of the page before.
    pub after: Option<DueCursor>,
    /// At most so many.
    pub limit: u32,
}

/// How many tokens are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCount {
    /// Where they stand.
    pub state: TokenState,
    /// Why they are dead, where they are.
    pub reason: Option<DeadReason>,
    /// The whole days that they have left, where they are active; -1 where they have lapsed.
    pub days: Option<i64>,
    /// How many they are.
    pub tokens: u64,
}

/// What is written down of sweeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastSweep {
    /// When the last that came to its end did.
    pub ended_at: Option<DateTime<Utc>>,
    /// The name of the worker that sweeps.
    pub sweeper: Option<String>,
}

/// What a store does for the keeper.
#[async_trait]
pub trait Keeper: Send + Sync {
    /// The database's time.
    async fn time(&self) -> Result<DateTime<Utc>, StoreError>;

    /// A page of the tokens to plan, by row, behind the row `after`.
    async fn plannable_tokens(
        &self,
        which: PlanFilter,
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<UndatedToken>, StoreError>;

    /// Writes due dates down, and ends what was noted of failures; how many rows took theirs.
    async fn set_due_dates(&self, dates: &[DueDate]) -> Result<u64, StoreError>;

    /// Makes tokens due whose exchange was left open by a holder that is gone, or silent for
    /// `orphan_after`; how many.
    async fn bring_forward(&self, orphan_after: Duration) -> Result<u64, StoreError>;

    /// A page of what is due: what lapses on an earlier day first, of one day what is due first.
    async fn due_tokens(&self, filter: &DueFilter) -> Result<Vec<DueToken>, StoreError>;

    /// How many tokens are due by then.
    async fn count_due(&self, by: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Sets a date for another reason than the settings, or takes the date away. `false` where the
    /// generation has moved on.
    async fn postpone(
        &self,
        version: TokenVersion,
        due_at: Option<DateTime<Utc>>,
        failures: u32,
        note: Note,
    ) -> Result<bool, StoreError>;

    /// Forgets tokens of users not seen for `idle`, at most `limit`; how many.
    async fn forget_idle(&self, idle: Duration, limit: u32) -> Result<u64, StoreError>;

    /// How many tokens there are of each kind; of one merchant, or of all.
    async fn token_counts(&self, merchant: Option<&MerchantName>) -> Result<Vec<TokenCount>, StoreError>;

    /// Takes the right to sweep for so long, unless another worker that lives has it.
    async fn take_sweep(&self, worker: WorkerId, hold: Duration) -> Result<bool, StoreError>;

    /// Holds the right for so long from now. `false` where it is another's by now.
    async fn renew_sweep(&self, worker: WorkerId, hold: Duration) -> Result<bool, StoreError>;

    /// Gives the right up; `whole` where the sweep came to its end.
    async fn end_sweep(&self, worker: WorkerId, whole: bool) -> Result<(), StoreError>;

    /// What is written down of sweeps.
    async fn last_sweep(&self) -> Result<LastSweep, StoreError>;
}

#[async_trait]
impl<E: Engine> Keeper for SqlStore<E> {
    async fn time(&self) -> Result<DateTime<Utc>, StoreError> {
        self.read(async |c| time(c, self.now()).await).await
    }

    async fn plannable_tokens(
        &self,
        which: PlanFilter,
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<UndatedToken>, StoreError> {
        let list = match which {
            PlanFilter::Undated => E::STATEMENTS.keeper.undated_tokens,
            PlanFilter::All => E::STATEMENTS.keeper.planned_tokens,
        };
        self.read(async |c| {
            c.query(list).bind(after).bind(limit).fetch_all().await?.iter().map(undated_token).collect()
        })
        .await
    }

    /// One statement for all of them: a database with a million tokens is planned in a minute.
    async fn set_due_dates(&self, dates: &[DueDate]) -> Result<u64, StoreError> {
        let date = |date: &DueDate| json!({ "id": date.version.token, "generation": date.version.generation, "due": date.due_at.timestamp_micros() });
        let dates = json!(dates.iter().map(date).collect::<Vec<_>>()).to_string();
        self.write(async |c| c.query(E::STATEMENTS.keeper.set_due_dates).bind(&dates).execute().await).await
    }

    async fn bring_forward(&self, orphan_after: Duration) -> Result<u64, StoreError> {
        self.write(async |c| {
            c.query(E::STATEMENTS.keeper.bring_forward).bind(orphan_after).bind(self.now()).execute().await
        })
        .await
    }

    async fn due_tokens(&self, filter: &DueFilter) -> Result<Vec<DueToken>, StoreError> {
        self.read(async |c| due(c, filter).await).await
    }

    async fn count_due(&self, by: DateTime<Utc>) -> Result<u64, StoreError> {
        self.read(async |c| Ok(c.query(E::STATEMENTS.keeper.count_due).bind(by).fetch_one().await?.count("tokens")?))
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
                tokens::forget_kept(c, row.token("id")?).await?;
            }
            Ok(rows.len() as u64)
        })
        .await
    }

    async fn token_counts(&self, merchant: Option<&MerchantName>) -> Result<Vec<TokenCount>, StoreError> {
        self.read(async |c| {
            let counts = c.query(E::STATEMENTS.keeper.token_counts).bind(merchant).bind(self.now());
            counts.fetch_all().await?.iter().map(token_count).collect()
        })
        .await
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
            c.query(E::STATEMENTS.keeper.end_sweep).bind(worker).bind(whole).bind(self.now()).execute().await?;
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

/// The database's time.
pub(super) async fn time<E: Engine>(c: &mut Connection<'_, E>, now: Now) -> Result<DateTime<Utc>, StoreError> {
    Ok(c.query(E::STATEMENTS.keeper.now).bind(now).fetch_one().await?.time("now")?)
}

/// Before every other of its day.
const FIRST: DueCursor = DueCursor { day: 0, due_at: DateTime::UNIX_EPOCH, token: TokenId::START };

/// Day by day: each query reads no more of the index than is due.
async fn due<E: Engine>(c: &mut Connection<'_, E>, filter: &DueFilter) -> Result<Vec<DueToken>, StoreError> {
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut tokens = Vec::new();
    let mut next = match filter.after {
        Some(cursor) => Some(cursor),
        None => next_due_day(c, filter.by, i64::from(i32::MIN)).await?,
    };
    while let Some(after) = next {
        tokens.extend(due_of_day(c, filter, after, limit - tokens.len()).await?);
        if tokens.len() >= limit {
            break;
        }
        next = next_due_day(c, filter.by, after.day).await?;
    }
    Ok(tokens)
}

/// The beginning of the first day of expiry behind `after` with something due.
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
) -> Result<Vec<DueToken>, StoreError> {
    let list =
        c.query(E::STATEMENTS.keeper.due_of_day).bind(after.day).bind(filter.by).bind(after.due_at).bind(after.token);
    let rows = list.bind(&filter.merchant).bind(limit).fetch_all().await?;
    rows.iter().map(|row| due_token(row, after.day)).collect()
}

fn due_token(row: &impl Columns, day: i64) -> Result<DueToken, StoreError> {
    let (version, due_at) = (row.version("id")?, row.time("refresh_due_at")?);
    Ok(DueToken {
        version,
        merchant: row.merchant()?,
        user: row.user()?,
        // A time that cannot be read must not keep the sweep from the other tokens.
        issued_at: row.time("issued_at").unwrap_or(due_at),
        expires_at: row.time("expires_at").unwrap_or(due_at),
        due_at,
        failures: u32::try_from(row.int("refresh_failures")?).unwrap_or(u32::MAX),
        last_seen_at: row.opt_time("last_seen_at").unwrap_or_default(),
        place: DueCursor { day, due_at, token: version.token },
    })
}

fn undated_token(row: &impl Columns) -> Result<UndatedToken, StoreError> {
    Ok(UndatedToken { version: row.version("id")?, owner: row.owner()?, expires_at: row.time("expires_at")? })
}

fn token_count(row: &impl Columns) -> Result<TokenCount, StoreError> {
    Ok(TokenCount {
        state: TokenState::from_word(&row.text("state")?)?,
        reason: row.opt_text("reason")?.map(|word| DeadReason::from_word(&word)).transpose()?,
        days: row.opt_int("days")?,
        tokens: row.count("tokens")?,
    })
}
