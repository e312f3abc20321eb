//! The storage trait for what must not stay: what retention removes in small batches, and all of a user's data where that is asked for.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;

/// A kind of thing that is removed some time after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiredKind {
    /// `body` and `html_snippet` of ended orders.
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
    Exchange(uuid::Uuid),
    /// Behind this token.
    Token(i64),
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
    /// Removes what ended longer ago than `after`, at most `limit` rows; how many. Two at once do no harm.
    async fn remove_expired(&self, what: ExpiredKind, after: Duration, limit: u32) -> Result<u64, StoreError>;

    /// Looks at the next `limit` rows from `cursor` on, and removes those that ended longer ago than `after`.
    async fn scan_expired(
        &self,
        what: ScannedTable,
        after: Duration,
        cursor: Option<ScanCursor>,
        limit: u32,
    ) -> Result<ScanStep, StoreError>;

    /// Gives events up whose time is over, which their endpoint's being disabled kept from being sent; how many.
    async fn expire_webhooks(&self, limit: u32) -> Result<u64, StoreError>;

    /// Erases a user: secrets, what was kept from them, hashes, bodies, results and events are deleted; orders and ledger
    /// stay under a random name. What has not ended is cancelled. A result or successor that comes later
    /// finds nothing of the user's to be written to. It goes in batches: after an error call it again.
    async fn erase_user(&self, merchant: &str, user: &str) -> Result<Erased, StoreError>;
}
