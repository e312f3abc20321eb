//! The storage trait for pages: orders picked and counted by indexes, however many there are, and what only people look at.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::order::{OrderError, OrderId, Status, TokenOutcome};

/// Orders that are alike, of one span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeBucket {
    /// Which span, from 0.
    pub slot: usize,
    /// Where they stand.
    pub status: Status,
    /// What became of their tokens, where they came so far.
    pub token: Option<TokenOutcome>,
    /// How many they are.
    pub orders: u64,
}

/// When a submitted order passed through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencySample {
    /// When it could begin.
    pub began: DateTime<Utc>,
    /// When a worker first took it.
    pub claimed: DateTime<Utc>,
    /// When Klarna had it.
    pub ended: DateTime<Utc>,
}

/// What an order's row does not tell.
#[derive(Clone, Debug, Default)]
pub struct OrderHistory {
    /// When a worker first took it, since it was last taken in or tried again.
    pub first_claimed_at: Option<DateTime<Utc>>,
    /// Whether its body is still there, so that it could be tried again.
    pub has_body: bool,
    /// Attempts that did not submit it, oldest first.
    pub attempts: Vec<Attempt>,
}

/// An attempt that did not submit its order.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The process that made it, where its row is still there.
    pub worker: Option<String>,
    /// Whether that process was lost, and nobody knows how far it came.
    pub lost: bool,
    /// Why it failed.
    pub error: Option<OrderError>,
}

/// A process that works, or did a moment ago.
#[derive(Clone, Debug)]
pub struct WorkerView {
    /// Host and process.
    pub name: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// Its last heartbeat.
    pub beat_at: DateTime<Utc>,
    /// Whether it is alive: it has not been silent for longer than a worker may.
    pub alive: bool,
}

/// What a store shows on pages.
#[async_trait]
pub trait DashboardQueries: Send + Sync {
    /// Orders taken in between each two of the times that follow each other, of one merchant or of all.
    async fn outcome_buckets(
        &self,
        bounds: &[DateTime<Utc>],
        merchant: Option<&str>,
    ) -> Result<Vec<OutcomeBucket>, StoreError>;

    /// How the last submitted orders passed through, of one merchant or of all.
    async fn latency_samples(&self, merchant: Option<&str>, limit: u32) -> Result<Vec<LatencySample>, StoreError>;

    /// What happened to an order.
    async fn order_history(&self, order: OrderId) -> Result<OrderHistory, StoreError>;

    /// The processes that are not written down as gone; one that was silent for `lost_after` is not alive.
    async fn workers(&self, lost_after: Duration) -> Result<Vec<WorkerView>, StoreError>;
}
