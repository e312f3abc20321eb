//! How an exchange ended, written down within the caller's transaction.

mod ahead;

use super::StoreError;
use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Query};
use crate::ids::{ExchangeId, TokenId, TokenVersion};
use crate::token::{ExchangeEnd, ExchangeResult, NewCachedTokens, Outcome, Settled, Successor, TokenState};

/// Writes an exchange's end within the caller's transaction. Calling it again for the same exchange
/// changes nothing.
pub(super) async fn settle<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    end: &ExchangeEnd,
) -> Result<Settled, StoreError> {
    let sql = &E::STATEMENTS.tokens;
    let version = end.version;
    match &end.result {
        ExchangeResult::Rotated(successor) => return rotated(c, now, end, successor).await,
        ExchangeResult::Unchanged => {
            c.query(sql.still_good).bind_version(version).bind(now).bind(&end.provider).execute().await?;
            if end.kept.is_some() {
                c.query(sql.seen).bind_version(version).bind(now).execute().await?;
            }
            keep(c, version, end.kept.as_ref()).await?;
            close(c, now, end.exchange, Outcome::Unchanged, false).await?;
        }
        ExchangeResult::Rejected(reason) => {
            let dead = c.query(sql.dead).bind_version(version).bind(end.exchange);
            dead.bind(reason.as_str()).bind(now).execute().await?;
            close(c, now, end.exchange, Outcome::Rejected, false).await?;
            c.query(sql.rejected_by).bind(end.exchange).bind(&end.provider).execute().await?;
        }
        // The token is as it was, whoever's it is by now: nothing to be told apart.
        ExchangeResult::NotSent | ExchangeResult::Refused => {
            close(c, now, end.exchange, end.result.outcome(), false).await?;
            return Ok(Settled::Written);
        }
        ExchangeResult::NoAnswer { travelling, hold } => {
            no_answer(c, now, end.exchange, version, *travelling, *hold).await?;
        }
    }
    let row = c.query(sql.state_of_generation).bind_version(version).fetch_optional().await?;
    let word = row.map(|row| row.text("state")).transpose()?;
    let state = word.map(|word| TokenState::from_word(&word)).transpose()?;
    let stands = match &end.result {
        ExchangeResult::Rejected(_) => state == Some(TokenState::ReauthRequired),
        ExchangeResult::NoAnswer { hold: true, .. } => state == Some(TokenState::Uncertain),
        _ => state.is_some(),
    };
    Ok(if stands { Settled::Written } else { Settled::Superseded })
}

/// Stores a successor where the generation is still the one presented, and closes the intent either
/// way.
async fn rotated<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    end: &ExchangeEnd,
    successor: &Successor,
) -> Result<Settled, StoreError> {
    if E::store_successor(c, now, end, successor).await? {
        return Ok(Settled::Written);
    }
    let before = c.query(E::STATEMENTS.tokens.stored_before).bind(end.version.token).bind(end.exchange);
    if before.fetch_optional().await?.is_some() {
        return Ok(Settled::Written);
    }
    let intended = c.query(E::STATEMENTS.tokens.is_intended).bind(end.version.token).bind(end.exchange);
    if intended.fetch_optional().await?.is_none() {
        return ahead::store(c, now, end, successor).await;
    }
    know_successor(c, end.version.token, successor).await?;
    close(c, now, end.exchange, Outcome::Superseded, false).await?;
    Ok(Settled::Superseded)
}

/// A statement that stores a successor, with what all such have as their first eight parameters:
/// the row, a generation, the exchange, and the successor.
pub(super) fn bind_successor<'c, E: Engine>(
    c: &'c mut Connection<'_, E>,
    statement: &'static str,
    now: Now,
    version: TokenVersion,
    exchange: ExchangeId,
    successor: &Successor,
) -> Query<'c, E> {
    c.query(statement)
        .bind_version(version)
        .bind(exchange)
        .bind(&successor.sealed)
        .bind(successor.issued_at)
        .bind(successor.expires_at)
        .bind(now)
        .bind(successor.refresh_due_at)
}

/// By when it came, however late it is stored: what is ahead of a restored database is told from
/// what came later by this.
pub(super) async fn know_successor<E: Engine>(
    c: &mut Connection<'_, E>,
    token: TokenId,
    successor: &Successor,
) -> Result<(), StoreError> {
    let know = c.query(E::STATEMENTS.tokens.know).bind(token).bind(&successor.hash).bind(successor.issued_at);
    know.execute().await?;
    Ok(())
}

/// Closes an intent as unanswered, and has the token presented again, or with `hold` wait for an
/// operator.
pub(super) async fn no_answer<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    exchange: ExchangeId,
    version: TokenVersion,
    travelling: bool,
    hold: bool,
) -> Result<(), StoreError> {
    let told = if hold { E::STATEMENTS.tokens.hold } else { E::STATEMENTS.tokens.replay_due };
    c.query(told).bind_version(version).bind(exchange).bind(now).execute().await?;
    close(c, now, exchange, Outcome::NoAnswer, travelling).await
}

/// Closes an intent.
pub(super) async fn close<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    exchange: ExchangeId,
    outcome: Outcome,
    travelling: bool,
) -> Result<(), StoreError> {
    let close = c.query(E::STATEMENTS.tokens.close).bind(exchange).bind(outcome.as_str()).bind(travelling).bind(now);
    close.execute().await?;
    Ok(())
}

/// Keeps what came for an order, where the token's generation is the one given.
pub(super) async fn keep<E: Engine>(
    c: &mut Connection<'_, E>,
    version: TokenVersion,
    kept: Option<&NewCachedTokens>,
) -> Result<(), StoreError> {
    let Some(kept) = kept else { return Ok(()) };
    let keep = c.query(E::STATEMENTS.tokens.keep).bind(kept.purpose).bind_version(version);
    keep.bind(&kept.sealed).bind(kept.received_at).bind(kept.good_until).execute().await?;
    Ok(())
}
