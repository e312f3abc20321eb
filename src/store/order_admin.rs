//! The storage trait for operators' and shops' changes to orders: cancel, retry, retry of
//! follow-ups.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore};
use super::orders::view;
use super::{FOLLOW_UP_FOR, FailedOrders, OrderCount, OrderFilter, Orders, StoreError, order_search};
use crate::order::{FollowUpState, OrderAdminRefusal, OrderId, OrderView, Status};

/// The changed order, or why it was not changed.
pub type OrderAdminOutcome = Result<OrderView, OrderAdminRefusal>;

/// Why an order of a selection was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unchanged {
    /// It does not exist, or another condition of the selection excludes it.
    NotFound,
    /// It failed, and its body has been deleted.
    BodyDeleted,
    /// It has no follow-up that fails.
    NoFollowUp,
    /// It has this status.
    Status(Status),
}

impl Unchanged {
    /// Returns its word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::BodyDeleted => "body_deleted",
            Self::NoFollowUp => "no_failing_follow_up",
            Self::Status(status) => status.as_str(),
        }
    }
}

/// The result of changing many orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedOrders {
    /// The changed orders, newest first.
    pub orders: Vec<OrderId>,
    /// How many orders of the selection were not changed, and why.
    pub unchanged: BTreeMap<Unchanged, u64>,
    /// Where to continue, as [`OrderFilter::before`], if there may be more.
    pub next: Option<OrderId>,
}

/// Storage for changes to orders.
#[async_trait]
pub trait OrderAdmin: Orders {
    /// Cancels a queued order, deletes its cached tokens, and notifies waiting requests.
    async fn cancel_order(&self, order: OrderId) -> Result<OrderAdminOutcome, StoreError>;

    /// Queues a failed order as if it had just been accepted, with a deadline `order_deadline` from
    /// now. It keeps its id, its idempotency key and its mark as a possible duplicate.
    async fn retry_order(
        &self,
        order: OrderId,
        order_deadline: Duration,
    ) -> Result<OrderAdminOutcome, StoreError>;

    /// Like [`OrderAdmin::cancel_order`], for the queued orders of a filter. The filter's status is
    /// ignored. If the filter names ids, `unchanged` has those that are not queued; those that are
    /// not found are counted on the last page.
    async fn cancel_orders(&self, filter: &OrderFilter) -> Result<ChangedOrders, StoreError>;

    /// Like [`OrderAdmin::retry_order`], for the failed orders of a filter. The filter's status is
    /// ignored. If the filter names ids, `unchanged` has those that have not failed.
    async fn retry_orders(
        &self,
        filter: &OrderFilter,
        order_deadline: Duration,
    ) -> Result<ChangedOrders, StoreError>;

    /// Tries an order's failing follow-ups again at once, for as long as new ones.
    async fn retry_follow_ups_of(&self, order: OrderId) -> Result<OrderAdminOutcome, StoreError>;

    /// Like [`OrderAdmin::retry_follow_ups_of`], for the submitted orders of a filter with
    /// follow-ups that fail. The filter's status is ignored. If the filter names ids, `unchanged`
    /// has the others.
    async fn retry_follow_ups(&self, filter: &OrderFilter) -> Result<ChangedOrders, StoreError>;

    /// Counts the orders of a filter. Its `before` and `limit` are ignored.
    async fn count_orders(&self, filter: &OrderFilter) -> Result<OrderCount, StoreError>;

    /// Counts the orders of a filter that still have their body, by error code, the most frequent
    /// code first. Its `before` and `limit` are ignored.
    async fn orders_by_code(&self, filter: &OrderFilter) -> Result<Vec<FailedOrders>, StoreError>;

    /// Counts the orders of a filter, but not beyond `most`. Its `before` and `limit` are ignored.
    async fn count_orders_up_to(&self, filter: &OrderFilter, most: u32) -> Result<u64, StoreError>;
}

