//! The storage trait for orders: what the rooms ask of a store, whatever the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore};
use super::{Reclaimed, StoreError, from_json, from_micros, order_end, order_search, workers};
use crate::ids::{MerchantName, UserId, WorkerId};
use crate::order::{Disposition, OrderError, OrderId, OrderView, Status, Target, TokenOutcome};

/// An order as it goes into its row.
#[derive(Clone, Debug)]
pub struct OrderRow {
    /// The order's id.
    pub id: OrderId,
    /// Whose order.
    pub merchant: MerchantName,
    /// Whose token.
    pub user: UserId,
    /// The shop's own name for the request, unique per merchant.
    pub idempotency_key: Option<String>,
    /// Tells a repeat of the same request from another request under the same key.
    pub digest: [u8; 32],
    /// Klarna's order, as the shop wrote it.
    pub body: String,
    /// The product of Klarna that it is submitted to; the merchant's setting where `None`.
    pub target: Option<Target>,
    /// Whether absent shopper data is filled in; the merchant's setting where `None`.
    pub prefill: Option<bool>,
    /// Not to be submitted earlier.
    pub not_before: Option<DateTime<Utc>>,
    /// When the order is given up; `order_deadline` after it may first run where `None`.
    pub deadline: Option<DateTime<Utc>>,
    /// The setting `queue.order_deadline`.
    pub order_deadline: Duration,
    /// Where in a trace it was taken in: what its attempts are linked to.
    pub trace: Option<String>,
}

/// What became of an insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// A new order.
    New(OrderId),
    /// The same request was taken in before, as this order.
    Same(OrderId),
    /// The idempotency key was used for another request, which became this order.
    Different(OrderId),
}

/// Where orders are put within a transaction of the caller: a connection of either engine.
#[async_trait]
pub trait OrderTx: Send {
    /// Inserts the order and, where the engine can, wakes the workers once the transaction commits.
    async fn insert_order(&mut self, order: &OrderRow) -> Result<Inserted, StoreError>;
}

/// One order, claimed by a worker for one attempt.
#[derive(Clone, Debug)]
pub struct ClaimedOrder {
    /// Names the claim in every write.
    pub claim: Claim,
    /// Whose order.
    pub merchant: MerchantName,
    /// Whose token.
    pub user: UserId,
    /// Klarna's order, as the shop wrote it.
    pub body: String,
    /// The product of Klarna that it is submitted to; the merchant's setting where `None`.
    pub target: Option<Target>,
    /// Whether absent shopper data is filled in; the merchant's setting where `None`.
    pub prefill: Option<bool>,
    /// Attempts that ended before this one.
    pub attempts: i64,
    /// When it was taken in.
    pub accepted_at: DateTime<Utc>,
    /// Since when it waited for this claim.
    pub due_at: DateTime<Utc>,
    /// When this claim was made, by the database's clock.
    pub claimed_at: DateTime<Utc>,
    /// When the order was first claimed: the token's patience runs from here.
    pub first_claimed_at: DateTime<Utc>,
    /// When the order is given up.
    pub deadline_at: DateTime<Utc>,
    /// Whether an earlier create may have reached Klarna unseen.
    pub possible_duplicate: bool,
    /// Why the last attempt or wait did not end the order.
    pub error: Option<OrderError>,
    /// Whether it came by the SQL door, which checks nothing.
    pub unchecked: bool,
    /// Where in a trace it was taken in.
    pub trace: Option<String>,
    /// What of the row cannot be read, if anything. Then nothing but `claim` can be relied on, and
    /// the order must fail.
    pub unreadable: Option<String>,
}

/// A worker's hold on an order: a write changes nothing unless worker and number still match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The order.
    pub order: OrderId,
    /// This start of the process.
    pub worker: WorkerId,
    /// One higher at each claim of the order.
    pub number: i64,
}

/// Which orders a list shows, newest first.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Only orders in this state.
    pub status: Option<Status>,
    /// Only this merchant's.
    pub merchant: Option<MerchantName>,
    /// Only this user's.
    pub user: Option<UserId>,
    /// Only those whose token came to this.
    pub token: Option<TokenOutcome>,
    /// Only orders with an error of this code.
    pub error: Option<String>,
    /// Only those that Klarna may hold twice.
    pub duplicates: bool,
    /// Only orders taken in at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Only orders taken in before this time.
    pub until: Option<DateTime<Utc>>,
    /// Only orders before this one: the last of the page before.
    pub before: Option<OrderId>,
    /// At most so many.
    pub limit: u32,
}

/// What a store does for orders.
#[async_trait]
pub trait Orders: Send + Sync {
    /// Inserts orders in one transaction of their own and wakes the workers; what became of each,
    /// in their order.
    async fn insert_orders(&self, orders: &[OrderRow]) -> Result<Vec<Inserted>, StoreError>;

