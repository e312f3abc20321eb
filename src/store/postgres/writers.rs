//! Writes of many callers in one commit: what is about to be sent; the ends of attempts together
//! with the shoppers of users.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use uuid::Uuid;

use super::{Connection, Postgres};
use crate::clock::Clock;
use crate::ids::ClaimNumber;
use crate::order::{Disposition, OrderId};
use crate::received::storable;
use crate::store::batch::Write;
use crate::store::columns::Columns;
use crate::store::engine::{Now, Query, Row, by, transaction_by};
use crate::store::order_settle::{SubmittedRow, settle};
use crate::store::pool::Pool;
use crate::store::sql::postgres as sql;
use crate::store::subject::Subject;
use crate::store::{Claim, StoreError, StoredEnd};
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
    /// Whether it is announced and may be sent. An order that is not may be locked.
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
                .bind_array(column(|intent| intent.presentation.0))
                .bind_array(intents.iter().map(|intent| intent.purpose.kind.as_str()).collect())
                .bind_array(ids(|intent| intent.purpose.id.as_uuid()))
                .bind_array(ids(|intent| intent.holder.as_uuid()))
                .bind(super::now(&self.clock))
                .bind_array(creates.iter().map(|claim| claim.order.as_uuid()).collect())
                .bind_array(creates.iter().map(|claim| claim.worker.as_uuid()).collect())
                .bind_array(creates.iter().map(|claim| claim.number.0).collect());
            let rows = intend.fetch_all().await?;
            let key = |row: &Row<Postgres>| {
                Ok((row.id::<Uuid>("id")?, row.opt_int("claim_number")?.map(ClaimNumber)))
            };
            Ok(rows.iter().map(key).collect::<sqlx::Result<Vec<_>>>()?)
        })
        .await?;
        // Two claims of one order may be announced together.
        let key = |item: &Announcement| match item {
            Announcement::Exchange(intent) => (intent.exchange.as_uuid(), None),
            Announcement::Create(claim) => (claim.order.as_uuid(), Some(claim.number)),
        };
        Ok(items.iter().map(|item| written.contains(&key(item))).collect())
    }
}

/// How long it may take to find out why ends were not written.
const CHECK: Duration = Duration::from_millis(250);

/// Writes ends of attempts, and which shoppers belong to users. The usual ends and all shoppers are
/// written with one statement.
pub(super) struct Results {
    pub(super) pool: Pool<sqlx::Postgres>,
    pub(super) clock: Clock,
}

/// What an attempt leaves.
pub(super) enum AttemptResult {
    End(End),
    Subject(Subject),
}

/// The end of an attempt, under the claim of its order.
pub(super) struct End {
    pub(super) claim: Claim,
    pub(super) disposition: Disposition,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Yes(StoredEnd),
    ClaimLost,
    /// Another session has locked the order's row. Nobody waits for that session: the others in the
    /// same commit would wait too.
    Locked,
    /// The subject is stored, or left to the user's next order.
    Subject,
}

#[async_trait]
impl Write for Results {
    type Item = AttemptResult;
    type Done = Written;

    async fn write(&self, results: &[AttemptResult]) -> Result<Vec<Written>, StoreError> {
        let (mut ends, mut subjects) = (Ends::default(), Vec::new());
        for result in results {
            match result {
                AttemptResult::End(end) => ends.add(end)?,
                AttemptResult::Subject(subject) => subjects.push(subject),
            }
        }
        let stored = match self.commit(&ends, &subjects).await {
            // A lock on the table of tokens must keep no end waiting: the subjects are left to the
            // users' next orders.
            Err(StoreError::Busy(_)) if !ends.is_empty() && !subjects.is_empty() => {
                self.commit(&ends, &[]).await?
            }
            stored => stored?,
        };
        let stored = |claim: &Claim| stored.iter().find(|(stored, _)| stored == claim).map(|(_, end)| end);
        let others: Vec<Claim> = ends.claims().filter(|claim| stored(claim).is_none()).collect();
        let locked = self.locked(&others).await;
        let what = |result: &AttemptResult| match result {
            AttemptResult::Subject(_) => Written::Subject,
            AttemptResult::End(End { claim, .. }) => match stored(claim) {
                Some(end) => Written::Yes(end.clone()),
                None if locked.contains(claim) => Written::Locked,
                None => Written::ClaimLost,
            },
        };
        Ok(results.iter().map(what).collect())
    }
}

/// The ends of a commit.
#[derive(Default)]
struct Ends<'a> {
    submitted: Vec<SubmittedRow>,
    others: Vec<&'a End>,
}

impl<'a> Ends<'a> {
    fn add(&mut self, end: &'a End) -> Result<(), StoreError> {
        match SubmittedRow::new(&end.claim, &end.disposition)? {
            Some(row) => self.submitted.push(row),
            None => self.others.push(end),
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.submitted.is_empty() && self.others.is_empty()
    }

    fn claims(&self) -> impl Iterator<Item = Claim> {
        let submitted = self.submitted.iter().map(|row| row.claim);
        submitted.chain(self.others.iter().map(|end| end.claim))
    }
}

impl Results {
    /// Writes all in one transaction. Returns the claims of the ends that it wrote, and what their
    /// rows have now: it leaves out those whose claims are lost and those whose rows are locked.
    async fn commit(
        &self,
        ends: &Ends<'_>,
        subjects: &[&Subject],
    ) -> Result<Vec<(Claim, StoredEnd)>, StoreError> {
        let now = super::now(&self.clock);
        let write = async |c: &mut Connection<'_>| {
            let mut written = match (&ends.submitted[..], subjects) {
                ([], []) => Vec::new(),
                ([], subjects) => {
                    note_subjects(c, subjects).await?;
                    Vec::new()
                }
                ([row], []) => one_submitted(c, now, row).await?.into_iter().collect(),
                (rows, subjects) => all_submitted(c, now, rows, subjects).await?,
            };
            for End { claim, disposition } in &ends.others {
                if let Some(stored) = settle(c, now, claim, disposition).await? {
                    written.push((*claim, stored));
                }
            }
            Ok(written)
        };
        let connection = self.pool.take().await?;
        let together = !ends.submitted.is_empty() || !subjects.is_empty();
        // A statement alone is a transaction.
        if usize::from(together) + ends.others.len() == 1 {
            return by::<Postgres, _>(connection, write).await;
        }
        transaction_by::<Postgres, _>(connection, write).await
    }

