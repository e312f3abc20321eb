//! The storage trait for what operators look at: on the pages, with the command line and through
//! the API.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Engine, Now, SqlStore};
use super::order_history::{Attempt, ChangeKind, OrderChange, OrderHistory};
use super::order_search::first_id;
use super::{ProcessFacts, StoreError, claimed_order, follow_ups, from_json, json, orders, pausing};
use crate::breaker::WaitingBreaker;
use crate::ids::{MerchantName, WorkerId};
use crate::order::{OrderError, OrderId, Status, TokenOutcome};

/// A number of orders with the same status and token outcome, accepted in the same period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeBucket {
    /// The index of the period, from 0.
    pub slot: usize,
    /// Their status.
    pub status: Status,
    /// Their token outcome; `None` if no attempt has got so far.
    pub token: Option<TokenOutcome>,
    /// The number of orders.
    pub orders: u64,
}

/// The times of one submitted order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencySample {
    /// When the order was due for the first time, since an operator last retried it.
    pub began: DateTime<Utc>,
    /// When a worker first claimed it, since then.
    pub claimed: DateTime<Utc>,
    /// When Klarna accepted it.
    pub ended: DateTime<Utc>,
}

/// Orders with the same error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCount {
    /// The code.
    pub code: String,
    /// How many orders. Of very many, only the first ten thousand are counted.
    pub orders: u64,
    /// When the oldest of them was accepted.
    pub oldest: DateTime<Utc>,
}

/// Queued orders of a merchant, by their deadlines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedDeadlines {
    /// The merchant.
    pub merchant: MerchantName,
    /// How many orders were looked at.
    pub queued: u64,
    /// Whether there may be more.
    pub more: bool,
    /// For each of the given times, how many of those looked at have their deadline before it.
    pub before: Vec<u64>,
}

/// A merchant whose orders wait because Klarna refuses its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedMerchant {
    /// The merchant.
    pub merchant: MerchantName,
    /// How many orders wait. Of very many waiting ones, only the first ten thousand are looked at.
    pub orders: u64,
    /// When the oldest of them was accepted.
    pub oldest: DateTime<Utc>,
    /// What Klarna answered to one of them.
    pub error: OrderError,
}

/// A process that has not ended cleanly.
#[derive(Clone, Debug)]
pub struct WorkerView {
    /// The id of this start.
    pub id: WorkerId,
    /// Host name and process id.
    pub name: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// The time of its last heartbeat.
    pub heartbeat_at: DateTime<Utc>,
    /// Whether its last heartbeat is recent enough.
    pub alive: bool,
    /// Its circuit breakers whose calls wait, without those that cannot be read.
    pub breakers: Vec<WaitingBreaker>,
    /// What it told of its own troubles.
    pub facts: ProcessFacts,
}

/// Storage for what operators look at.
#[async_trait]
pub trait DashboardQueries: Send + Sync {
    /// Returns the orders accepted in each period between two successive bounds, of one merchant or
    /// of all.
    async fn outcome_buckets(
        &self,
        bounds: &[DateTime<Utc>],
        merchant: Option<&MerchantName>,
    ) -> Result<Vec<OutcomeBucket>, StoreError>;

    /// Returns the times of the last submitted orders, of one merchant or of all.
    async fn latency_samples(
        &self,
        merchant: Option<&MerchantName>,
        limit: u32,
    ) -> Result<Vec<LatencySample>, StoreError>;

    /// Counts queued orders that wait after a failed attempt, by error code. Only orders accepted
    /// until the given time.
    async fn waiting_codes(
        &self,
        merchant: Option<&MerchantName>,
        accepted_until: DateTime<Utc>,
    ) -> Result<Vec<CodeCount>, StoreError>;

    /// Counts orders that failed at the given time or later, by error code.
    async fn failed_codes(
        &self,
        merchant: Option<&MerchantName>,
        since: DateTime<Utc>,
    ) -> Result<Vec<CodeCount>, StoreError>;

    /// Returns the merchants that Klarna refuses, as their waiting orders say.
    async fn refused_merchants(
        &self,
        merchant: Option<&MerchantName>,
    ) -> Result<Vec<RefusedMerchant>, StoreError>;