#[async_trait]
impl<E: Engine> OrderAdmin for SqlStore<E> {
    async fn cancel_order(&self, order: OrderId) -> Result<OrderAdminOutcome, StoreError> {
        self.change_one(order, Change::Cancel).await
    }

    async fn retry_order(
        &self,
        order: OrderId,
        order_deadline: Duration,
    ) -> Result<OrderAdminOutcome, StoreError> {
        self.change_one(order, Change::Retry(order_deadline)).await
    }

    async fn cancel_orders(&self, filter: &OrderFilter) -> Result<ChangedOrders, StoreError> {
        self.change_many(filter, Change::Cancel).await
    }

    async fn retry_orders(
        &self,
        filter: &OrderFilter,
        order_deadline: Duration,
    ) -> Result<ChangedOrders, StoreError> {
        self.change_many(filter, Change::Retry(order_deadline)).await
    }

    async fn retry_follow_ups_of(&self, order: OrderId) -> Result<OrderAdminOutcome, StoreError> {
        self.change_one(order, Change::RetryFollowUps).await
    }

    async fn retry_follow_ups(&self, filter: &OrderFilter) -> Result<ChangedOrders, StoreError> {
        self.change_many(filter, Change::RetryFollowUps).await
    }

    async fn count_orders(&self, filter: &OrderFilter) -> Result<OrderCount, StoreError> {
        self.read(async |c| order_search::count(c, filter).await).await
    }

    async fn orders_by_code(&self, filter: &OrderFilter) -> Result<Vec<FailedOrders>, StoreError> {
        self.read(async |c| order_search::by_code(c, filter).await).await
    }

    async fn count_orders_up_to(&self, filter: &OrderFilter, most: u32) -> Result<u64, StoreError> {
        self.read(async |c| order_search::count_up_to(c, filter, most).await).await
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Cancels queued orders.
    Cancel,
    /// Retries failed orders, with this time until their deadline.
    Retry(Duration),
    /// Retries the follow-ups of submitted orders that fail.
    RetryFollowUps,
}

impl Change {
    /// Returns the status that an order must have for it.
    fn needs(self) -> Status {
        match self {
            Self::Cancel => Status::Queued,
            Self::Retry(_) => Status::Failed,
            Self::RetryFollowUps => Status::Submitted,
        }
    }
}

impl<E: Engine> SqlStore<E> {
    async fn change_one(&self, order: OrderId, change: Change) -> Result<OrderAdminOutcome, StoreError> {
        let outcome = self.transaction(async |c| one(c, self.now(), order, change).await).await?;
        if outcome.is_ok() {
            self.notify(&[order], change);
        }
        Ok(outcome)
    }

    async fn change_many(&self, filter: &OrderFilter, change: Change) -> Result<ChangedOrders, StoreError> {
        let changed = self.transaction(async |c| many(c, self.now(), filter, change).await).await?;
        self.notify(&changed.orders, change);
        Ok(changed)
    }

    fn notify(&self, orders: &[OrderId], change: Change) {
        match change {
            Change::Cancel => self.engine.notify_settled(orders),
            Change::Retry(_) if orders.is_empty() => {}
            // They are looked for every second.
            Change::RetryFollowUps => {}
            Change::Retry(_) => self.engine.notify_due(),
        }
    }
}

/// Applies the change to the orders whose status allows it.
async fn apply<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    orders: &[OrderId],
    change: Change,
) -> Result<Vec<OrderId>, StoreError> {
    let statement = match change {
        Change::Cancel => c.query(E::STATEMENTS.order_admin.cancel).bind(orders).bind(now),
        Change::Retry(order_deadline) => {
            c.query(E::STATEMENTS.order_admin.again).bind(orders).bind(now).bind(order_deadline)
        }
        Change::RetryFollowUps => {
            c.query(E::STATEMENTS.order_admin.retry_follow_ups).bind(orders).bind(now).bind(FOLLOW_UP_FOR)
        }
    };
    let rows = statement.fetch_all().await?;
    // An order may have several follow-ups.
    let changed = rows.iter().map(|row| row.id("id")).collect::<Result<BTreeSet<_>, _>>()?;
    let changed: Vec<OrderId> = changed.into_iter().collect();
    if change != Change::RetryFollowUps {
        E::delete_cached_of(c, &changed).await?;
    }
    Ok(changed)
}