    /// Returns those of these claims that hold although their ends were not written: another
    /// session has locked their rows. If they cannot be read soon, all of them, so that they are
    /// written again: the others, whose ends are durable, wait for this.
    async fn locked(&self, claims: &[Claim]) -> Vec<Claim> {
        if claims.is_empty() {
            return Vec::new();
        }
        let held =
            async { by::<Postgres, _>(self.pool.take().await?, async |c| still_held(c, claims).await).await };
        match timeout(CHECK, held).await {
            Ok(Ok(held)) => held,
            Ok(Err(_)) | Err(_) => claims.to_vec(),
        }
    }
}

/// Notes subjects without a submitted order.
async fn note_subjects(c: &mut Connection<'_>, subjects: &[&Subject]) -> Result<(), StoreError> {
    bind_subjects(c.query(sql::NOTE_SUBJECTS), subjects).execute().await?;
    Ok(())
}

fn bind_subjects<'c>(query: Query<'c, Postgres>, subjects: &[&Subject]) -> Query<'c, Postgres> {
    query
        .bind_array(subjects.iter().map(|subject| subject.key.merchant.as_str()).collect())
        .bind_array(subjects.iter().map(|subject| subject.key.user.as_str()).collect())
        .bind_array(subjects.iter().map(|subject| subject.hash.as_slice()).collect())
}

/// Returns those of these claims that hold.
pub(super) async fn still_held(c: &mut Connection<'_>, claims: &[Claim]) -> Result<Vec<Claim>, StoreError> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let held = c
        .query(sql::HELD_CLAIMS)
        .bind_array(claims.iter().map(|claim| claim.order.as_uuid()).collect())
        .bind_array(claims.iter().map(|claim| claim.worker.as_uuid()).collect())
        .bind_array(claims.iter().map(|claim| claim.number.0).collect());
    let rows = held.fetch_all().await?;
    Ok(named(&rows, claims)?.into_iter().map(|(claim, _)| claim).collect())
}

/// Returns those of the claims that the rows name, each with its row.
fn named<'r>(
    rows: &'r [Row<Postgres>],
    claims: &[Claim],
) -> Result<Vec<(Claim, &'r Row<Postgres>)>, StoreError> {
    let mut named = Vec::with_capacity(rows.len());
    for row in rows {
        let (order, number) = (row.id::<OrderId>("id")?, row.claim_number()?);
        let claim = claims.iter().find(|claim| claim.order == order && claim.number == number);
        named.extend(claim.map(|claim| (*claim, row)));
    }
    Ok(named)
}

/// Writes the result of one submitted order. Returns its claim, and what its row has now; `None` if
/// it was not written.
async fn one_submitted(
    c: &mut Connection<'_>,
    now: Now,
    row: &SubmittedRow,
) -> Result<Option<(Claim, StoredEnd)>, StoreError> {
    let written = row.bind(c.query(sql::SUBMITTED), now).fetch_all().await?;
    written.first().map(|written| Ok((row.claim, StoredEnd::read(written)?))).transpose()
}

/// Writes the results of submitted orders, and notes subjects with the same statement. Returns the
/// claims of those orders that were written, and what their rows have now.
async fn all_submitted(
    c: &mut Connection<'_>,
    now: Now,
    rows: &[SubmittedRow],
    subjects: &[&Subject],
) -> Result<Vec<(Claim, StoredEnd)>, StoreError> {
    let statement = if subjects.is_empty() { sql::ALL_SUBMITTED } else { sql::ALL_SUBMITTED_AND_NOTED };
    let submitted = c
        .query(statement)
        .bind_array(rows.iter().map(|row| row.claim.order.as_uuid()).collect())
        .bind_array(rows.iter().map(|row| row.claim.worker.as_uuid()).collect())
        .bind_array(rows.iter().map(|row| row.claim.number.0).collect())
        .bind(now)
        .bind_array(rows.iter().map(|row| storable(&row.klarna_id)).collect())
        .bind_array(rows.iter().map(|row| row.result.as_deref().map(storable)).collect())
        .bind_array(rows.iter().map(|row| row.correlation_id.as_deref().map(storable)).collect())
        .bind_array(rows.iter().map(|row| row.token).collect())
        .bind_array(rows.iter().map(|row| row.prefilled.as_str()).collect())
        .bind_array(rows.iter().map(|row| row.target).collect());
    let submitted = if subjects.is_empty() { submitted } else { bind_subjects(submitted, subjects) };
    let claims: Vec<Claim> = rows.iter().map(|row| row.claim).collect();
    let written = submitted.fetch_all().await?;
    named(&written, &claims)?.into_iter().map(|(claim, row)| Ok((claim, StoredEnd::read(row)?))).collect()
}
