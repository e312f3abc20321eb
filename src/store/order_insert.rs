//! The statements that insert new orders.

use std::sync::Arc;
use std::time::Duration;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Query};
use super::{Claim, ClaimedOrder, Inserted, InsertedOne, OrderRow, StoreError, one_row, order_search};
use crate::ids::{ClaimNumber, WorkerId};
use crate::order::{OrderId, OrderView, Status, Summary, Target, Waits};

/// Inserts orders inside the caller's transaction. They are inserted in the order of their keys, so
/// that two transactions cannot deadlock on each other's keys.
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

/// Inserts one order, in a transaction. It is queued.
pub(super) async fn insert<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    order: &OrderRow,
) -> Result<Inserted, StoreError> {
    Ok(match insert_one(c, now, order, None).await? {
        InsertedOne::New(order, _) => Inserted::New(order.id),
        InsertedOne::Known(inserted) => inserted,
    })
}

/// Inserts one order, in a transaction, and claims it for the worker, if one is given and a claim
/// could take it at once. If an earlier order with its key cannot be paid any more, it takes the
/// key over.
pub(super) async fn insert_one<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    order: &OrderRow,
    worker: Option<WorkerId>,
) -> Result<InsertedOne, StoreError> {
    if let Some(new) = insert_new(c, now, order, None, worker).await? {
        return Ok(new);
    }
    let supersede = c.query(E::STATEMENTS.orders.supersede).bind(&order.merchant);
    let supersede = supersede.bind(&order.idempotency_key).bind(order.id).fetch_optional().await?;
    if let Some(earlier) = supersede {
        let new = insert_new(c, now, order, Some(earlier.id("id")?), worker).await?;
        one_row("an order that supersedes another", u64::from(new.is_some()))?;
        return new.ok_or_else(|| StoreError::Unreadable("an order without an outcome".into()));
    }
    let by_key =
        c.query(E::STATEMENTS.orders.order_by_key).bind(&order.merchant).bind(&order.idempotency_key);
    let found = by_key.fetch_one().await?;
    let id = found.id("id")?;
    let same = found.bytes("digest")? == order.digest;
    Ok(InsertedOne::Known(if same { Inserted::Same(id) } else { Inserted::Different(id) }))
}

/// Inserts one order. `None` if another has its idempotency key.
pub(super) async fn insert_new<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    order: &OrderRow,
    supersedes: Option<OrderId>,
    worker: Option<WorkerId>,
) -> Result<Option<InsertedOne>, StoreError> {
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
    let insert = bind_summary(insert, &order.summary);
    let insert = insert.bind(worker.map(|worker| worker.as_uuid())).bind(supersedes);
    let Some(row) = insert.fetch_optional().await? else { return Ok(None) };
    let view = order_search::order_view(&row)?;
    let claimed = worker.filter(|_| view.status == Status::Running);
    let claimed = claimed.map(|worker| Box::new(claimed_by_insert(&view, order, worker)));
    Ok(Some(InsertedOne::New(Box::new(view), claimed)))
}

/// Binds what is kept of an order's body in columns of their own.
pub(super) fn bind_summary<'c, E: Engine>(query: Query<'c, E>, summary: &Summary) -> Query<'c, E> {
    query
        .bind(&summary.merchant_reference1)
        .bind(&summary.merchant_reference2)
        .bind(summary.order_amount)
        .bind(&summary.purchase_currency)
}

/// Returns an order that was inserted with its first claim. `stored` is what the row has.
fn claimed_by_insert(stored: &OrderView, order: &OrderRow, worker: WorkerId) -> ClaimedOrder {
    ClaimedOrder {
        claim: Claim { order: order.id, worker, number: ClaimNumber::FIRST },
        merchant: order.merchant.clone(),
        user: order.user.clone(),
        body: order.body.clone(),
        version: stored.version,
        target: order.target,
        prefill: order.prefill,
        attempts: 0,
        accepted_at: stored.accepted_at,
        due_at: stored.due_at,
        first_due_at: stored.due_at,
        claimed_at: stored.accepted_at,
        token_waited: Duration::ZERO,
        waits: Waits::default(),
        deadline_at: stored.deadline_at,
        possible_duplicate: false,
        error: None,
        unchecked: false,
        has_token: false,
        trace: order.trace.clone(),
        inserted: Some(Arc::new(stored.clone())),
        unreadable: None,
    }
}
