//! The usual writes of an order, each for many orders at once: intents, successors, results,
//! subjects.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::multi_row::{Bind, MultiRowStatements};
use super::{Connection, Sqlite, sql};
use crate::ids::WorkerId;
use crate::store::columns::Columns;
use crate::store::engine::{Now, Query};
use crate::store::exchanges::bind_intent;
use crate::store::order_settle::SubmittedRow;
use crate::store::subject::Subject;
use crate::store::{Claim, StoreError, StoredEnd};
use crate::token::{ExchangeEnd, Intent, NewCachedTokens, OrderClaim, Settled, Successor};

static INTEND: MultiRowStatements<2> = MultiRowStatements::new([sql::INTEND, sql::HEARTBEATS]);
static ANNOUNCE: MultiRowStatements<2> = MultiRowStatements::new([sql::ANNOUNCE, sql::HEARTBEATS]);
static STORE: MultiRowStatements<6> = MultiRowStatements::new([
    sql::STORE_SUCCESSORS,
    sql::KNOW_SUCCESSORS,
    sql::REPLACE_CACHED,
    sql::CACHE,
    sql::CLOSE_ROTATED,
    sql::ANNOUNCE_STORED,
]);
static SUBMIT: MultiRowStatements<2> = MultiRowStatements::new([sql::ALL_SUBMITTED, sql::DELETE_CACHED]);
static NOTE: MultiRowStatements<1> = MultiRowStatements::new([sql::NOTE_SUBJECTS]);

/// Inserts intents and returns for each whether it was inserted. Counts a heartbeat of their
/// holders.
pub(super) async fn intend(
    c: &mut Connection<'_>,
    now: Now,
    intents: &[&Intent],
) -> Result<Vec<bool>, StoreError> {
    let binds: [Bind<&Intent>; 2] = [
        |query, intent, now| bind_intent(query, intent).bind(now),
        |query, intent, now| heartbeat(query, intent.holder, now),
    ];
    let rows = INTEND.run(c, now, intents, binds).await?;
    let inserted = rows.iter().map(|row| row.id::<Uuid>("id")).collect::<sqlx::Result<BTreeSet<_>>>()?;
    Ok(intents.iter().map(|intent| inserted.contains(&intent.exchange.as_uuid())).collect())
}

/// Records of orders that their create call is about to be sent. Returns for each claim whether it
/// holds. Counts a heartbeat of their workers.
pub(super) async fn announce(
    c: &mut Connection<'_>,
    now: Now,
    claims: &[&Claim],
) -> Result<Vec<bool>, StoreError> {
    let binds: [Bind<&Claim>; 2] = [
        |query, claim, _| query.bind(claim.order).bind(claim.worker).bind(claim.number),
        |query, claim, now| heartbeat(query, claim.worker, now),
    ];
    let rows = ANNOUNCE.run(c, now, claims, binds).await?;
    let key = |row: &SqliteRow| Ok((row.id::<Uuid>("id")?, row.claim_number()?));
    let announced = rows.iter().map(key).collect::<sqlx::Result<BTreeSet<_>>>()?;
    Ok(claims.iter().map(|claim| announced.contains(&(claim.order.as_uuid(), claim.number))).collect())
}

fn heartbeat(query: Query<'_, Sqlite>, worker: WorkerId, now: Now) -> Query<'_, Sqlite> {
    query.bind(worker).bind(now)
}

/// The end of an exchange with its successor.
#[derive(Clone, Copy)]
pub(super) struct Rotated<'a> {
    pub(super) end: &'a ExchangeEnd,
    pub(super) successor: &'a Successor,
}

