//! Orders called back or tried again, statement by statement; compiled for each engine.

use std::time::Duration;

use sqlx::query;

use super::orders::{filtered, view};
use super::{Connection, Now, id_list, sql};
use crate::order::{OrderId, Status};
use crate::store::columns::Columns;
use crate::store::lease::bounded;
use crate::store::{OrderFilter, Steered, StoreError, Swept, micros};

/// What is done to orders.
#[derive(Clone, Copy)]
pub(in crate::store) enum Step {
    /// Queued ones are called back.
    Cancel,
    /// Failed ones fall due again, with this long to go.
    Retry(Duration),
}

impl Step {
    /// The status that it needs.
    fn needs(self) -> Status {
        match self {
            Self::Cancel => Status::Queued,
            Self::Retry(_) => Status::Failed,
        }
    }
}

/// Changes those of the orders that the step is for.
async fn apply(c: &mut Connection, now: Now, orders: &[OrderId], step: Step) -> Result<Vec<OrderId>, StoreError> {
    let statement = match step {
        Step::Cancel => query(sql::CANCEL).bind(id_list(orders)).bind(now),
        Step::Retry(order_deadline) => query(sql::AGAIN).bind(id_list(orders)).bind(now).bind(micros(order_deadline)),
    };
    let rows = bounded(statement.fetch_all(c)).await?;
    rows.iter().map(|row| Ok(OrderId::from(row.id("id")?))).collect()
}

pub(in crate::store) async fn one(
    c: &mut Connection,
    now: Now,
    order: OrderId,
    step: Step,
) -> Result<Steered, StoreError> {
    let done = !apply(c, now, &[order], step).await?.is_empty();
    let Some(found) = view(c, order).await? else { return Ok(Steered::Missing) };
    if done {
        return Ok(Steered::Done(found));
    }
    let gone = bounded(query(sql::BODY_GONE).bind(order.as_uuid()).fetch_optional(c)).await?.is_some();
    Ok(if gone && matches!(step, Step::Retry(_)) { Steered::BodyGone } else { Steered::Unfit(found) })
}

pub(in crate::store) async fn many(
    c: &mut Connection,
    now: Now,
    filter: &OrderFilter,
    step: Step,
) -> Result<Swept, StoreError> {
    let filter = OrderFilter { status: Some(step.needs()), ..filter.clone() };
    let rows = bounded(filtered(query(sql::PICK_ORDERS), &filter).fetch_all(&mut *c)).await?;
    let picked = rows.iter().map(|row| Ok(OrderId::from(row.id("id")?))).collect::<Result<Vec<_>, StoreError>>()?;
    let next = picked.last().copied().filter(|_| picked.len() == filter.limit as usize);
    let mut orders = apply(c, now, &picked, step).await?;
    orders.sort_unstable_by(|one, other| other.cmp(one));
    Ok(Swept { orders, next })
}

pub(in crate::store) async fn count(c: &mut Connection, filter: &OrderFilter) -> Result<u64, StoreError> {
    let filter = OrderFilter { before: None, ..filter.clone() };
    let row = bounded(filtered(query(sql::COUNT_ORDERS), &filter).fetch_one(c)).await?;
    Ok(u64::try_from(row.int("orders")?).unwrap_or_default())
}
