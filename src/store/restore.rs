//! The storage trait for a database that was restored from a backup: what happened since the backup is unknown to it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::StoreError;

/// What a store does about its own past.
#[async_trait]
pub trait Restore: Send + Sync {
    /// Whether the database remembers a heartbeat that it once confirmed, was founded later, or was declared restored later.
    /// Where a worker's row is missing, and the heartbeat is older than `kept_for`, it may have been removed: nothing is said
    /// against that.
    async fn remembers(&self, worker: Uuid, beat_at: DateTime<Utc>, kept_for: Duration) -> Result<bool, StoreError>;

    /// The names of the workers whose last heartbeat is no older than `within`.
    async fn living(&self, within: Duration) -> Result<Vec<String>, StoreError>;

    /// Puts up to `limit` active tokens with an id above `after` to `uncertain`: they may have been spent since. How many
    /// there were, and the last one's id; `None` once all are.
    async fn doubt_tokens(&self, after: i64, limit: u32) -> Result<Option<(u64, i64)>, StoreError>;

    /// Fails up to `limit` orders that have not ended: they may have been submitted since. How many there were.
    async fn hold_orders(&self, limit: u32) -> Result<u64, StoreError>;

    /// Writes down that the database was restored, and that what may have happened since is dealt with.
    async fn declare_restored(&self) -> Result<(), StoreError>;
}
