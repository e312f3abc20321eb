//! Orders, statement by statement; compiled for each engine.

use std::time::Duration;

use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, Row, sql};
use crate::order::{Disposition, OrderId, OrderView, TokenOutcome};
use crate::store::columns::{Columns, Stamp};
use crate::store::pool::bounded;
use crate::store::{Claim, ClaimedOrder, Inserted, OrderRow, StoreError, from_json, from_micros, json, micros};

pub(in crate::store) async fn insert(c: &mut Connection, now: Now, order: &OrderRow) -> Result<Inserted, StoreError> {
    let insert = query(sql::INSERT_ORDER)
        .bind(order.id.as_uuid())
        .bind(&order.merchant)
        .bind(&order.user)
        .bind(&order.idempotency_key)
        .bind(&order.digest[..])
        .bind(&order.body)
        .bind(order.prefill)
        .bind(order.not_before.map(Stamp))
        .bind(order.deadline.map(Stamp))
        .bind(micros(order.order_deadline))
        .bind(now)
        .bind(&order.trace);
    if bounded(insert.fetch_optional(&mut *c)).await?.is_some() {
        return Ok(Inserted::New(order.id));
    }
    let found =
        bounded(query(sql::ORDER_BY_KEY).bind(&order.merchant).bind(&order.idempotency_key).fetch_one(c)).await?;
    let id = OrderId::from(found.id("id")?);
    Ok(if found.bytes("digest")? == order.digest { Inserted::Same(id) } else { Inserted::Different(id) })
}

/// Inserts orders within the caller's transaction. By their keys, whatever order they come in: two transactions that wait for
/// each other's keys would never end.
pub(in crate::store) async fn insert_all(
    c: &mut Connection,
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

pub(in crate::store) async fn due_merchants(c: &mut Connection, now: Now) -> Result<Vec<String>, StoreError> {
    let rows = bounded(query(sql::DUE_MERCHANTS).bind(now).fetch_all(c)).await?;
    rows.iter().map(|row| Ok(row.text("merchant")?)).collect()
}

pub(in crate::store) async fn next_due(c: &mut Connection, now: Now) -> Result<Option<Duration>, StoreError> {
    let row = bounded(query(sql::NEXT_DUE).bind(now).fetch_one(c)).await?;
    let wait: Option<i64> = sqlx::Row::try_get(&row, "micros")?;
    Ok(wait.map(from_micros))
}

/// An order from the row of its claim.
pub(in crate::store) fn claimed(row: &Row, worker: Uuid) -> Result<ClaimedOrder, StoreError> {
    let order = OrderId::from(row.id("id")?);
    Ok(ClaimedOrder {
        claim: Claim { order, worker, number: row.int("claim_number")? },
        merchant: row.text("merchant")?,
        user: row.text("user_id")?,
        body: row.text("body")?,
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
    })
}

pub(in crate::store) async fn give_back(c: &mut Connection, claim: &Claim) -> Result<(), StoreError> {
    let give = query(sql::GIVE_BACK).bind(claim.order.as_uuid()).bind(claim.worker).bind(claim.number);
    bounded(give.execute(c)).await?;
    Ok(())
}

pub(in crate::store) async fn running_of(c: &mut Connection, worker: Uuid) -> Result<Vec<Claim>, StoreError> {
    let rows = bounded(query(sql::RUNNING_OF_WORKER).bind(worker).fetch_all(c)).await?;
    rows.iter()
        .map(|row| Ok(Claim { order: OrderId::from(row.id("id")?), worker, number: row.int("claim_number")? }))
        .collect()
}

/// Writes how an attempt ended; `false` where the claim no longer holds.
pub(in crate::store) async fn settle(
    c: &mut Connection,
    now: Now,
    claim: &Claim,
    settlement: &Disposition,
) -> Result<bool, StoreError> {
    let statement = match settlement {
        Disposition::Submitted { .. } => sql::SUBMITTED,
        Disposition::Failed { .. } => sql::FAILED,
        Disposition::Retry { .. } => sql::RETRY,
        Disposition::Snooze { .. } => sql::SNOOZE,
    };
    let settle = query(statement).bind(claim.order.as_uuid()).bind(claim.worker).bind(claim.number).bind(now);
    let settle = match settlement {
        Disposition::Submitted { klarna_order_id, html_snippet, correlation_id, token, prefilled } => settle
            .bind(klarna_order_id)
            .bind(html_snippet)
            .bind(correlation_id)
            .bind(token.as_str())
            .bind(json(prefilled)?),
        Disposition::Failed { error, token } => settle.bind(json(error)?).bind(token.map(TokenOutcome::as_str)),
        Disposition::Retry { after, error, possible_duplicate } => {
            settle.bind(micros(*after)).bind(json(error)?).bind(*possible_duplicate)
        }
        Disposition::Snooze { after, error } => settle.bind(micros(*after)).bind(error.as_ref().map(json).transpose()?),
    };
    Ok(bounded(settle.fetch_optional(c)).await?.is_some())
}

pub(in crate::store) async fn view(c: &mut Connection, id: OrderId) -> Result<Option<OrderView>, StoreError> {
    let row = bounded(query(sql::ORDER).bind(id.as_uuid()).fetch_optional(c)).await?;
    row.as_ref().map(order_view).transpose()
}

pub(in crate::store) async fn settled(c: &mut Connection, ids: &[OrderId]) -> Result<Vec<OrderId>, StoreError> {
    let rows = bounded(query(sql::SETTLED).bind(super::id_list(ids)).fetch_all(c)).await?;
    rows.iter().map(|row| Ok(OrderId::from(row.id("id")?))).collect()
}

pub(in crate::store) fn order_view(row: &Row) -> Result<OrderView, StoreError> {
    let status = row.text("status")?;
    let token = row.opt_text("token_outcome")?;
    Ok(OrderView {
        id: OrderId::from(row.id("id")?),
        merchant: row.text("merchant")?,
        user: row.text("user_id")?,
        status: status.parse().map_err(|_| StoreError::Unreadable(format!("status {status:?}")))?,
        accepted_at: row.time("accepted_at")?,
        due_at: row.time("due_at")?,
        deadline_at: row.time("deadline_at")?,
        ended_at: row.opt_time("ended_at")?,
        attempts: row.int("attempts")?,
        token: token
            .map(|word| word.parse().map_err(|_| StoreError::Unreadable(format!("token outcome {word:?}"))))
            .transpose()?,
        prefilled: row.opt_text("prefilled")?.map_or(Ok(Vec::new()), |text| from_json("prefilled", &text))?,
        possible_duplicate: row.flag("possible_duplicate")?,
        klarna_order_id: row.opt_text("klarna_order_id")?,
        html_snippet: row.opt_text("html_snippet")?,
        correlation_id: row.opt_text("correlation_id")?,
        error: row.opt_text("error")?.map(|text| from_json("error", &text)).transpose()?,
    })
}
