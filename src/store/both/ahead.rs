//! A successor that is ahead of the database; compiled for each engine.
//!
//! Its exchange's intent was committed before the request left. A database without it has forgotten the intent, and whatever
//! came after: it was restored from a backup, or a failover lost its last writes. Generations say nothing then, since this
//! past and the forgotten one may have given one number to two tokens, nor does the row's id. What is compared is when
//! something came, by the database's clock: the successor, and what its user has by now. The later one is the user's token.

use sqlx::query;

use super::exchanges::{keep, know_successor, placed};
use super::tokens::token_view;
use super::{Connection, Now, sql};
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::{StoreError, one_row};
use crate::token::{ExchangeEnd, Settled, Successor, TokenState};

/// Stores it under a generation above the row's and above the one that was presented, unless the user has signed in, was
/// forgotten, or got another successor since. The caller's transaction holds the row from its reading on.
pub(in crate::store) async fn store(
    c: &mut Connection,
    now: Now,
    end: &ExchangeEnd,
    successor: &Successor,
) -> Result<Settled, StoreError> {
    let Some(owner) = &end.owner else { return Err(StoreError::Behind) };
    let lock = query(sql::LOCK_TOKEN).bind(&owner.merchant).bind(&owner.user);
    let Some(row) = bounded(lock.fetch_optional(&mut *c)).await? else { return Err(StoreError::Behind) };
    let (token, view) = (row.int("id")?, token_view(&row)?);
    let before = query(sql::STORED_BEFORE).bind(token).bind(end.exchange);
    if bounded(before.fetch_optional(&mut *c)).await?.is_some() {
        return Ok(Settled::Written);
    }
    let last = match view.state {
        TokenState::Forgotten => Some(view.updated_at),
        // Not when it was issued: that is the shop's word where it was registered.
        _ => bounded(query(sql::LAST_CAME).bind(token).fetch_one(&mut *c)).await?.opt_time("came_at")?,
    };
    if last.is_some_and(|last| last >= successor.issued_at) {
        return Ok(Settled::Superseded);
    }
    let generation = view.generation.max(end.generation) + 1;
    let store = placed(sql::STORE_AHEAD, now, (token, generation), end.exchange, successor).bind(end.kept.is_some());
    one_row("storing a successor ahead of the database", bounded(store.execute(&mut *c)).await?.rows_affected())?;
    keep(c, (token, generation), end.kept.as_ref()).await?;
    know_successor(c, token, successor).await?;
    Ok(Settled::Written)
}
