//! Stores the end of an attempt at an order.

use super::engine::{Connection, Engine, Now, Query};
use super::{Claim, StoreError, json};
use crate::order::{Disposition, OrderResult, TokenOutcome};

/// A result of Klarna under a claim that may be lost by now.
#[derive(Clone, Debug)]
pub struct LateResult {
    /// The claim under which the order was sent.
    pub claim: Claim,
    /// Whether the order might have been at Klarna before this claim.
    pub possible_duplicate: bool,
}

/// Returns whether the order ends with this disposition.
pub(super) fn ends_order(settlement: &Disposition) -> bool {
    matches!(settlement, Disposition::Submitted { .. } | Disposition::Failed { .. })
}

/// Stores the end of an attempt. Returns `false`, and writes nothing, if the claim no longer holds.
pub(super) async fn settle<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: &Claim,
    disposition: &Disposition,
) -> Result<bool, StoreError> {
    let settle = match disposition {
        Disposition::Submitted { .. } => {
            by_result(c, E::STATEMENTS.orders.submitted, now, claim, disposition)?
        }
        Disposition::Failed { error, token, prefilled } => {
            by_claim(c, E::STATEMENTS.orders.failed, now, claim)
                .bind(&json(error)?)
                .bind(token.map(TokenOutcome::as_str))
                .bind(&json(prefilled)?)
        }
        Disposition::Retry { after, error, possible_duplicate } => {
            by_claim(c, E::STATEMENTS.orders.retry, now, claim)
                .bind(*after)
                .bind(&json(error)?)
                .bind(*possible_duplicate)
        }
        Disposition::Snooze { after, error } => by_claim(c, E::STATEMENTS.orders.snooze, now, claim)
            .bind(*after)
            .bind(&error.as_ref().map(json).transpose()?),
    };
    Ok(settle.fetch_optional().await?.is_some())
}

/// Ends an order with a result whose claim was lost; `false` where the order has ended otherwise, or
/// a later claim is about to send it.
pub(super) async fn settle_late<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    late: &LateResult,
    submitted: &Disposition,
) -> Result<bool, StoreError> {
    let Disposition::Submitted { klarna_id, .. } = submitted else { return Ok(false) };
    let settle = by_result(c, E::STATEMENTS.orders.submitted_late, now, &late.claim, submitted)?;
    if settle.bind(late.possible_duplicate).fetch_optional().await?.is_some() {
        E::delete_cached_of(c, &[late.claim.order]).await?;
        return Ok(true);
    }
    // This result, stored by an earlier try.
    let same = c.query(E::STATEMENTS.orders.is_submitted_as).bind(late.claim.order).bind(klarna_id);
    Ok(same.fetch_optional().await?.is_some())
}

/// Binds a claim, the time and Klarna's result as the first ten parameters of a statement.
fn by_result<'c, E: Engine>(
    c: &'c mut Connection<'_, E>,
    statement: &'static str,
    now: Now,
    claim: &Claim,
    submitted: &Disposition,
) -> Result<Query<'c, E>, StoreError> {
    let Disposition::Submitted { klarna_id, target, result, correlation_id, token, prefilled } = submitted
    else {
        return Err(StoreError::Unreadable("a result that is none".into()));
    };
    Ok(by_claim(c, statement, now, claim)
        .bind(klarna_id)
        .bind(result.as_ref().map(OrderResult::to_text).as_deref())
        .bind(correlation_id)
        .bind(token.as_str())
        .bind(&json(prefilled)?)
        .bind(target.as_str()))
}

/// Binds a claim and the time as the first four parameters of a statement.
fn by_claim<'c, E: Engine>(
    c: &'c mut Connection<'_, E>,
    statement: &'static str,
    now: Now,
    claim: &Claim,
) -> Query<'c, E> {
    c.query(statement).bind(claim.order).bind(claim.worker).bind(claim.number).bind(now)
}