/// Stores successors, each with its hash, the cached tokens, the end of the intent, and the
/// announcement of the create call. `None` where the row has another generation than was presented,
/// or this database does not know the exchange: then nothing was written. So it is where the row
/// has this successor already: then what follows it was written once more, the same as before.
pub(super) async fn store(
    c: &mut Connection<'_>,
    now: Now,
    ends: &[Rotated<'_>],
) -> Result<Vec<Option<Settled>>, StoreError> {
    let binds: [Bind<Rotated<'_>>; 6] = [
        |query, row @ Rotated { end, successor }, now| {
            let query = bind_exchange(query, row).bind(&successor.sealed).bind(&end.provider);
            let query = query.bind(successor.issued_at).bind(successor.expires_at);
            // Only exchanges for orders and vends cache tokens.
            query.bind(successor.refresh_due_at).bind(end.cached.is_some()).bind(now)
        },
        |query, row @ Rotated { successor, .. }, _| {
            bind_exchange(query, row).bind(&successor.hash).bind(successor.issued_at)
        },
        |query, row, _| bind_exchange(query, row).bind(purpose(row)),
        |query, row @ Rotated { end, .. }, _| {
            let cached = end.cached.as_ref();
            let query = bind_exchange(query, row).bind(purpose(row)).bind(&end.provider);
            let query = query.bind(cached.map(|cached| &cached.sealed));
            query.bind(cached.map(|cached| cached.received_at)).bind(cached.map(|cached| cached.good_until))
        },
        |query, row, now| bind_exchange(query, row).bind(now),
        |query, row, _| {
            let claim = claim(row.end);
            let query = bind_exchange(query, row).bind(purpose(row));
            query.bind(claim.map(|claim| claim.worker.as_uuid())).bind(claim.map(|claim| claim.number))
        },
    ];
    let (mut stored, mut announced) = (BTreeSet::new(), BTreeSet::new());
    for row in STORE.run(c, now, ends, binds).await? {
        let of = if row.flag("announced")? { &mut announced } else { &mut stored };
        of.insert(row.id::<Uuid>("id")?);
    }
    let settled = |row: &Rotated<'_>| {
        let is_announced = purpose(row).is_some_and(|order| announced.contains(&order));
        let settled = if is_announced { Settled::Announced } else { Settled::Written };
        stored.contains(&row.end.exchange.as_uuid()).then_some(settled)
    };
    Ok(ends.iter().map(settled).collect())
}

fn bind_exchange<'q>(query: Query<'q, Sqlite>, row: &Rotated<'_>) -> Query<'q, Sqlite> {
    query.bind_version(row.end.version).bind(row.end.exchange)
}

fn purpose(row: &Rotated<'_>) -> Option<Uuid> {
    row.end.cached.as_ref().map(|cached| cached.purpose.as_uuid())
}

/// The claim of the order that waits for the access token.
fn claim(end: &ExchangeEnd) -> Option<OrderClaim> {
    end.cached.as_ref().and_then(|NewCachedTokens { claim, .. }| *claim)
}

/// Stores results. Returns for each what the row has now; `None` where the claim no longer holds.
pub(super) async fn submit(
    c: &mut Connection<'_>,
    now: Now,
    results: &[&SubmittedRow],
) -> Result<Vec<Option<StoredEnd>>, StoreError> {
    let binds: [Bind<&SubmittedRow>; 2] =
        [|query, row, now| row.bind(query, now), |query, row, _| query.bind(row.claim.order)];
    let rows = SUBMIT.run(c, now, results, binds).await?;
    let mut ended = Vec::with_capacity(rows.len());
    for row in &rows {
        ended.push(((row.id::<Uuid>("id")?, row.claim_number()?), StoredEnd::read(row)?));
    }
    let stored = |result: &&SubmittedRow| {
        let key = (result.claim.order.as_uuid(), result.claim.number);
        ended.iter().find(|(of, _)| *of == key).map(|(_, stored)| stored.clone())
    };
    Ok(results.iter().map(stored).collect())
}

/// Notes which shoppers belong to users that have none yet.
pub(super) async fn note(c: &mut Connection<'_>, now: Now, subjects: &[&Subject]) -> Result<(), StoreError> {
    let binds: [Bind<&Subject>; 1] = [|query, subject, _| query.bind_user(&subject.key).bind(&subject.hash)];
    NOTE.run(c, now, subjects, binds).await?;
    Ok(())
}
