//! Stores the end of an attempt at an order.

use super::engine::{Connection, Engine, Now, Query};
use super::{Claim, LateResult, StoreError, StoredEnd, json};
use crate::order::{Disposition, TokenOutcome};

/// Returns whether the order ends with this disposition.
pub(super) fn ends_order(disposition: &Disposition) -> bool {
    matches!(disposition, Disposition::Submitted { .. } | Disposition::Failed { .. })
}

/// The row of a submitted order, as far as its result changes it. Its texts are as they were
/// received: `Query::bind` replaces what cannot be stored, and whoever binds arrays of them has to
/// do so too.
pub(super) struct SubmittedRow {
    pub(super) claim: Claim,
    pub(super) klarna_id: String,
    pub(super) result: Option<String>,
    pub(super) correlation_id: Option<String>,
    pub(super) token: &'static str,
    /// The filled fields as JSON.
    pub(super) prefilled: String,
    pub(super) target: &'static str,
}

impl SubmittedRow {
    /// Returns `None` if the attempt did not submit its order.
    pub(super) fn new(claim: &Claim, disposition: &Disposition) -> Result<Option<Self>, StoreError> {
        let Disposition::Submitted { klarna_id, target, result, correlation_id, token, prefilled } =
            disposition
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            claim: *claim,
            klarna_id: klarna_id.clone(),
            result: result.as_ref().map(|result| result.to_text().into_owned()),
            correlation_id: correlation_id.clone(),
            token: token.as_str(),
            prefilled: json(prefilled)?,
            target: target.as_str(),
        }))
    }

    /// Binds the claim, the time and the result as the first ten parameters of a statement.
    pub(super) fn bind<'c, E: Engine>(&self, query: Query<'c, E>, now: Now) -> Query<'c, E> {
        by_claim(query, now, &self.claim)
            .bind(&self.klarna_id)
            .bind(&self.result)
            .bind(&self.correlation_id)
            .bind(self.token)
            .bind(&self.prefilled)
            .bind(self.target)
    }
}

/// Stores the end of an attempt that did not submit its order: an engine writes a [`SubmittedRow`]
/// by itself. Returns `None`, and writes nothing, if the claim no longer holds.
pub(super) async fn settle<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: &Claim,
    disposition: &Disposition,
) -> Result<Option<StoredEnd>, StoreError> {
    let settle = match disposition {
        Disposition::Submitted { .. } => {
            return Err(StoreError::Unreadable("a result that the engine writes by itself".into()));
        }
        Disposition::Failed { error, token, prefilled } => {
            by_claim(c.query(E::STATEMENTS.orders.failed), now, claim)
                .bind(&json(error)?)
                .bind(token.map(TokenOutcome::as_str))
                .bind(&json(prefilled)?)
                .bind(i64::from(disposition.counts()))
        }
        Disposition::Retry { after, error, possible_duplicate, token_waited } => {
            by_claim(c.query(E::STATEMENTS.orders.retry), now, claim)
                .bind(*after)
                .bind(&json(error)?)
                .bind(*possible_duplicate)
                .bind(*token_waited)
        }
        Disposition::Snooze { after, error, token_waited, waits } => {
            by_claim(c.query(E::STATEMENTS.orders.snooze), now, claim)
                .bind(*after)
                .bind(&error.as_ref().map(json).transpose()?)
                .bind(*token_waited)
                .bind(&waits.iter().next().map(|_| json(waits)).transpose()?)
        }
    };
    // All rows, or SQLite would leave out what follows the statement that returns the row.
    settle.fetch_all().await?.first().map(StoredEnd::read).transpose()
}

/// Ends an order with a result whose claim was lost; `false` where the order has ended otherwise,
/// its body was changed since, or a later claim is about to send it.
pub(super) async fn settle_late<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    late: &LateResult,
    submitted: &Disposition,
) -> Result<bool, StoreError> {
    let Some(row) = SubmittedRow::new(&late.claim, submitted)? else { return Ok(false) };
    let settle = row.bind(c.query(E::STATEMENTS.orders.submitted_late), now);
    if settle.bind(late.possible_duplicate).fetch_optional().await?.is_some() {
        E::delete_cached_of(c, &[late.claim.order]).await?;
        return Ok(true);
    }
    // This result, stored by an earlier try.
    let same = c.query(E::STATEMENTS.orders.is_submitted_as).bind(late.claim.order).bind(&row.klarna_id);
    Ok(same.fetch_optional().await?.is_some())
}

/// Returns whether a late result that was not stored is to be stored again: the order has not
/// ended, so a later claim is about to send it, and that claim may end without a result.
pub(super) async fn may_take_late<E: Engine>(
    c: &mut Connection<'_, E>,
    claim: &Claim,
) -> Result<bool, StoreError> {
    let open = c.query(E::STATEMENTS.orders.may_take_late).bind(claim.order).bind(claim.number);
    Ok(open.fetch_optional().await?.is_some())
}

/// Binds a claim and the time as the first four parameters of a statement.
fn by_claim<'c, E: Engine>(query: Query<'c, E>, now: Now, claim: &Claim) -> Query<'c, E> {
    query.bind(claim.order).bind(claim.worker).bind(claim.number).bind(now)
}
