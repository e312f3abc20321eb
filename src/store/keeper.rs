//! The storage trait for the keeper: which tokens are due, when they are due next, and who sweeps.

mod due;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;

pub use self::due::{DueCursor, DueFilter, DuePage, DueToken};
use super::columns::{Columns, readable};
use super::engine::{Engine, SqlStore};
use super::time::time;
use super::workers::heartbeat_counts;
use super::{DatabaseClock, StoreError, tokens};
use crate::ids::{MerchantName, TokenId, TokenVersion, UserKey, WorkerId};
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
    /// Returns tokens that need a due date, ordered by row id, after the row `after`. If none is
    /// returned, none is left. A token whose time of expiry cannot be read counts as expiring now.
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

    /// Renews the sweep lease for the time `hold` from now. Returns `false` if another worker has
    /// it.
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
        let date = |DueDate { version, due_at }: &DueDate| {
            let (id, generation) = (version.token, version.generation);
            json!({ "id": id, "generation": generation, "due": due_at.timestamp_micros() })
        };
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
        self.read(async |c| due::due(c, filter).await).await
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

fn undated_token(row: &impl Columns, now: DateTime<Utc>) -> Result<UndatedToken, StoreError> {
    // A time that cannot be read must not stop the others: the token is due at once and gets a new
    // time.
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
