//! Writes of many callers in one commit: what is about to be sent, and the ends of attempts.

use std::borrow::Cow;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Connection, Postgres};
use crate::clock::Clock;
use crate::ids::UserKey;
use crate::order::{Disposition, OrderId, OrderResult};
use crate::received::storable;
use crate::store::batch::Write;
use crate::store::columns::Columns;
use crate::store::engine::{Now, by, transaction_by};
use crate::store::order_end::settle;
use crate::store::pool::Pool;
use crate::store::sql::postgres as sql;
use crate::store::{Claim, StoreError, json};
use crate::token::Intent;

/// What is about to be sent to Klarna, all by one statement.
pub(super) struct Announcements {
    pub(super) pool: Pool<sqlx::Postgres>,
    pub(super) clock: Clock,
}

/// What is about to be sent.
pub(super) enum Announcement {
    /// A token.
    Exchange(Intent),
    /// The create call of an order.
    Create(Claim),
}

#[async_trait]
impl Write for Announcements {
    type Item = Announcement;
    /// Whether it is announced and may be sent.
    type Done = bool;

    async fn write(&self, items: &[Announcement]) -> Result<Vec<bool>, StoreError> {
        let (mut intents, mut creates) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Announcement::Exchange(intent) => intents.push(intent),
                Announcement::Create(claim) => creates.push(claim),
            }
        }
        let column = |value: fn(&Intent) -> i64| intents.iter().copied().map(value).collect::<Vec<_>>();
        let ids = |value: fn(&Intent) -> Uuid| intents.iter().copied().map(value).collect::<Vec<_>>();
        let written = by::<Postgres, _>(self.pool.take().await?, async |c| {
            let intend = c
                .query(sql::ANNOUNCE)
                .bind_array(ids(|intent| intent.exchange.as_uuid()))
                .bind_array(column(|intent| intent.version.token.0))
                .bind_array(column(|intent| intent.version.generation))
                .bind_array(column(|intent| intent.presentation))
                .bind_array(intents.iter().map(|intent| intent.purpose.kind.as_str()).collect())
                .bind_array(ids(|intent| intent.purpose.id.as_uuid()))
                .bind_array(ids(|intent| intent.holder.as_uuid()))
                .bind(super::now(&self.clock))
                .bind_array(creates.iter().map(|claim| claim.order.as_uuid()).collect())
                .bind_array(creates.iter().map(|claim| claim.worker.as_uuid()).collect())
                .bind_array(creates.iter().map(|claim| claim.number).collect());
            let rows = intend.fetch_all().await?;
            Ok(rows.iter().map(|row| row.id::<Uuid>("id")).collect::<Result<Vec<_>, _>>()?)
        })
        .await?;
        let id = |item: &Announcement| match item {
            Announcement::Exchange(intent) => intent.exchange.as_uuid(),
            Announcement::Create(claim) => claim.order.as_uuid(),
        };
        Ok(items.iter().map(|item| written.contains(&id(item))).collect())
    }
}

/// Writes ends of attempts and subjects. The usual ends are written with one statement.
pub(super) struct Ends {
    pub(super) pool: Pool<sqlx::Postgres>,
    pub(super) clock: Clock,
}

pub(super) enum End {
    Attempt(Claim, Disposition),
    Shopper { key: UserKey, subject: Vec<u8> },
}

#[async_trait]
impl Write for Ends {
    type Item = End;
    /// Whether the claim still held. Always true for a subject.
    type Done = bool;

    async fn write(&self, ends: &[End]) -> Result<Vec<bool>, StoreError> {
        let now = super::now(&self.clock);
        let connection = self.pool.take().await?;
        // A statement alone is a transaction.
        if ends.len() == 1 {
            return by::<Postgres, _>(connection, async |c| write_all(c, now, ends).await).await;
        }
        transaction_by::<Postgres, _>(connection, async |c| write_all(c, now, ends).await).await
    }
}

