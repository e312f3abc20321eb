//! The storage trait for pages: orders picked and counted by indexes, however many there are, and
//! what only people look at.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use super::order_search::first_id;
use super::{StoreError, from_json};
use crate::ids::MerchantName;
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
    /// Orders taken in between each two of the times that follow each other, of one merchant or of
    /// all.
    async fn outcome_buckets(
        &self,
        bounds: &[DateTime<Utc>],
        merchant: Option<&MerchantName>,
    ) -> Result<Vec<OutcomeBucket>, StoreError>;

    /// How the last submitted orders passed through, of one merchant or of all.
    async fn latency_samples(
        &self,
        merchant: Option<&MerchantName>,
        limit: u32,
    ) -> Result<Vec<LatencySample>, StoreError>;

    /// What happened to an order.
    async fn order_history(&self, order: OrderId) -> Result<OrderHistory, StoreError>;

    /// The processes that are not written down as gone; one that was silent for `lost_after` is not
    /// alive.
    async fn workers(&self, lost_after: Duration) -> Result<Vec<WorkerView>, StoreError>;
}

#[async_trait]
impl<E: Engine> DashboardQueries for SqlStore<E> {
    async fn outcome_buckets(
        &self,
        bounds: &[DateTime<Utc>],
        merchant: Option<&MerchantName>,
    ) -> Result<Vec<OutcomeBucket>, StoreError> {
        let ids: Vec<OrderId> = bounds.iter().map(|bound| first_id(*bound)).collect();
        let (Some(begins), Some(ends)) = (ids.get(..ids.len().saturating_sub(1)), ids.get(1..)) else {
            return Ok(Vec::new());
        };
        self.read(async |c| {
            let buckets = c.query(E::STATEMENTS.dashboard.outcome_buckets).bind(begins).bind(ends).bind(merchant);
            buckets.fetch_all().await?.iter().map(outcome_bucket).collect()
        })
        .await
    }

    async fn latency_samples(
        &self,
        merchant: Option<&MerchantName>,
        limit: u32,
    ) -> Result<Vec<LatencySample>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.dashboard.latency_samples).bind(merchant).bind(limit).fetch_all().await?;
            rows.iter().map(latency_sample).collect()
        })
        .await
    }

    async fn order_history(&self, order: OrderId) -> Result<OrderHistory, StoreError> {
        self.read(async |c| {
            let found = c.query(E::STATEMENTS.dashboard.order_history).bind(order).fetch_optional().await?;
            let Some(row) = found else { return Ok(OrderHistory::default()) };
            let attempts = c.query(E::STATEMENTS.dashboard.attempts).bind(order).fetch_all().await?;
            Ok(OrderHistory {
                first_claimed_at: row.opt_time("first_claimed_at")?,
                has_body: row.flag("has_body")?,
                attempts: attempts.iter().map(attempt).collect::<Result<_, _>>()?,
            })
        })
        .await
    }

    async fn workers(&self, lost_after: Duration) -> Result<Vec<WorkerView>, StoreError> {
        self.read(async |c| {
            let workers = c.query(E::STATEMENTS.dashboard.workers).bind(lost_after).bind(self.now());
            workers.fetch_all().await?.iter().map(worker_view).collect()
        })
        .await
    }
}

fn outcome_bucket(row: &impl Columns) -> Result<OutcomeBucket, StoreError> {
    Ok(OutcomeBucket {
        slot: usize::try_from(row.int("slot")?).unwrap_or_default(),
        status: row.parsed("status")?,
        token: row.opt_parsed("token_outcome")?,
        orders: row.count("orders")?,
    })
}

fn latency_sample(row: &impl Columns) -> Result<LatencySample, StoreError> {
    let (accepted, due) = (row.time("accepted_at")?, row.time("due_at")?);
    let ended = row.time("ended_at")?;
    let claimed = row.opt_time("first_claimed_at")?.unwrap_or(ended);
    // Where it was put off after its first attempt, the row has forgotten when it could first
    // begin.
    Ok(LatencySample { began: if due <= claimed { due } else { accepted }, claimed, ended })
}

fn attempt(row: &impl Columns) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        ended_at: row.time("ended_at")?,
        worker: row.opt_text("worker")?,
        lost: row.flag("lost")?,
        error: row.opt_text("error")?.map(|text| from_json("error", &text)).transpose()?,
    })
}

fn worker_view(row: &impl Columns) -> Result<WorkerView, StoreError> {
    Ok(WorkerView {
        name: row.text("name")?,
        started_at: row.time("started_at")?,
        beat_at: row.time("beat_at")?,
        alive: row.flag("alive")?,
    })
}
