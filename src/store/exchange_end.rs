//! Stores an end of an exchange that brought no successor, or a successor that was not stored
//! together with others, inside the caller's transaction. Most successors are stored together: by
//! `STORE_SUCCESSORS` (`store/sql/ENGINE/own.rs`), which `store/postgres/claims/shared_store.rs` or
//! `store/sqlite/writes.rs` runs.

mod ahead;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Query};
use super::{StoreError, known};
use crate::ids::{ExchangeId, TokenId, TokenVersion};
use crate::token::{ExchangeEnd, ExchangeResult, NewCachedTokens, Outcome, Settled, Successor, TokenState};

/// Stores the end of an exchange, inside the caller's transaction. A second call for the same
/// exchange changes nothing.
pub(super) async fn settle<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    end: &ExchangeEnd,
) -> Result<Settled, StoreError> {
    let sql = &E::STATEMENTS.tokens;
    let (version, cause) = (end.version, end.cause.as_deref());
    match &end.result {
        ExchangeResult::Rotated(successor) => return rotated(c, now, end, successor).await,
        ExchangeResult::Unchanged => {
            c.query(sql.still_good).bind_version(version).bind(now).execute().await?;
            if end.cached.is_some() {
                c.query(sql.seen).bind_version(version).bind(now).execute().await?;
            }
            cache(c, end).await?;
            close(c, now, end.exchange, Outcome::Unchanged, false, None).await?;
        }
        ExchangeResult::Rejected(reason) => {
            let dead = c.query(sql.dead).bind_version(version).bind(end.exchange);
            dead.bind(reason.as_str()).bind(now).execute().await?;
            close(c, now, end.exchange, Outcome::Rejected, false, cause).await?;
            c.query(sql.rejected_by).bind(end.exchange).bind(&end.provider).execute().await?;
        }
        // The token is unchanged, so it does not matter whether the row has a newer generation.
        ExchangeResult::NotSent | ExchangeResult::Refused => {
            close(c, now, end.exchange, end.result.outcome(), false, cause).await?;
            return Ok(Settled::Written);
        }
        ExchangeResult::NoAnswer { travelling, hold } => {
            no_answer(
                c,
                now,
                end.exchange,
                version,
                Unanswered { travelling: *travelling, hold: *hold, cause },
            )
            .await?;
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
    if !stands {
        return Ok(Settled::Superseded);
    }
    // Nothing is sent for an end that is superseded.
    let announced =
        matches!(end.result, ExchangeResult::Unchanged) && announce(c, end.cached.as_ref()).await?;
    Ok(if announced { Settled::Announced } else { Settled::Written })
}

/// Stores a successor if the row still has the generation that was presented. Closes the intent in
/// both cases.
async fn rotated<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    end: &ExchangeEnd,
    successor: &Successor,
) -> Result<Settled, StoreError> {
    match E::store_successor(c, now, end, successor).await? {
        Some(settled) => Ok(settled),
        None => not_stored(c, now, end, successor).await,
    }
}

/// Settles an exchange whose successor was not stored, because the row has this successor already,
/// or another generation than was presented, or because the database does not know the exchange.
pub(super) async fn not_stored<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    end: &ExchangeEnd,
    successor: &Successor,
) -> Result<Settled, StoreError> {
    let before = c.query(E::STATEMENTS.tokens.stored_before).bind(end.version.token).bind(end.exchange);
    if before.fetch_optional().await?.is_some() {
        return Ok(Settled::Written);
    }
    let intended = c.query(E::STATEMENTS.tokens.is_intended).bind(end.version.token).bind(end.exchange);
    if intended.fetch_optional().await?.is_none() {
        return ahead::store(c, now, end, successor).await;
    }
    know_successor(c, end.version.token, successor).await?;
    // If the token was forgotten meanwhile, and is to be revoked, so is its successor.
    let revoke = c.query(E::STATEMENTS.revocations.record_successor).bind_version(end.version.next());
    revoke.bind(&end.provider).bind(&successor.sealed).bind(now).execute().await?;
    close(c, now, end.exchange, Outcome::Superseded, false, None).await?;
    Ok(Settled::Superseded)
}

/// Binds the first eight parameters of a statement that stores a successor: row, generation,
/// exchange and the successor itself.
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

/// Stores the hash of a successor with the time at which it arrived, however late it is stored.
/// After a restore, this time decides which of two tokens is newer.
pub(super) async fn know_successor<E: Engine>(
    c: &mut Connection<'_, E>,
    token: TokenId,
    successor: &Successor,
) -> Result<(), StoreError> {
    known::know(c, token, &successor.hash, successor.issued_at).await?;
    Ok(())
}

/// An exchange without an answer.
#[derive(Clone, Copy)]
pub(super) struct Unanswered<'a> {
    /// Whether the request may still be on its way.
    pub(super) travelling: bool,
    /// Whether the token waits for an operator. Otherwise it is presented again.
    pub(super) hold: bool,
    /// What was there instead of an answer.
    pub(super) cause: Option<&'a str>,
}

/// Closes an intent as unanswered.
pub(super) async fn no_answer<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    exchange: ExchangeId,
    version: TokenVersion,
    Unanswered { travelling, hold, cause }: Unanswered<'_>,
) -> Result<(), StoreError> {
    let told = if hold { E::STATEMENTS.tokens.hold } else { E::STATEMENTS.tokens.replay_due };
    c.query(told).bind_version(version).bind(exchange).bind(now).execute().await?;
    close(c, now, exchange, Outcome::NoAnswer, travelling, cause).await
}

/// The most characters of a cause that are kept.
const LONGEST_CAUSE: usize = 200;

/// Closes an intent. `cause` says what the exchange failed with.
pub(super) async fn close<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    exchange: ExchangeId,
    outcome: Outcome,
    travelling: bool,
    cause: Option<&str>,
) -> Result<(), StoreError> {
    let cause = cause.map(|cause| cause.chars().take(LONGEST_CAUSE).collect::<String>());
    let close =
        c.query(E::STATEMENTS.tokens.close).bind(exchange).bind(outcome.as_str()).bind(travelling).bind(now);
    close.bind(&cause).execute().await?;
    Ok(())
}

/// Announces the create call of the order that waits for the access token, if its claim still
/// holds.
pub(super) async fn announce<E: Engine>(
    c: &mut Connection<'_, E>,
    cached: Option<&NewCachedTokens>,
) -> Result<bool, StoreError> {
    let Some((order, claim)) = cached.and_then(|cached| Some((cached.purpose, cached.claim?))) else {
        return Ok(false);
    };
    let announce = c.query(E::STATEMENTS.orders.announce).bind(order).bind(claim.worker).bind(claim.number);
    Ok(announce.fetch_optional().await?.is_some())
}

/// Stores the cached tokens of an exchange that left the token unchanged, if the row still has it.
async fn cache<E: Engine>(c: &mut Connection<'_, E>, end: &ExchangeEnd) -> Result<(), StoreError> {
    let Some(cached) = &end.cached else { return Ok(()) };
    let cache = c.query(E::STATEMENTS.tokens.cache).bind(cached.purpose).bind_version(end.version);
    let cache = cache.bind(&cached.sealed).bind(cached.received_at).bind(cached.good_until);
    cache.bind(&end.provider).execute().await?;
    Ok(())
}