async fn write_all(c: &mut Connection<'_>, now: Now, ends: &[End]) -> Result<Vec<bool>, StoreError> {
    if let [End::Attempt(claim, disposition)] = ends {
        return Ok(vec![settle(c, now, claim, disposition).await?]);
    }
    let orders = ends.iter().filter_map(|end| submitted_order(end).transpose()).collect::<Result<Vec<_>, _>>()?;
    let submitted = all_submitted(c, now, &orders).await?;
    note_subjects(c, ends).await?;
    let mut ours = Vec::with_capacity(ends.len());
    for end in ends {
        ours.push(match end {
            End::Attempt(claim, Disposition::Submitted { .. }) => submitted.contains(&claim.order),
            End::Attempt(claim, disposition) => settle(c, now, claim, disposition).await?,
            End::Shopper { .. } => true,
        });
    }
    Ok(ours)
}

/// The values of a submitted order's row.
struct SubmittedOrder<'a> {
    claim: &'a Claim,
    klarna_id: &'a str,
    result: Option<Cow<'a, str>>,
    target: &'static str,
    correlation_id: Option<&'a str>,
    token: &'static str,
    /// The filled fields as JSON.
    prefilled: String,
}

impl<'a> SubmittedOrder<'a> {
    /// Returns `None` if the attempt did not submit its order.
    fn of(claim: &'a Claim, disposition: &'a Disposition) -> Result<Option<Self>, StoreError> {
        let Disposition::Submitted { klarna_id, target, result, correlation_id, token, prefilled } = disposition else {
            return Ok(None);
        };
        Ok(Some(Self {
            claim,
            klarna_id,
            result: result.as_ref().map(storable_result),
            target: target.as_str(),
            correlation_id: correlation_id.as_deref(),
            token: token.as_str(),
            prefilled: json(prefilled)?,
        }))
    }
}

fn storable_result(result: &OrderResult) -> Cow<'_, str> {
    match result.to_text() {
        Cow::Borrowed(text) => storable(text),
        Cow::Owned(text) => Cow::Owned(storable(&text).into_owned()),
    }
}

fn submitted_order(end: &End) -> Result<Option<SubmittedOrder<'_>>, StoreError> {
    match end {
        End::Attempt(claim, disposition) => SubmittedOrder::of(claim, disposition),
        End::Shopper { .. } => Ok(None),
    }
}

/// Writes the results of submitted orders. Returns the orders whose claims still held.
async fn all_submitted(
    c: &mut Connection<'_>,
    now: Now,
    orders: &[SubmittedOrder<'_>],
) -> Result<Vec<OrderId>, StoreError> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let submitted = c
        .query(sql::ALL_SUBMITTED)
        .bind_array(orders.iter().map(|order| order.claim.order.as_uuid()).collect())
        .bind_array(orders.iter().map(|order| order.claim.worker.as_uuid()).collect())
        .bind_array(orders.iter().map(|order| order.claim.number).collect())
        .bind(now)
        .bind_array(orders.iter().map(|order| order.klarna_id).collect())
        .bind_array(orders.iter().map(|order| order.result.as_deref()).collect())
        .bind_array(orders.iter().map(|order| order.correlation_id).collect())
        .bind_array(orders.iter().map(|order| order.token).collect())
        .bind_array(orders.iter().map(|order| order.prefilled.as_str()).collect())
        .bind_array(orders.iter().map(|order| order.target).collect());
    let rows = submitted.fetch_all().await?;
    rows.iter().map(|row| Ok(row.id("id")?)).collect()
}

async fn note_subjects(c: &mut Connection<'_>, ends: &[End]) -> Result<(), StoreError> {
    let (mut merchants, mut users, mut subjects) = (Vec::new(), Vec::new(), Vec::new());
    for end in ends {
        if let End::Shopper { key, subject } = end {
            merchants.push(key.merchant.as_str());
            users.push(key.user.as_str());
            subjects.push(subject.as_slice());
        }
    }
    if !users.is_empty() {
        let note = c.query(sql::NOTE_SUBJECTS);
        note.bind_array(merchants).bind_array(users).bind_array(subjects).execute().await?;
    }
    Ok(())
}
