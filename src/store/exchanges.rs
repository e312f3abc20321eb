//! Reads a token under its claim, its ledger and its cached tokens, and voids intents.

use uuid::Uuid;

use super::StoreError;
use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Query};
use crate::ids::{MerchantName, Provider, PurposeId, UserKey, WorkerId};
use crate::token::{
    CachedFor, CachedTokens, ClaimedToken, DeadReason, Intent, LedgerCursor, LedgerEntry, Outcome,
    Presentation, Purpose, PurposeKind, Standing, Stop, TokenState,
};

/// Returns the ledger of a user's token, newest first.
pub(super) async fn ledger<E: Engine>(
    c: &mut Connection<'_, E>,
    key: &UserKey,
    before: Option<LedgerCursor>,
    limit: u32,
) -> Result<Vec<LedgerEntry>, StoreError> {
    let ledger = c
        .query(E::STATEMENTS.tokens.ledger)
        .bind_user(key)
        .bind(before.map(|cursor| cursor.generation))
        .bind(before.map(|cursor| cursor.presentation))
        .bind(limit);
    ledger.fetch_all().await?.iter().map(ledger_entry).collect()
}

fn ledger_entry(row: &impl Columns) -> Result<LedgerEntry, StoreError> {
    Ok(LedgerEntry {
        exchange: row.id("id")?,
        cursor: LedgerCursor { generation: row.int("generation")?, presentation: row.presentation_number()? },
        purpose: PurposeKind::from_word(&row.text("purpose")?)?,
        purpose_ref: row.opt_id("purpose_ref")?,
        worker: row.opt_text("worker")?,
        opened_at: row.time("opened_at")?,
        closed_at: row.opt_time("closed_at")?,
        outcome: row.opt_text("outcome")?.map(|word| Outcome::from_word(&word)).transpose()?,
        cause: row.opt_text("cause")?,
    })
}

/// The result of the statement that claims and reads a token.
pub(super) struct Read {
    /// Whether the caller got the lock. Always true on an engine without such locks.
    pub(super) ours: bool,
    pub(super) token: ClaimedToken,
}

/// Reads a user's token with the ledger of its present generation: a row for each presentation,
/// latest first. `None` if there is no row.
pub(super) fn claimed(rows: &[impl Columns]) -> Result<Option<Read>, StoreError> {
    let Some(row) = rows.first() else { return Ok(None) };
    let token = ClaimedToken {
        version: row.version("id")?,
        grant_generation: row.int("grant_generation")?,
        state: TokenState::from_word(&row.text("state")?)?,
        reason: row.opt_text("reason")?.map(|word| DeadReason::from_word(&word)).transpose()?,
        sealed: row.opt_bytes("sealed")?,
        provider: row.provider("provider")?,
        standing: standing(row)?,
        issued_at: row.opt_time("issued_at")?,
        expires_at: row.opt_time("expires_at")?,
        refresh_due_at: row.opt_time("refresh_due_at")?,
        subject: row.opt_bytes("subject")?,
        answer_lost: row.flag("answer_lost")?,
        presentations: rows
            .iter()
            .filter_map(|row| presentation(row).transpose())
            .collect::<Result<_, _>>()?,
        now: row.time("now")?,
    };
    Ok(Some(Read { ours: row.flag("claimed")?, token }))
}

fn standing(row: &impl Columns) -> Result<Standing, StoreError> {
    let probes = u32::try_from(row.opt_int("probes")?.unwrap_or_default()).unwrap_or_default();
    let stop = row.opt_time("probe_at")?.map(|probe_at| Stop { probe_at, probes });
    Ok(Standing { proven: row.flag("proven")?, stop })
}

/// Reads a presentation. `None` if the generation was never presented; it then has one row without
/// a presentation.
fn presentation(row: &impl Columns) -> Result<Option<Presentation>, StoreError> {
    let Some(exchange) = row.opt_id("exchange")? else { return Ok(None) };
    Ok(Some(Presentation {
        exchange,
        number: row.presentation_number()?,
        outcome: row.opt_text("outcome")?.map(|word| Outcome::from_word(&word)).transpose()?,
        travelling: row.flag("travelling")?,
        closed_at: row.opt_time("closed_at")?,
        holder: row.id("holder")?,
        holder_heartbeats: row.opt_int("holder_heartbeats")?,
    }))
}

