//! The storage trait for a database that was restored from a backup: what happened since the backup
//! is unknown to it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use super::{StoreError, exchanges, json, last_id, one_row};
use crate::ids::{TokenId, WorkerId};
use crate::order::OrderError;

/// What a store does about its own past.
#[async_trait]
pub trait Restore: Send + Sync {
    /// Whether the database remembers a heartbeat that it once confirmed, was founded later, or was
    /// declared restored later. Where a worker's row is missing, and the heartbeat is older than
    /// `kept_for`, it may have been removed: nothing is said against that.
    async fn remembers(&self, worker: WorkerId, beat_at: DateTime<Utc>, kept_for: Duration)
    -> Result<bool, StoreError>;

    /// The names of the workers whose last heartbeat is no older than `within`.
    async fn living(&self, within: Duration) -> Result<Vec<String>, StoreError>;

    /// Puts up to `limit` active tokens with an id above `after` to `uncertain`: they may have been
    /// spent since. How many there were, and the last one's id; `None` once all are.
    async fn doubt_tokens(&self, after: TokenId, limit: u32) -> Result<Option<(u64, TokenId)>, StoreError>;

    /// Fails up to `limit` orders that have not ended: they may have been submitted since. How many
    /// there were.
    async fn hold_orders(&self, limit: u32) -> Result<u64, StoreError>;

    /// Writes down that the database was restored, and that what may have happened since is dealt
    /// with.
    async fn declare_restored(&self) -> Result<(), StoreError>;
}

#[async_trait]
impl<E: Engine> Restore for SqlStore<E> {
    async fn remembers(
        &self,
        worker: WorkerId,
        beat_at: DateTime<Utc>,
        kept_for: Duration,
    ) -> Result<bool, StoreError> {
        self.read(async |c| {
            let remembers = c.query(E::STATEMENTS.restore.remembers).bind(worker).bind(beat_at).bind(kept_for);
            Ok(remembers.bind(self.now()).fetch_one().await?.flag("remembers")?)
        })
        .await
    }

    async fn living(&self, within: Duration) -> Result<Vec<String>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.restore.living).bind(within).bind(self.now()).fetch_all().await?;
            rows.iter().map(|row| Ok(row.text("name")?)).collect()
        })
        .await
    }

    async fn doubt_tokens(&self, after: TokenId, limit: u32) -> Result<Option<(u64, TokenId)>, StoreError> {
        self.write(async |c| {
            let doubt = c.query(E::STATEMENTS.restore.doubt_tokens).bind(after).bind(limit).bind(self.now());
            last_id(&doubt.fetch_all().await?)
        })
        .await
    }

    async fn hold_orders(&self, limit: u32) -> Result<u64, StoreError> {
        self.transaction(async |c| {
            let hold = c.query(E::STATEMENTS.restore.hold_orders).bind(limit).bind(self.now());
            let rows = hold.bind(&json(&restored())?).fetch_all().await?;
            for row in &rows {
                exchanges::delete_kept(c, row.id("id")?).await?;
            }
            Ok(rows.len() as u64)
        })
        .await
    }

    async fn declare_restored(&self) -> Result<(), StoreError> {
        self.write(async |c| {
            let declare = c.query(E::STATEMENTS.restore.declare_restored).bind(self.now());
            one_row("declaring the database restored", declare.execute().await?)
        })
        .await
    }
}

fn restored() -> OrderError {
    OrderError {
        code: "database_restored".into(),
        message:
            "the database was restored from a backup, and this order may have been submitted since; look for it at \
             Klarna before retrying it"
                .into(),
        faults: Vec::new(),
        correlation_id: None,
    }
}
