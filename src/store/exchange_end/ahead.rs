//! A successor that is ahead of the database; compiled for each engine.
//!
//! Its exchange's intent was committed before the request left. A database without it has forgotten
//! the intent, and whatever came after: it was restored from a backup, or a failover lost its last
//! writes. Generations say nothing then, since this past and the forgotten one may have given one
//! number to two tokens, nor does the row's id. What is compared is when something came, by the
//! database's clock: the successor, and what its user has by now. The later one is the user's
//! token.

use super::{bind_successor, keep, know_successor};
use crate::ids::TokenVersion;
use crate::store::columns::Columns;
use crate::store::engine::{Connection, Engine, Now};
use crate::store::token_view::token_view;
use crate::store::{StoreError, one_row};
use crate::token::{ExchangeEnd, Settled, Successor, TokenState};

/// Stores it under a generation above the row's and above the one that was presented, unless the
/// user has signed in, was forgotten, or got another successor since. The caller's transaction
/// holds the row from its reading on.
pub(super) async fn store<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    end: &ExchangeEnd,
    successor: &Successor,
) -> Result<Settled, StoreError> {
    let sql = &E::STATEMENTS.tokens;
    let Some(owner) = &end.owner else { return Err(StoreError::Behind) };
    let lock = c.query(sql.lock_token).bind_user(owner);
    let Some(row) = lock.fetch_optional().await? else { return Err(StoreError::Behind) };
    let (token, view) = (row.token("id")?, token_view(&row)?);
    if c.query(sql.stored_before).bind(token).bind(end.exchange).fetch_optional().await?.is_some() {
        return Ok(Settled::Written);
    }
    let last = match view.state {
        TokenState::Forgotten => Some(view.updated_at),
        // Not when it was issued: that is the shop's word where it was registered.
        _ => c.query(sql.last_came).bind(token).fetch_one().await?.opt_time("came_at")?,
    };
    if last.is_some_and(|last| last >= successor.issued_at) {
        return Ok(Settled::Superseded);
    }
    let version = TokenVersion { token, generation: view.generation.max(end.version.generation) + 1 };
    let store = bind_successor(c, sql.store_ahead, now, version, end.exchange, successor);
    let stored = store.bind(end.kept.is_some()).bind(&end.provider).execute().await?;
    one_row("storing a successor ahead of the database", stored)?;
    keep(c, version, end.kept.as_ref()).await?;
    know_successor(c, token, successor).await?;
    Ok(Settled::Written)
}