/// Makes sure that an intent whose commit is in doubt is never acted on.
pub(super) async fn void_intent<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    intent: &Intent,
) -> Result<(), StoreError> {
    match bind_intent(c.query(E::STATEMENTS.tokens.void_intent), intent).bind(now).execute().await {
        // Another exchange has the same presentation number, so a late commit of this intent will
        // be refused.
        Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Binds an intent as the next seven parameters of a statement.
pub(super) fn bind_intent<'c, E: Engine>(query: Query<'c, E>, intent: &Intent) -> Query<'c, E> {
    query
        .bind(intent.exchange)
        .bind_version(intent.version)
        .bind(intent.presentation)
        .bind(intent.purpose.kind.as_str())
        .bind(intent.purpose.id)
        .bind(intent.holder)
}

/// Returns the open intents of a worker, each with the merchant of its token.
pub(super) async fn open_intents<E: Engine>(
    c: &mut Connection<'_, E>,
    holder: WorkerId,
) -> Result<Vec<(MerchantName, Intent)>, StoreError> {
    let rows = c.query(E::STATEMENTS.tokens.open_intents).bind(holder).fetch_all().await?;
    rows.iter().map(|row| Ok((row.merchant()?, intent(row)?))).collect()
}

fn intent(row: &impl Columns) -> Result<Intent, StoreError> {
    let kind = PurposeKind::from_word(&row.text("purpose")?)?;
    Ok(Intent {
        exchange: row.id("id")?,
        version: row.version("token_id")?,
        presentation: row.presentation_number()?,
        purpose: Purpose { kind, id: row.opt_id("purpose_ref")?.unwrap_or(Uuid::nil().into()) },
        holder: row.id("holder")?,
    })
}

/// Returns the tokens that are cached for an order or a vend of a user.
pub(super) async fn cached_tokens<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    purpose: PurposeId,
    key: &UserKey,
    provider: Provider,
) -> Result<Option<CachedTokens>, StoreError> {
    let tokens = c.query(E::STATEMENTS.tokens.cached).bind(purpose).bind_user(key).bind(&provider).bind(now);
    let row = tokens.fetch_optional().await?;
    row.as_ref().map(|row| cached(row, &key.merchant, provider)).transpose()
}

/// Returns the cached tokens of a user's present grant that are valid for longest.
pub(super) async fn newest_cached<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    key: &UserKey,
    provider: Provider,
) -> Result<Option<CachedTokens>, StoreError> {
    let newest = c.query(E::STATEMENTS.tokens.newest_cached).bind_user(key).bind(&provider).bind(now);
    let row = newest.fetch_optional().await?;
    row.as_ref().map(|row| cached(row, &key.merchant, provider)).transpose()
}

/// Reads cached tokens. Merchant and provider are those that the caller asked for, whatever the row
/// says.
fn cached(
    row: &impl Columns,
    merchant: &MerchantName,
    provider: Provider,
) -> Result<CachedTokens, StoreError> {
    let cached_for = CachedFor {
        purpose: row.id("purpose_ref")?,
        merchant: merchant.clone(),
        token: row.token("token_id")?,
        grant_generation: row.int("grant_generation")?,
        provider,
    };
    Ok(CachedTokens {
        cached_for,
        sealed: row.bytes("sealed")?,
        received_at: row.time("received_at")?,
        good_until: row.time("good_until")?,
        now: row.time("now")?,
        subject: row.opt_bytes("subject")?,
    })
}

/// Deletes the tokens that are cached for an order.
pub(super) async fn delete_cached<E: Engine>(
    c: &mut Connection<'_, E>,
    purpose: PurposeId,
) -> Result<(), StoreError> {
    c.query(E::STATEMENTS.tokens.delete_cached).bind(purpose).execute().await?;
    Ok(())
}
