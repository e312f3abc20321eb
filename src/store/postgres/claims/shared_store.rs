//! Stores the ends of several exchanges in one transaction.
//!
//! Nobody waits here for a row that another session has locked: the others in the same commit would
//! wait too, and two sessions that wait for each other's rows would block each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{ExchangeId, TokenId};
use crate::store::columns::Columns;
use crate::store::engine::Now;
use crate::store::postgres::Connection;
use crate::store::sql::postgres as sql;
use crate::store::{StoreError, exchange_end};
use crate::token::{ExchangeEnd, ExchangeResult, NewCachedTokens, Settled, Successor};

/// Stores ends of different tokens inside the caller's transaction. `None` for an end that has to
/// be stored by itself: its row is locked, or does not have the generation any more.
pub(super) async fn store(
    c: &mut Connection<'_>,
    now: Now,
    ends: &[&ExchangeEnd],
) -> Result<Vec<Option<Settled>>, StoreError> {
    let (mut successors, mut others) = (Vec::new(), Vec::new());
    for &end in ends {
        match &end.result {
            ExchangeResult::Rotated(successor) => successors.push(NewSuccessor { end, successor }),
            _ => others.push(end),
        }
    }
    let mut settled = BTreeMap::new();
    if !successors.is_empty() {
        settled = store_successors(c, now, &successors).await?;
    }
    if !others.is_empty() {
        let free = lock_free(c, &others).await?;
        for end in others.into_iter().filter(|end| free.contains(&end.version.token)) {
            settled.insert(end.exchange, exchange_end::settle(c, now, end).await?);
        }
    }
    Ok(ends.iter().map(|end| settled.remove(&end.exchange)).collect())
}

/// Locks the rows of the tokens that no other session has locked.
async fn lock_free(c: &mut Connection<'_>, ends: &[&ExchangeEnd]) -> Result<BTreeSet<TokenId>, StoreError> {
    let tokens = ends.iter().map(|end| end.version.token.0).collect();
    let free = c.query(sql::LOCK_FREE_TOKENS).bind_array(tokens).fetch_all().await?;
    Ok(free.iter().map(|row| row.token("id")).collect::<sqlx::Result<_>>()?)
}

/// A successor, with the exchange that it comes from.
pub(in crate::store::postgres) struct NewSuccessor<'a> {
    pub(in crate::store::postgres) end: &'a ExchangeEnd,
    pub(in crate::store::postgres) successor: &'a Successor,
}

/// Stores successors by one statement, each with its hash, its cached tokens, the end of its intent
/// and the mark on its order. Returns those that it stored: it leaves out a row that another
/// session has locked, one that has another generation, and one whose exchange the database does
/// not know.
pub(in crate::store::postgres) async fn store_successors(
    c: &mut Connection<'_>,
    now: Now,
    new: &[NewSuccessor<'_>],
) -> Result<BTreeMap<ExchangeId, Settled>, StoreError> {
    let successors = || new.iter().map(|new| new.successor);
    let versions = || new.iter().map(|new| new.end.version);
    let cached = || new.iter().map(|new| new.end.cached.as_ref());
    let claims = || cached().map(|cached: Option<&NewCachedTokens>| cached.and_then(|cached| cached.claim));
    let store = c
        .query(sql::STORE_SUCCESSORS)
        .bind_array(versions().map(|version| version.token.0).collect())
        .bind_array(versions().map(|version| version.generation).collect())
        .bind_array(new.iter().map(|new| new.end.exchange.as_uuid()).collect())
        .bind_array(successors().map(|successor| successor.sealed.as_slice()).collect())
        .bind_array(successors().map(|successor| successor.issued_at).collect())
        .bind_array(successors().map(|successor| successor.expires_at).collect())
        .bind(now)
        .bind_array(successors().map(|successor| successor.refresh_due_at).collect())
        .bind_array(successors().map(|successor| successor.hash.as_slice()).collect())
        .bind_array(cached().map(|cached| cached.map(|cached| cached.purpose.as_uuid())).collect())
        .bind_array(cached().map(|cached| cached.map(|cached| cached.sealed.as_slice())).collect())
        .bind_array(cached().map(|cached| cached.map(|cached| cached.received_at)).collect())
        .bind_array(cached().map(|cached| cached.map(|cached| cached.good_until)).collect())
        .bind_array(new.iter().map(|new| new.end.provider.as_bytes()).collect())
        .bind_array(claims().map(|claim| claim.map(|claim| claim.worker.as_uuid())).collect())
        .bind_array(claims().map(|claim| claim.map(|claim| claim.number.0)).collect());
    let mut stored = BTreeMap::new();
    for row in store.fetch_all().await? {
        let settled = if row.flag("announced")? { Settled::Announced } else { Settled::Written };
        stored.insert(row.id("exchange")?, settled);
    }
    Ok(stored)
}