    /// Counts the queued orders of one merchant, or of each that has some, whose deadline lies
    /// before each of the given times, which ascend. Of each merchant, only the `most` orders that
    /// are due first are looked at.
    async fn deadlines(
        &self,
        merchant: Option<&MerchantName>,
        times: &[DateTime<Utc>],
        most: u32,
    ) -> Result<Vec<QueuedDeadlines>, StoreError>;

    /// Returns what happened to an order.
    async fn order_history(&self, order: OrderId) -> Result<OrderHistory, StoreError>;

    /// Returns the processes that have not ended cleanly. One without a heartbeat for `lost_after`
    /// is not alive.
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
            let buckets =
                c.query(E::STATEMENTS.dashboard.outcome_buckets).bind(begins).bind(ends).bind(merchant);
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
            let rows = c
                .query(E::STATEMENTS.dashboard.latency_samples)
                .bind(merchant)
                .bind(limit)
                .fetch_all()
                .await?;
            rows.iter().map(latency_sample).collect()
        })
        .await
    }

    async fn waiting_codes(
        &self,
        merchant: Option<&MerchantName>,
        accepted_until: DateTime<Utc>,
    ) -> Result<Vec<CodeCount>, StoreError> {
        self.codes(E::STATEMENTS.dashboard.waiting_codes, merchant, accepted_until).await
    }

    async fn failed_codes(
        &self,
        merchant: Option<&MerchantName>,
        since: DateTime<Utc>,
    ) -> Result<Vec<CodeCount>, StoreError> {
        self.codes(E::STATEMENTS.dashboard.failed_codes, merchant, since).await
    }

    async fn refused_merchants(
        &self,
        merchant: Option<&MerchantName>,
    ) -> Result<Vec<RefusedMerchant>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.dashboard.refused_merchants).bind(merchant).fetch_all().await?;
            let read = rows.iter().map(|row| {
                Ok(RefusedMerchant {
                    merchant: row.merchant()?,
                    orders: row.count("orders")?,
                    oldest: row.time("oldest")?,
                    error: from_json("error", &row.text("error")?)?,
                })
            });
            read.collect()
        })
        .await
    }

    async fn deadlines(
        &self,
        merchant: Option<&MerchantName>,
        times: &[DateTime<Utc>],
        most: u32,
    ) -> Result<Vec<QueuedDeadlines>, StoreError> {
        let sql = &E::STATEMENTS.dashboard;
        let slots = json(&times.iter().map(DateTime::timestamp_micros).collect::<Vec<_>>())?;
        self.read(async |c| {
            let merchants = if let Some(merchant) = merchant {
                vec![merchant.clone()]
            } else {
                // By then, every queued order is due.
                orders::due_merchants(c, Now(Some(DateTime::<Utc>::MAX_UTC))).await?
            };
            let mut found = Vec::new();
            for merchant in merchants {
                let counts = c.query(sql.queued_deadlines).bind(&merchant).bind(&slots).bind(most);
                let counts = counts.fetch_all().await?;
                found.push(queued_deadlines(merchant, &counts, times.len(), most)?);
            }
            Ok(found)
        })
        .await
    }

    async fn order_history(&self, order: OrderId) -> Result<OrderHistory, StoreError> {
        self.read(async |c| {
            let found = c.query(E::STATEMENTS.dashboard.order_history).bind(order).fetch_optional().await?;
            let Some(row) = found else { return Ok(OrderHistory::default()) };
            let attempts = c.query(E::STATEMENTS.dashboard.attempts).bind(order).fetch_all().await?;
            let id = order.to_string();
            let changes = c.query(E::STATEMENTS.dashboard.changes_of_order).bind(&id).fetch_all().await?;
            let pauses = c.query(E::STATEMENTS.dashboard.pauses_of_order).bind(order).bind(self.now());
            let pauses = pauses.fetch_all().await?;
            let first_claimed_at = row.opt_time("first_claimed_at")?;
            let mut changes = changes.iter().rev().map(change).collect::<Result<Vec<_>, _>>()?;
            let retry = changes.iter_mut().rfind(|change| change.kind == ChangeKind::Retry);
            if let (Some(retry), Some(claimed_at)) = (retry, first_claimed_at) {
                // The audit log gets its row after the change, perhaps after a worker has taken the
                // order.
                retry.at = retry.at.min(claimed_at);
            }
            Ok(OrderHistory {
                first_claimed_at,
                pushed_at: row.opt_time("pushed_at")?,
                completed_at: row.opt_time("completed_at")?,
                acknowledged_at: row.opt_time("acknowledged_at")?,
                read_at: row.opt_time("session_read_at")?,
                has_body: row.flag("has_body")?,
                attempts: attempts.iter().map(attempt).collect::<Result<_, _>>()?,
                changes,
                waits: claimed_order::waits(&row)?,
                pauses: pauses.iter().filter_map(|row| pausing::pause(row).ok()).collect(),
                follow_ups: follow_ups::failing(c, order).await?,
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

/// Sums up how many orders there are in each slot between two times.
fn queued_deadlines(
    merchant: MerchantName,
    rows: &[impl Columns],
    times: usize,
    most: u32,
) -> Result<QueuedDeadlines, StoreError> {
    let (mut queued, mut before) = (0, vec![0; times]);
    for row in rows {
        let slot = usize::try_from(row.int("slot")?).unwrap_or(times);
        let orders = row.count("orders")?;
        queued += orders;
        before.iter_mut().skip(slot).for_each(|count| *count += orders);
    }
    Ok(QueuedDeadlines { merchant, queued, more: queued >= u64::from(most), before })
}

impl<E: Engine> SqlStore<E> {
    async fn codes(
        &self,
        statement: &'static str,
        merchant: Option<&MerchantName>,
        time: DateTime<Utc>,
    ) -> Result<Vec<CodeCount>, StoreError> {
        self.read(async |c| {
            let rows = c.query(statement).bind(merchant).bind(time).fetch_all().await?;
            let read = rows.iter().map(|row| {
                Ok(CodeCount {
                    code: row.text("code")?,
                    orders: row.count("orders")?,
                    oldest: row.time("oldest")?,
                })
            });
            read.collect()
        })
        .await
    }
}

fn latency_sample(row: &impl Columns) -> Result<LatencySample, StoreError> {
    let (due, ended) = (row.time("due_at")?, row.time("ended_at")?);
    let claimed = row.opt_time("first_claimed_at")?.unwrap_or(ended);
    // Without a claim since the last retry, the order has a late result.
    let began = row.opt_time("first_due_at")?.unwrap_or(due.min(claimed));
    Ok(LatencySample { began, claimed, ended })
}

fn attempt(row: &impl Columns) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        ended_at: row.time("ended_at")?,
        worker: row.opt_text("worker")?,
        lost: row.flag("lost")?,
        error: row.opt_text("error")?.map(|text| from_json("error", &text)).transpose()?,
    })
}

fn change(row: &impl Columns) -> Result<OrderChange, StoreError> {
    let kind = match row.text("action")?.as_str() {
        "order.retry" => ChangeKind::Retry,
        "order.cancel" => ChangeKind::Cancel,
        "order.update" => ChangeKind::Update,
        other => return Err(StoreError::Unreadable(format!("action {other:?}"))),
    };
    Ok(OrderChange { at: row.time("happened_at")?, actor: row.text("actor")?, kind })
}

fn worker_view(row: &impl Columns) -> Result<WorkerView, StoreError> {
    let facts = row.opt_text("facts")?.and_then(|text| serde_json::from_str(&text).ok());
    Ok(WorkerView {
        id: row.id("id")?,
        name: row.text("name")?,
        started_at: row.time("started_at")?,
        heartbeat_at: row.time("heartbeat_at")?,
        alive: row.flag("alive")?,
        breakers: row.opt_text("breakers")?.map(|text| WaitingBreaker::known(&text)).unwrap_or_default(),
        facts: facts.unwrap_or_default(),
    })
}
