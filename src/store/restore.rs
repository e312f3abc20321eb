//! The storage trait for a database that was restored from a backup. It does not know what happened
//! after the backup.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use super::{ConfirmedHeartbeat, StoreError, exchanges, json, last_id, one_row};
use crate::ids::{InstanceId, TokenId, WorkerId};
use crate::order::{ErrorCode, OrderError};

/// Storage for finding and handling a restore.
#[async_trait]
pub trait Restore: Send + Sync {
    /// Returns whether the database remembers a heartbeat that it confirmed earlier, or was created
    /// or declared restored after it. If the worker's row is missing and the heartbeat is older
    /// than `kept_for`, the row may have been removed, so the answer is `true`.
    async fn remembers(
        &self,
        worker: WorkerId,
        heartbeat: ConfirmedHeartbeat,
        kept_for: Duration,
    ) -> Result<bool, StoreError>;

    /// Returns when the last worker that neither ended nor is accounted for sent its last
    /// heartbeat; `None` if there is no such worker, or if the database knows the instance folder
    /// `known`. Accounted for are workers in the folder `beside`, those that were silent for
    /// `lost_after` when another one ended, and those before a restore that was declared.
    async fn left_open(
        &self,
        known: Option<InstanceId>,
        beside: Option<InstanceId>,
        lost_after: Duration,
    ) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Returns when the last worker ended; `None` if there was none, if the database knows the
    /// instance folder `known`, or if a restore was declared since.
    async fn last_end(&self, known: Option<InstanceId>) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Makes up to `limit` active tokens with an id above `after` uncertain, because they may have
    /// been used after the backup. Returns how many there were, and the last one's id; `None` if
    /// there are no more.
    async fn doubt_tokens(&self, after: TokenId, limit: u32) -> Result<Option<(u64, TokenId)>, StoreError>;

    /// Fails up to `limit` open orders, because they may have been submitted after the backup.
    /// Returns how many there were.
    async fn hold_orders(&self, limit: u32) -> Result<u64, StoreError>;

    /// Records that the database was restored and that the consequences are handled.
    async fn declare_restored(&self) -> Result<(), StoreError>;
}

#[async_trait]
impl<E: Engine> Restore for SqlStore<E> {
    async fn remembers(
        &self,
        worker: WorkerId,
        heartbeat: ConfirmedHeartbeat,
        kept_for: Duration,
    ) -> Result<bool, StoreError> {
        self.read(async |c| {
            let remembers = c
                .query(E::STATEMENTS.restore.remembers)
                .bind(worker)
                .bind(heartbeat.heartbeat_at)
                .bind(kept_for);
            Ok(remembers.bind(self.now()).bind(heartbeat.heartbeats).fetch_one().await?.flag("remembers")?)
        })
        .await
    }

    async fn left_open(
        &self,
        known: Option<InstanceId>,
        beside: Option<InstanceId>,
        lost_after: Duration,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (known, beside) = (known.map(|id| id.as_uuid()), beside.map(|id| id.as_uuid()));
        self.read(async |c| {
            let left_open =
                c.query(E::STATEMENTS.restore.left_open).bind(known).bind(beside).bind(lost_after);
            Ok(left_open.fetch_one().await?.opt_time("heartbeat_at")?)
        })
        .await
    }

    async fn last_end(&self, known: Option<InstanceId>) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.read(async |c| {
            let last_end = c.query(E::STATEMENTS.restore.last_end).bind(known.map(|id| id.as_uuid()));
            Ok(last_end.fetch_one().await?.opt_time("ended_at")?)
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
                exchanges::delete_cached(c, row.id("id")?).await?;
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
    OrderError::new(
        ErrorCode::DatabaseRestored,
        "the database was restored from a backup, and this order may have been submitted since; look for it at \
             Klarna before retrying it",
    )
}
