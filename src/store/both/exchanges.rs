//! Claims, intents, ends and the ledger, statement by statement; compiled for each engine.

use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, Row, ahead, sql};
use crate::store::columns::{Columns, Stamp};
use crate::store::pool::bounded;
use crate::store::{StoreError, from_micros, one_row};
use crate::token::{
    CachedTokens, ClaimedToken, DeadReason, ExchangeEnd, ExchangeResult, Intent, LedgerCursor, LedgerEntry,
    NewCachedTokens, Outcome, Presentation, Purpose, PurposeKind, Settled, Successor, TokenState,
};

/// By when it came, however late it is stored: what is ahead of a restored database is told from what came later by this.
pub(in crate::store) async fn know_successor(
    c: &mut Connection,
    token: i64,
    successor: &Successor,
) -> Result<(), StoreError> {
    let know = query(sql::KNOW).bind(token).bind(&successor.hash[..]).bind(Stamp(successor.issued_at));
    bounded(know.execute(c)).await?;
    Ok(())
}

pub(in crate::store) async fn ledger(
    c: &mut Connection,
    (merchant, user): (&str, &str),
    before: Option<LedgerCursor>,
    limit: u32,
) -> Result<Vec<LedgerEntry>, StoreError> {
    let ledger = query(sql::LEDGER)
        .bind(merchant)
        .bind(user)
        .bind(before.map(|place| place.generation))
        .bind(before.map(|place| place.presentation))
        .bind(i64::from(limit));
    let rows = bounded(ledger.fetch_all(c)).await?;
    rows.iter()
        .map(|row| {
            Ok(LedgerEntry {
                exchange: row.id("id")?,
                place: LedgerCursor { generation: row.int("generation")?, presentation: row.int("presentation")? },
                purpose: PurposeKind::from_word(&row.text("purpose")?)?,
                purpose_ref: row.opt_id("purpose_ref")?,
                worker: row.opt_text("worker")?,
                opened_at: row.time("opened_at")?,
                closed_at: row.opt_time("closed_at")?,
                outcome: row.opt_text("outcome")?.map(|word| Outcome::from_word(&word)).transpose()?,
            })
        })
        .collect()
}

