//! Writes of many callers in one commit: intents, and the ends of attempts.

use async_trait::async_trait;
use sqlx::{Postgres, query};
use uuid::Uuid;

use super::{Connection, Now, orders, sql, tokens};
use crate::clock::Clock;
use crate::order::Disposition;
use crate::store::batch::Write;
use crate::store::columns::Columns;
use crate::store::pool::{Pool, bounded};
use crate::store::{Claim, StoreError, json};
use crate::token::{Intended, Intent};

/// Intents, all by one statement.
pub(super) struct Intents {
    pub(super) pool: Pool<Postgres>,
    pub(super) clock: Clock,
}

#[async_trait]
impl Write for Intents {
    type Item = Intent;
    type Done = Intended;

    async fn write(&self, intents: &[Intent]) -> Result<Vec<Intended>, StoreError> {
        let column = |value: fn(&Intent) -> i64| intents.iter().map(value).collect::<Vec<_>>();
        let ids = |value: fn(&Intent) -> Uuid| intents.iter().map(value).collect::<Vec<_>>();
        let mut lease = self.pool.take().await?;
        let intend = query(sql::INTEND)
            .bind(ids(|intent| intent.exchange))
            .bind(column(|intent| intent.token))
            .bind(column(|intent| intent.generation))
            .bind(column(|intent| intent.presentation))
            .bind(intents.iter().map(|intent| intent.purpose.kind.as_str()).collect::<Vec<_>>())
            .bind(ids(|intent| intent.purpose.id))
            .bind(ids(|intent| intent.holder))
            .bind(super::now(&self.clock));
        let written = bounded(intend.fetch_all(&mut *lease)).await?;
        lease.done();
        let written = written.iter().map(|row| row.id("id")).collect::<Result<Vec<_>, _>>()?;
        let stands = |intent: &Intent| written.contains(&intent.exchange);
        Ok(intents.iter().map(|intent| if stands(intent) { Intended::Recorded } else { Intended::Refused }).collect())
    }
}

/// How attempts ended, and who was seen in them: usual ends by one statement.
pub(super) struct Ends {
    pub(super) pool: Pool<Postgres>,
    pub(super) clock: Clock,
}

pub(super) enum End {
    Attempt(Claim, Disposition),
    Shopper { merchant: String, user: String, subject: Vec<u8> },
}

/// A submitted order, as its row has it.
struct Submitted<'a> {
    claim: &'a Claim,
    klarna_order_id: &'a str,
    html_snippet: Option<&'a str>,
    correlation_id: Option<&'a str>,
    token: &'static str,
    prefilled: String,
}

#[async_trait]
impl Write for Ends {
    type Item = End;
    /// Whether the claim was still the caller's; true of a shopper.
    type Done = bool;

    async fn write(&self, ends: &[End]) -> Result<Vec<bool>, StoreError> {
        let now = super::now(&self.clock);
        let mut lease = self.pool.take().await?;
        // A statement alone is a transaction.
        if let [end] = ends {
            let ours = one(&mut lease, now, end).await?;
            lease.done();
            return Ok(vec![ours]);
        }
        lease.control("BEGIN").await?;
        let submitted = ends.iter().filter_map(|end| Submitted::of(end).transpose()).collect::<Result<Vec<_>, _>>()?;
        let submitted = all_submitted(&mut lease, now, &submitted).await?;
        note_all(&mut lease, ends).await?;
        let mut ours = Vec::with_capacity(ends.len());
        for end in ends {
            ours.push(match end {
                End::Attempt(claim, Disposition::Submitted { .. }) => submitted.contains(&claim.order.as_uuid()),
                End::Attempt(..) => one(&mut lease, now, end).await?,
                End::Shopper { .. } => true,
            });
        }
        lease.control("COMMIT").await?;
        lease.done();
        Ok(ours)
    }
}

async fn one(c: &mut Connection, now: Now, end: &End) -> Result<bool, StoreError> {
    match end {
        End::Attempt(claim, settlement) => orders::settle(c, now, claim, settlement).await,
        End::Shopper { merchant, user, subject } => {
            tokens::note_subject(c, merchant, user, subject).await?;
            Ok(true)
        }
    }
}

impl<'a> Submitted<'a> {
    fn of(end: &'a End) -> Result<Option<Self>, StoreError> {
        let End::Attempt(
            claim,
            Disposition::Submitted { klarna_order_id, html_snippet, correlation_id, token, prefilled },
        ) = end
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            claim,
            klarna_order_id,
            html_snippet: html_snippet.as_deref(),
            correlation_id: correlation_id.as_deref(),
            token: token.as_str(),
            prefilled: json(prefilled)?,
        }))
    }
}

/// The orders that were still their workers'.
async fn all_submitted(c: &mut Connection, now: Now, ends: &[Submitted<'_>]) -> Result<Vec<Uuid>, StoreError> {
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    let submitted = query(sql::ALL_SUBMITTED)
        .bind(ends.iter().map(|end| end.claim.order.as_uuid()).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.claim.worker).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.claim.number).collect::<Vec<_>>())
        .bind(now)
        .bind(ends.iter().map(|end| end.klarna_order_id).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.html_snippet).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.correlation_id).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.token).collect::<Vec<_>>())
        .bind(ends.iter().map(|end| end.prefilled.as_str()).collect::<Vec<_>>());
    let rows = bounded(submitted.fetch_all(c)).await?;
    Ok(rows.iter().map(|row| row.id("id")).collect::<Result<_, _>>()?)
}

async fn note_all(c: &mut Connection, ends: &[End]) -> Result<(), StoreError> {
    let (mut merchants, mut users, mut subjects) = (Vec::new(), Vec::new(), Vec::new());
    for end in ends {
        if let End::Shopper { merchant, user, subject } = end {
            merchants.push(merchant.as_str());
            users.push(user.as_str());
            subjects.push(subject.as_slice());
        }
    }
    if !users.is_empty() {
        let note = query(sql::NOTE_SUBJECTS).bind(merchants).bind(users).bind(subjects);
        bounded(note.execute(c)).await?;
    }
    Ok(())
}
