//! Stores a successor whose exchange the database does not know.
//!
//! The intent of every exchange is committed before the request is sent. If the database does not
//! have it, the database was restored from a backup, or a failover lost its last writes. Then
//! generations decide nothing, because two different tokens may have had the same generation before
//! and after the restore; nor do row ids. Instead, the times of arrival are compared, by the
//! database's clock: that of the successor, and that of the user's present token. The later one is
//! the user's token. The access token that came with a successor is not cached: it is encrypted for
//! a grant and a row that this database may not have.

use super::{bind_successor, know_successor};
use crate::ids::TokenVersion;
use crate::store::columns::Columns;
use crate::store::engine::{Connection, Engine, Now};
use crate::store::token_view::token_view;
use crate::store::{StoreError, one_row};
use crate::token::{ExchangeEnd, SealedFor, Settled, Successor, TokenState};

/// Stores the successor under a generation above the row's and above the one that was presented,
/// unless the user has signed in, was forgotten, or got another successor since. The caller's
/// transaction locks the row before it reads it.
pub(super) async fn store<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    end: &ExchangeEnd,
    successor: &Successor,
) -> Result<Settled, StoreError> {
    let sql = &E::STATEMENTS.tokens;
    let owner = &end.owner;
    let lock = c.query(sql.lock_token).bind_user(owner);
    let Some(row) = lock.fetch_optional().await? else { return Err(StoreError::Behind) };
    let (token, view) = (row.token("id")?, token_view(&row)?);
    if c.query(sql.stored_before).bind(token).bind(end.exchange).fetch_optional().await?.is_some() {
        return Ok(Settled::Written);
    }
    let last = match view.state {
        TokenState::Forgotten => Some(view.updated_at),
        // The time of arrival, not `issued_at`: for a registered token, the shop states that.
        _ => c.query(sql.last_came).bind(token).fetch_one().await?.opt_time("came_at")?,
    };
    if last.is_some_and(|last| last >= successor.issued_at) {
        return Ok(Settled::Superseded);
    }
    let version = TokenVersion { token, generation: view.generation.max(end.version.generation) + 1 };
    let sealed_for = SealedFor { merchant: owner.merchant.clone(), version, provider: end.provider };
    let sealed = successor.secret.seal(&sealed_for).map_err(StoreError::Unreadable)?;
    let successor = &Successor { sealed, ..successor.clone() };
    let store = bind_successor(c, sql.store_ahead, now, version, end.exchange, successor);
    let stored = store.bind(end.cached.is_some()).bind(&end.provider).execute().await?;
    one_row("storing a successor ahead of the database", stored)?;
    know_successor(c, token, successor).await?;
    Ok(Settled::Written)
}