/// Claims a user's token, where the engine has locks for that (whether it is ours now comes first), and reads it with the
/// ledger of its present generation. `None` where there is no row.
pub(in crate::store) async fn claimed(
    c: &mut Connection,
    now: Now,
    merchant: &str,
    user: &str,
) -> Result<Option<(bool, ClaimedToken)>, StoreError> {
    let rows = bounded(query(sql::CLAIM).bind(merchant).bind(user).bind(now).fetch_all(c)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let token = ClaimedToken {
        id: row.int("id")?,
        generation: row.int("generation")?,
        state: TokenState::from_word(&row.text("state")?)?,
        reason: row.opt_text("reason")?.map(|word| DeadReason::from_word(&word)).transpose()?,
        sealed: row.opt_bytes("sealed")?,
        issued_at: row.opt_time("issued_at")?,
        expires_at: row.opt_time("expires_at")?,
        refresh_due_at: row.opt_time("refresh_due_at")?,
        subject: row.opt_bytes("subject")?,
        answer_lost: row.flag("answer_lost")?,
        presentations: rows.iter().filter_map(|row| presentation(row).transpose()).collect::<Result<_, _>>()?,
        now: row.time("now")?,
    };
    Ok(Some((row.flag("claimed")?, token)))
}

/// `None` in the one row of a generation that was never presented.
fn presentation(row: &Row) -> Result<Option<Presentation>, StoreError> {
    let Some(exchange) = row.opt_id("exchange")? else { return Ok(None) };
    Ok(Some(Presentation {
        exchange,
        number: row.int("presentation")?,
        outcome: row.opt_text("outcome")?.map(|word| Outcome::from_word(&word)).transpose()?,
        travelling: row.flag("travelling")?,
        closed_at: row.opt_time("closed_at")?,
        holder: row.id("holder")?,
        holder_silent: row.opt_int("holder_silent")?.map(from_micros),
    }))
}

/// Sees to it that an intent can never be acted on.
pub(in crate::store) async fn void_intent(c: &mut Connection, now: Now, intent: &Intent) -> Result<(), StoreError> {
    match bounded(bind_intent(sql::VOID_INTENT, intent).bind(now).execute(c)).await {
        // Another exchange took the presentation's place: a late commit of this one will be refused.
        Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

pub(in crate::store) fn bind_intent<'q>(statement: &'static str, intent: &'q Intent) -> super::Query<'q> {
    query(statement)
        .bind(intent.exchange)
        .bind(intent.token)
        .bind(intent.generation)
        .bind(intent.presentation)
        .bind(intent.purpose.kind.as_str())
        .bind(intent.purpose.id)
        .bind(intent.holder)
}

pub(in crate::store) async fn open_intents(
    c: &mut Connection,
    holder: Uuid,
) -> Result<Vec<(String, Intent)>, StoreError> {
    let rows = bounded(query(sql::OPEN_INTENTS).bind(holder).fetch_all(c)).await?;
    rows.iter()
        .map(|row| {
            let intent = Intent {
                exchange: row.id("id")?,
                token: row.int("token_id")?,
                generation: row.int("generation")?,
                presentation: row.int("presentation")?,
                purpose: Purpose {
                    kind: PurposeKind::from_word(&row.text("purpose")?)?,
                    id: row.opt_id("purpose_ref")?.unwrap_or_default(),
                },
                holder: row.id("holder")?,
            };
            Ok((row.text("merchant")?, intent))
        })
        .collect()
}

/// Closes an intent that nobody will close; with `hold` the token waits for an operator.
pub(in crate::store) async fn close_orphan(
    c: &mut Connection,
    now: Now,
    exchange: Uuid,
    (token, generation): (i64, i64),
    hold: bool,
) -> Result<(), StoreError> {
    no_answer(c, now, exchange, (token, generation), true, hold).await
}

/// Writes an exchange's end within the caller's transaction. Calling it again for the same exchange changes nothing.
pub(in crate::store) async fn settle(c: &mut Connection, now: Now, end: &ExchangeEnd) -> Result<Settled, StoreError> {
    let row = (end.token, end.generation);
    match &end.result {
        ExchangeResult::Rotated(successor) => return rotated(c, now, end, successor).await,
        ExchangeResult::Unchanged => {
            bounded(query(sql::STILL_GOOD).bind(row.0).bind(row.1).bind(now).execute(&mut *c)).await?;
            if end.kept.is_some() {
                bounded(query(sql::SEEN).bind(row.0).bind(row.1).bind(now).execute(&mut *c)).await?;
            }
            keep(c, row, end.kept.as_ref()).await?;
            close(c, now, end.exchange, Outcome::Unchanged, false).await?;
        }
        ExchangeResult::Rejected(reason) => {
            let dead = query(sql::DEAD).bind(row.0).bind(row.1).bind(end.exchange).bind(reason.as_str()).bind(now);
            bounded(dead.execute(&mut *c)).await?;
            close(c, now, end.exchange, Outcome::Rejected, false).await?;
        }
        // The token is as it was, whoever's it is by now: nothing to be told apart.
        ExchangeResult::NotSent | ExchangeResult::Refused => {
            let not_sent = matches!(end.result, ExchangeResult::NotSent);
            let outcome = if not_sent { Outcome::NotSent } else { Outcome::Refused };
            close(c, now, end.exchange, outcome, false).await?;
            return Ok(Settled::Written);
        }
        ExchangeResult::NoAnswer { travelling, hold } => {
            no_answer(c, now, end.exchange, row, *travelling, *hold).await?;
        }
    }
    let state = bounded(query(sql::STATE_OF_GENERATION).bind(row.0).bind(row.1).fetch_optional(c)).await?;
    let word = state.map(|row| row.text("state")).transpose()?;
    let state = word.map(|word| TokenState::from_word(&word)).transpose()?;
    let stands = match &end.result {
        ExchangeResult::Rejected(_) => state == Some(TokenState::ReauthRequired),
        ExchangeResult::NoAnswer { hold: true, .. } => state == Some(TokenState::Uncertain),
        _ => state.is_some(),
    };
    Ok(if stands { Settled::Written } else { Settled::Superseded })
}

/// Binds what the statements that store a successor have in common: the row with a generation, the exchange, and the successor.
pub(in crate::store) fn placed<'q>(
    statement: &'static str,
    now: Now,
    (token, generation): (i64, i64),
    exchange: Uuid,
    successor: &'q Successor,
) -> super::Query<'q> {
    query(statement)
        .bind(token)
        .bind(generation)
        .bind(exchange)
        .bind(&successor.sealed)
        .bind(Stamp(successor.issued_at))
        .bind(Stamp(successor.expires_at))
        .bind(now)
        .bind(successor.refresh_due_at.map(Stamp))
}

/// Stores a successor where the generation is still the one presented, and closes the intent either way.
async fn rotated(
    c: &mut Connection,
    now: Now,
    end: &ExchangeEnd,
    successor: &Successor,
) -> Result<Settled, StoreError> {
    let store = placed(sql::STORE_SUCCESSOR, now, (end.token, end.generation), end.exchange, successor);
    // Only orders keep something.
    let store = store.bind(end.kept.is_some());
    let stored = bounded(store.execute(&mut *c)).await?.rows_affected();
    if stored == 0 {
        let before = query(sql::STORED_BEFORE).bind(end.token).bind(end.exchange);
        if bounded(before.fetch_optional(&mut *c)).await?.is_some() {
            return Ok(Settled::Written);
        }
        let intended = query(sql::IS_INTENDED).bind(end.token).bind(end.exchange);
        if bounded(intended.fetch_optional(&mut *c)).await?.is_none() {
            return ahead::store(c, now, end, successor).await;
        }
    } else {
        one_row("storing a successor", stored)?;
        // The kept row belongs to the generation just made.
        keep(c, (end.token, end.generation + 1), end.kept.as_ref()).await?;
    }
    know_successor(c, end.token, successor).await?;
    let outcome = if stored == 1 { Outcome::Rotated } else { Outcome::Superseded };
    close(c, now, end.exchange, outcome, false).await?;
    Ok(if stored == 1 { Settled::Written } else { Settled::Superseded })
}

async fn no_answer(
    c: &mut Connection,
    now: Now,
    exchange: Uuid,
    (token, generation): (i64, i64),
    travelling: bool,
    hold: bool,
) -> Result<(), StoreError> {
    let told = if hold { sql::HOLD } else { sql::REPLAY_DUE };
    bounded(query(told).bind(token).bind(generation).bind(exchange).bind(now).execute(&mut *c)).await?;
    close(c, now, exchange, Outcome::NoAnswer, travelling).await
}

async fn close(
    c: &mut Connection,
    now: Now,
    exchange: Uuid,
    outcome: Outcome,
    travelling: bool,
) -> Result<(), StoreError> {
    let close = query(sql::CLOSE).bind(exchange).bind(outcome.as_str()).bind(travelling).bind(now);
    bounded(close.execute(c)).await?;
    Ok(())
}

pub(in crate::store) async fn keep(
    c: &mut Connection,
    (token, generation): (i64, i64),
    kept: Option<&NewCachedTokens>,
) -> Result<(), StoreError> {
    let Some(kept) = kept else { return Ok(()) };
    let keep = query(sql::KEEP)
        .bind(kept.purpose)
        .bind(token)
        .bind(generation)
        .bind(&kept.sealed)
        .bind(Stamp(kept.received_at))
        .bind(Stamp(kept.good_until));
    bounded(keep.execute(c)).await?;
    Ok(())
}

pub(in crate::store) async fn cached_tokens(
    c: &mut Connection,
    now: Now,
    purpose: Uuid,
) -> Result<Option<CachedTokens>, StoreError> {
    let row = bounded(query(sql::KEPT).bind(purpose).bind(now).fetch_optional(c)).await?;
    row.map(|row| {
        Ok(CachedTokens {
            sealed: row.bytes("sealed")?,
            received_at: row.time("received_at")?,
            good_until: row.time("good_until")?,
            now: row.time("now")?,
            subject: row.opt_bytes("subject")?,
        })
    })
    .transpose()
}

pub(in crate::store) async fn delete_kept(c: &mut Connection, purpose: Uuid) -> Result<(), StoreError> {
    bounded(query(sql::DELETE_KEPT).bind(purpose).execute(c)).await?;
    Ok(())
}

pub(in crate::store) async fn delete_lapsed(c: &mut Connection, now: Now) -> Result<(), StoreError> {
    bounded(query(sql::DELETE_LAPSED).bind(now).execute(c)).await?;
    Ok(())
}