    /// The merchants with orders due.
    async fn due_merchants(&self) -> Result<Vec<MerchantName>, StoreError>;

    /// How long until the next order falls due; `None` where none waits.
    async fn next_due(&self) -> Result<Option<Duration>, StoreError>;

    /// Claims due orders, at most so many of each merchant, for `worker`, the longest due first; of
    /// one user at most one, and none while an order of that user is running that has not got its
    /// token yet. With `recent`, only orders that fell due within that time.
    async fn claim_orders(
        &self,
        worker: WorkerId,
        shares: &BTreeMap<MerchantName, usize>,
        recent: Option<Duration>,
    ) -> Result<Vec<ClaimedOrder>, StoreError>;

    /// The worker's claims, as the rows have them.
    async fn running_orders(&self, worker: WorkerId) -> Result<Vec<Claim>, StoreError>;

    /// Gives claimed orders back that were not begun.
    async fn give_back(&self, claims: &[Claim]) -> Result<(), StoreError>;

    /// Frees one order that the worker holds by its row, but not in truth: as if the worker were
    /// lost.
    async fn lose_order(&self, claim: &Claim) -> Result<Reclaimed, StoreError>;

    /// Writes how an attempt ended, and with an end deletes what was kept for the order. `false`
    /// where the claim is no longer the caller's: nothing was written.
    async fn settle_order(&self, claim: &Claim, disposition: &Disposition) -> Result<bool, StoreError>;

    /// One order.
    async fn order(&self, id: OrderId) -> Result<Option<OrderView>, StoreError>;

    /// Of these orders, those that are settled.
    async fn settled(&self, ids: &[OrderId]) -> Result<Vec<OrderId>, StoreError>;

    /// Orders, newest first, without their results.
    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<OrderView>, StoreError>;
}

#[async_trait]
impl<E: Engine> Orders for SqlStore<E> {
    async fn insert_orders(&self, orders: &[OrderRow]) -> Result<Vec<Inserted>, StoreError> {
        let inserted = self.engine.insert_orders(orders).await?;
        self.engine.tell_due();
        Ok(inserted)
    }

    async fn due_merchants(&self) -> Result<Vec<MerchantName>, StoreError> {
        self.read(async |c| due_merchants(c, self.now()).await).await
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        self.read(async |c| next_due(c, self.now()).await).await
    }

    async fn claim_orders(
        &self,
        worker: WorkerId,
        shares: &BTreeMap<MerchantName, usize>,
        recent: Option<Duration>,
    ) -> Result<Vec<ClaimedOrder>, StoreError> {
        self.engine.claim_orders(worker, shares, recent).await
    }

    async fn running_orders(&self, worker: WorkerId) -> Result<Vec<Claim>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.orders.running_of_worker).bind(worker).fetch_all().await?;
            rows.iter()
                .map(|row| Ok(Claim { order: row.id("id")?, worker, number: row.int("claim_number")? }))
                .collect()
        })
        .await
    }

    async fn give_back(&self, claims: &[Claim]) -> Result<(), StoreError> {
        self.transaction(async |c| {
            for claim in claims {
                let give = c.query(E::STATEMENTS.orders.give_back).bind(claim.order);
                give.bind(claim.worker).bind(claim.number).execute().await?;
            }
            Ok(())
        })
        .await
    }

    async fn lose_order(&self, claim: &Claim) -> Result<Reclaimed, StoreError> {
        self.transaction(async |c| workers::lose(c, self.now(), claim).await).await
    }

    async fn settle_order(&self, claim: &Claim, disposition: &Disposition) -> Result<bool, StoreError> {
        let ours = self.engine.settle_order(claim, disposition).await?;
        if ours && order_end::ends_order(disposition) {
            self.engine.tell_settled(&[claim.order]);
        }
        Ok(ours)
    }

    async fn order(&self, id: OrderId) -> Result<Option<OrderView>, StoreError> {
        self.read(async |c| view(c, id).await).await
    }

    async fn settled(&self, ids: &[OrderId]) -> Result<Vec<OrderId>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.orders.settled).bind(ids).fetch_all().await?;
            rows.iter().map(|row| Ok(row.id("id")?)).collect()
        })
        .await
    }

    async fn orders(&self, filter: &OrderFilter) -> Result<Vec<OrderView>, StoreError> {
        self.read(async |c| order_search::orders(c, filter).await).await
    }
}

