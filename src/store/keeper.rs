//! The storage trait for the keeper: which tokens are due, when they are due next, and who sweeps.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::StoreError;
use crate::token::{DeadReason, Note, TokenState};

/// An active token that has, or is to be given, a due date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndatedToken {
    /// The row.
    pub id: i64,
    /// Whose merchant.
    pub merchant: String,
    /// Whose token.
    pub user: String,
    /// The generation that the date is for.
    pub generation: i64,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// The date that a token is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueDate {
    /// The row.
    pub token: i64,
    /// The generation that the date is for; a row that has moved on is left alone.
    pub generation: i64,
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
    /// The row.
    pub id: i64,
    /// Whose merchant.
    pub merchant: String,
    /// Whose token.
    pub user: String,
    /// The generation that is due.
    pub generation: i64,
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
    pub(super) id: i64,
}

/// A page of what is due.
#[derive(Clone, Debug)]
pub struct DueFilter {
    /// What is due by then.
    pub by: DateTime<Utc>,
    /// Only this merchant's.
    pub merchant: Option<String>,
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
        after: i64,
        limit: u32,
    ) -> Result<Vec<UndatedToken>, StoreError>;

    /// Writes due dates down, and ends what was noted of failures; how many rows took theirs.
    async fn set_due_dates(&self, dates: &[DueDate]) -> Result<u64, StoreError>;

    /// Makes tokens due whose exchange was left open by a holder that is gone, or silent for `orphan_after`; how many.
    async fn bring_forward(&self, orphan_after: Duration) -> Result<u64, StoreError>;

    /// A page of what is due: what lapses on an earlier day first, of one day what is due first.
    async fn due_tokens(&self, filter: &DueFilter) -> Result<Vec<DueToken>, StoreError>;

    /// How many tokens are due by then.
    async fn count_due(&self, by: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Sets a date for another reason than the settings, or takes the date away. `false` where the generation has moved on.
    async fn postpone(
        &self,
        token: i64,
        generation: i64,
        due_at: Option<DateTime<Utc>>,
        failures: u32,
        note: Note,
    ) -> Result<bool, StoreError>;

    /// Forgets tokens of users not seen for `idle`, at most `limit`; how many.
    async fn forget_idle(&self, idle: Duration, limit: u32) -> Result<u64, StoreError>;

    /// How many tokens there are of each kind; of one merchant, or of all.
    async fn token_counts(&self, merchant: Option<&str>) -> Result<Vec<TokenCount>, StoreError>;

    /// Takes the right to sweep for so long, unless another worker that lives has it.
    async fn take_sweep(&self, worker: Uuid, hold: Duration) -> Result<bool, StoreError>;

    /// Holds the right for so long from now. `false` where it is another's by now.
    async fn renew_sweep(&self, worker: Uuid, hold: Duration) -> Result<bool, StoreError>;

    /// Gives the right up; `whole` where the sweep came to its end.
    async fn end_sweep(&self, worker: Uuid, whole: bool) -> Result<(), StoreError>;

    /// What is written down of sweeps.
    async fn last_sweep(&self) -> Result<LastSweep, StoreError>;
}