async fn one<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    order: OrderId,
    change: Change,
) -> Result<OrderAdminOutcome, StoreError> {
    let done = !apply(c, now, &[order], change).await?.is_empty();
    let Some(found) = view(c, order).await? else { return Ok(Err(OrderAdminRefusal::Missing)) };
    if done {
        return Ok(Ok(found));
    }
    let gone = c.query(E::STATEMENTS.order_admin.body_gone).bind(order).fetch_optional().await?.is_some();
    Ok(Err(match change {
        Change::Cancel => OrderAdminRefusal::NotCancelled(Box::new(found)),
        Change::Retry(_) if gone => OrderAdminRefusal::BodyGone,
        Change::Retry(_) => OrderAdminRefusal::NotRetried(Box::new(found)),
        Change::RetryFollowUps => OrderAdminRefusal::NoFollowUp,
    }))
}

async fn many<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    filter: &OrderFilter,
    change: Change,
) -> Result<ChangedOrders, StoreError> {
    // Of orders that are named, the others are reported.
    let named = filter.ids.is_some();
    let status = (!named).then_some(change.needs());
    let follow_ups = match (change, filter.follow_ups) {
        (Change::RetryFollowUps, None | Some(FollowUpState::Failing)) => {
            (!named).then_some(FollowUpState::Failing)
        }
        (_, state) => state,
    };
    let filter = OrderFilter { status, follow_ups, ..filter.clone() };
    let picked = order_search::ids(c, &filter).await?;
    let next = picked.last().copied().filter(|_| picked.len() == filter.limit as usize);
    let mut orders = apply(c, now, &picked, change).await?;
    orders.sort_unstable_by(|one, other| other.cmp(one));
    let mut unchanged = unchanged(c, &picked, &orders, change).await?;
    if let Some(ids) = &filter.ids {
        let named: BTreeSet<&OrderId> = ids.iter().collect();
        // Only at the end: an order that is not on this page may be on the next one.
        let found = match (next, filter.before) {
            (Some(_), _) => named.len() as u64,
            (None, None) => picked.len() as u64,
            (None, Some(_)) => order_search::count(c, &filter).await?.orders,
        };
        let missing = (named.len() as u64).saturating_sub(found);
        if missing > 0 {
            unchanged.insert(Unchanged::NotFound, missing);
        }
    }
    Ok(ChangedOrders { orders, unchanged, next })
}

/// Returns why orders were not changed. `changed` are those that were, newest first.
async fn unchanged<E: Engine>(
    c: &mut Connection<'_, E>,
    picked: &[OrderId],
    changed: &[OrderId],
    change: Change,
) -> Result<BTreeMap<Unchanged, u64>, StoreError> {
    let changed: BTreeSet<&OrderId> = changed.iter().collect();
    let left: Vec<OrderId> = picked.iter().filter(|order| !changed.contains(order)).copied().collect();
    let mut reasons = BTreeMap::new();
    if left.is_empty() {
        return Ok(reasons);
    }
    for row in c.query(E::STATEMENTS.order_admin.unchanged).bind(&left[..]).fetch_all().await? {
        let (status, has_body): (Status, bool) = (row.parsed("status")?, row.flag("has_body")?);
        let body_deleted = matches!(change, Change::Retry(_)) && status == Status::Failed && !has_body;
        let reason = match change {
            _ if body_deleted => Unchanged::BodyDeleted,
            Change::RetryFollowUps if status == Status::Submitted => Unchanged::NoFollowUp,
            _ => Unchanged::Status(status),
        };
        *reasons.entry(reason).or_insert(0) += row.count("orders")?;
    }
    Ok(reasons)
}