/// Inserts orders within the caller's transaction. By their keys, whatever order they come in: two
/// transactions that wait for each other's keys would never end.
pub(super) async fn insert_all<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    orders: &[OrderRow],
) -> Result<Vec<Inserted>, StoreError> {
    let mut by_key: Vec<usize> = (0..orders.len()).collect();
    by_key.sort_by_key(|&at| (&orders[at].merchant, &orders[at].idempotency_key));
    let mut inserted = Vec::with_capacity(orders.len());
    for at in by_key {
        inserted.push((at, insert(c, now, &orders[at]).await?));
    }
    inserted.sort_by_key(|(at, _)| *at);
    Ok(inserted.into_iter().map(|(_, inserted)| inserted).collect())
}

/// Inserts one order.
pub(super) async fn insert<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    order: &OrderRow,
) -> Result<Inserted, StoreError> {
    let insert = c
        .query(E::STATEMENTS.orders.insert_order)
        .bind(order.id)
        .bind(&order.merchant)
        .bind(&order.user)
        .bind(&order.idempotency_key)
        .bind(&order.digest)
        .bind(&order.body)
        .bind(order.prefill)
        .bind(order.not_before)
        .bind(order.deadline)
        .bind(order.order_deadline)
        .bind(now)
        .bind(&order.trace)
        .bind(order.target.map(Target::as_str));
    if insert.fetch_optional().await?.is_some() {
        return Ok(Inserted::New(order.id));
    }
    let by_key = c.query(E::STATEMENTS.orders.order_by_key).bind(&order.merchant).bind(&order.idempotency_key);
    let found = by_key.fetch_one().await?;
    let id = found.id("id")?;
    Ok(if found.bytes("digest")? == order.digest { Inserted::Same(id) } else { Inserted::Different(id) })
}

/// The merchants with orders due.
pub(super) async fn due_merchants<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
) -> Result<Vec<MerchantName>, StoreError> {
    let rows = c.query(E::STATEMENTS.orders.due_merchants).bind(now).fetch_all().await?;
    rows.iter().map(|row| Ok(row.merchant()?)).collect()
}

/// How long until the next order falls due.
pub(super) async fn next_due<E: Engine>(c: &mut Connection<'_, E>, now: Now) -> Result<Option<Duration>, StoreError> {
    let row = c.query(E::STATEMENTS.orders.next_due).bind(now).fetch_one().await?;
    Ok(row.opt_int("micros")?.map(from_micros))
}

/// An order from the row of its claim.
pub(super) fn claimed(row: &impl Columns, worker: WorkerId) -> Result<ClaimedOrder, StoreError> {
    let claim = Claim { order: row.id("id")?, worker, number: row.int("claim_number")? };
    Ok(read_claimed(row, claim).unwrap_or_else(|error| unreadable(row, claim, &error)))
}

/// An order that fails alone, so that its row does not hold up those that were claimed with it.
fn unreadable(row: &impl Columns, claim: Claim, error: &StoreError) -> ClaimedOrder {
    let now = row.time("now").unwrap_or(DateTime::UNIX_EPOCH);
    ClaimedOrder {
        claim,
        merchant: row.merchant().unwrap_or_else(|_| "".into()),
        user: row.user().unwrap_or_else(|_| "".into()),
        body: String::new(),
        target: row.opt_parsed("target").unwrap_or_default(),
        prefill: None,
        attempts: 0,
        accepted_at: now,
        due_at: now,
        claimed_at: now,
        first_claimed_at: now,
        deadline_at: now,
        possible_duplicate: row.flag("possible_duplicate").unwrap_or_default(),
        error: None,
        unchecked: false,
        trace: None,
        unreadable: Some(error.to_string()),
    }
}

fn read_claimed(row: &impl Columns, claim: Claim) -> Result<ClaimedOrder, StoreError> {
    Ok(ClaimedOrder {
        claim,
        merchant: row.merchant()?,
        user: row.user()?,
        body: row.text("body")?,
        target: row.opt_parsed("target")?,
        prefill: row.opt_flag("prefill")?,
        attempts: row.int("attempts")?,
        accepted_at: row.time("accepted_at")?,
        due_at: row.time("due_at")?,
        claimed_at: row.time("now")?,
        first_claimed_at: row.time("first_claimed_at")?,
        deadline_at: row.time("deadline_at")?,
        possible_duplicate: row.flag("possible_duplicate")?,
        error: row.opt_text("error")?.map(|text| from_json("error", &text)).transpose()?,
        unchecked: row.flag("unchecked")?,
        trace: row.opt_text("trace")?,
        unreadable: None,
    })
}

/// One order.
pub(super) async fn view<E: Engine>(c: &mut Connection<'_, E>, id: OrderId) -> Result<Option<OrderView>, StoreError> {
    let row = c.query(E::STATEMENTS.orders.order).bind(id).fetch_optional().await?;
    row.as_ref().map(order_search::order_view).transpose()
}
