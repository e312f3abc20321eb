//! The seam for a restored database.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{SqliteStore, restore};
use crate::store::{Restore, StoreError};

#[async_trait]
impl Restore for SqliteStore {
    async fn remembers(&self, worker: Uuid, beat_at: DateTime<Utc>, kept_for: Duration) -> Result<bool, StoreError> {
        let mut lease = self.read().await?;
        let remembers = restore::remembers(&mut lease, self.now(), worker, beat_at, kept_for).await?;
        lease.done();
        Ok(remembers)
    }

    async fn living(&self, within: Duration) -> Result<Vec<String>, StoreError> {
        let mut lease = self.read().await?;
        let names = restore::living(&mut lease, self.now(), within).await?;
        lease.done();
        Ok(names)
    }

    async fn doubt_tokens(&self, after: i64, limit: u32) -> Result<Option<(u64, i64)>, StoreError> {
        let mut lease = self.write().await?;
        let doubted = restore::doubt(&mut lease, self.now(), after, limit).await?;
        lease.done();
        Ok(doubted)
    }

    async fn hold_orders(&self, limit: u32) -> Result<u64, StoreError> {
        let mut lease = self.begin().await?;
        let held = restore::hold(&mut lease, self.now(), limit).await?;
        lease.control("COMMIT").await?;
        lease.done();
        Ok(held)
    }

    async fn declare_restored(&self) -> Result<(), StoreError> {
        let mut lease = self.write().await?;
        restore::declare(&mut lease, self.now()).await?;
        lease.done();
        Ok(())
    }
}
