//! The storage trait for workers: who is alive, and whose rows are free again.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Claim, StoreError};

/// One start of a process that works.
#[derive(Clone, Debug)]
pub struct Worker {
    /// This start.
    pub id: Uuid,
    /// The instance folder it lives in.
    pub instance: Uuid,
    /// For operators: host and process.
    pub name: String,
}

/// What became of lost workers' orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// Orders that are due again.
    pub requeued: u64,
    /// Orders that lost their fifth worker and failed.
    pub failed: u64,
}

/// What a store does for workers.
#[async_trait]
pub trait Workers: Send + Sync {
    /// Writes the worker down as alive, anew where it was thought dead, and every other start in its instance folder as
    /// dead: the caller holds the folder's lock.
    async fn begin_worker(&self, worker: &Worker) -> Result<(), StoreError>;

    /// Renews the worker's heartbeat; the time written, or `None` where it is written down as dead.
    async fn heartbeat(&self, worker: Uuid) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Writes the worker down as gone; what it still holds is free for others.
    async fn end_worker(&self, worker: Uuid) -> Result<(), StoreError>;

    /// Frees the orders of workers that are gone, or silent for `lost_after`; `None` looks only at those written down
    /// as gone. An order that loses its fifth worker fails.
    async fn reclaim(&self, lost_after: Option<Duration>) -> Result<Reclaimed, StoreError>;

    /// Frees one order that the worker holds by its row, but not in truth: as if the worker were lost.
    async fn lose_order(&self, claim: &Claim) -> Result<Reclaimed, StoreError>;
}
