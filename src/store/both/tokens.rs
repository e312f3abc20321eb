//! Tokens, statement by statement; compiled for each engine.

use sqlx::query;

use super::{Connection, Now, Row, sql};
use crate::store::columns::{Columns, Stamp};
use crate::store::pool::bounded;
use crate::store::{StoreError, TokenFilter, micros};
use crate::token::{DeadReason, NewToken, Note, Registered, TokenState, TokenView};

/// Registers a token; the caller's transaction holds the row from its reading on.
pub(in crate::store) async fn register(
    c: &mut Connection,
    now: Now,
    token: &NewToken,
    unless_newer: bool,
) -> Result<Registered, StoreError> {
    let row = loop {
        bounded(query(sql::ENSURE_TOKEN).bind(&token.merchant).bind(&token.user).bind(now).execute(&mut *c)).await?;
        let lock = query(sql::LOCK_TOKEN).bind(&token.merchant).bind(&token.user);
        // None where the user was erased in between.
        if let Some(row) = bounded(lock.fetch_optional(&mut *c)).await? {
            break row;
        }
    };
    let (id, view) = (row.int("id")?, token_view(&row)?);
    if bounded(query(sql::IS_KNOWN).bind(id).bind(&token.hash[..]).fetch_optional(&mut *c)).await?.is_some() {
        return Ok(Registered::Known(view));
    }
    if unless_newer && view.state == TokenState::Active && view.issued_at.is_some_and(|at| at > token.issued_at) {
        return Ok(Registered::Newer(view));
    }
    let register = query(sql::REGISTER)
        .bind(id)
        .bind(&token.sealed)
        .bind(Stamp(token.issued_at))
        .bind(Stamp(token.expires_at))
        .bind(now)
        .bind(Stamp(token.refresh_due_at))
        .bind(token.age_unknown.then(|| Note::AgeUnknown.as_str()));
    let stored = token_view(&bounded(register.fetch_one(&mut *c)).await?)?;
    know(c, now, id, &token.hash).await?;
    Ok(Registered::Stored(stored))
}

/// As [`register`], for many. By user, so that two imports do not wait for each other; of one user's tokens in their order.
pub(in crate::store) async fn register_all(
    c: &mut Connection,
    now: Now,
    tokens: &[NewToken],
    unless_newer: bool,
) -> Result<Vec<Registered>, StoreError> {
    let mut by_user: Vec<usize> = (0..tokens.len()).collect();
    by_user.sort_by_key(|&at| (&tokens[at].merchant, &tokens[at].user));
    let mut registered = Vec::with_capacity(tokens.len());
    for at in by_user {
        registered.push((at, register(c, now, &tokens[at], unless_newer).await?));
    }
    registered.sort_by_key(|(at, _)| *at);
    Ok(registered.into_iter().map(|(_, registered)| registered).collect())
}

async fn know(c: &mut Connection, now: Now, token: i64, hash: &[u8; 32]) -> Result<(), StoreError> {
    bounded(query(sql::KNOW).bind(token).bind(&hash[..]).bind(now).execute(c)).await?;
    Ok(())
}

/// Deletes the secrets of a row and what was kept from them.
pub(in crate::store) async fn forget(
    c: &mut Connection,
    now: Now,
    merchant: &str,
    user: &str,
) -> Result<bool, StoreError> {
    let row = bounded(query(sql::FORGET).bind(merchant).bind(user).bind(now).fetch_optional(&mut *c)).await?;
    let Some(row) = row else { return Ok(false) };
    forget_kept(c, row.int("id")?).await?;
    Ok(true)
}

/// Deletes what was kept from a token.
pub(in crate::store) async fn forget_kept(c: &mut Connection, token: i64) -> Result<(), StoreError> {
    bounded(query(sql::FORGET_KEPT).bind(token).execute(c)).await?;
    Ok(())
}

pub(in crate::store) async fn view(
    c: &mut Connection,
    merchant: &str,
    user: &str,
) -> Result<Option<TokenView>, StoreError> {
    let row = bounded(query(sql::TOKEN).bind(merchant).bind(user).fetch_optional(c)).await?;
    row.as_ref().map(token_view).transpose()
}

pub(in crate::store) async fn list(
    c: &mut Connection,
    now: Now,
    filter: &TokenFilter,
) -> Result<Vec<TokenView>, StoreError> {
    let (merchant, user) = filter.after.clone().unzip();
    if let (Some(state), Some(of), None) = (filter.state, &filter.merchant, filter.expiring_within) {
        // Of a million users the few in a state are found without looking at the others.
        let list = query(sql::USERS_OF_STATE).bind(of).bind(state.as_str()).bind(user).bind(i64::from(filter.limit));
        let rows = bounded(list.fetch_all(c)).await?;
        return rows.iter().map(token_view).collect();
    }
    let list = query(sql::TOKENS)
        .bind(filter.state.map(TokenState::as_str))
        .bind(&filter.merchant)
        .bind(merchant)
        .bind(user)
        .bind(i64::from(filter.limit))
        .bind(filter.expiring_within.map(micros))
        .bind(now);
    let rows = bounded(list.fetch_all(c)).await?;
    rows.iter().map(token_view).collect()
}

pub(in crate::store) fn token_view(row: &Row) -> Result<TokenView, StoreError> {
    Ok(TokenView {
        merchant: row.text("merchant")?,
        user: row.text("user_id")?,
        state: TokenState::from_word(&row.text("state")?)?,
        reason: row.opt_text("reason")?.map(|word| DeadReason::from_word(&word)).transpose()?,
        generation: row.int("generation")?,
        issued_at: row.opt_time("issued_at")?,
        expires_at: row.opt_time("expires_at")?,
        refresh_due_at: row.opt_time("refresh_due_at")?,
        refresh_failures: row.int("refresh_failures")?,
        refresh_note: row.opt_text("refresh_note")?.map(|word| Note::from_word(&word)).transpose()?,
        last_seen_at: row.opt_time("last_seen_at")?,
        updated_at: row.time("updated_at")?,
    })
}

pub(in crate::store) async fn note_subject(
    c: &mut Connection,
    merchant: &str,
    user: &str,
    subject: &[u8],
) -> Result<(), StoreError> {
    bounded(query(sql::NOTE_SUBJECT).bind(merchant).bind(user).bind(subject).execute(c)).await?;
    Ok(())
}
