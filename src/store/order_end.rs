//! Stores the end of an attempt at an order.

use super::engine::{Connection, Engine, Now, Query};
use super::{Claim, StoreError, json};
use crate::order::{Disposition, OrderResult, TokenOutcome};

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
        Disposition::Submitted { klarna_id, target, result, correlation_id, token, prefilled } => {
            by_claim(c, E::STATEMENTS.orders.submitted, now, claim)
                .bind(klarna_id)
                .bind(result.as_ref().map(OrderResult::to_text).as_deref())
                .bind(correlation_id)
                .bind(token.as_str())
                .bind(&json(prefilled)?)
                .bind(target.as_str())
        }
        Disposition::Failed { error, token, prefilled } => by_claim(c, E::STATEMENTS.orders.failed, now, claim)
            .bind(&json(error)?)
            .bind(token.map(TokenOutcome::as_str))
            .bind(&json(prefilled)?),
        Disposition::Retry { after, error, possible_duplicate } => by_claim(c, E::STATEMENTS.orders.retry, now, claim)
            .bind(*after)
            .bind(&json(error)?)
            .bind(*possible_duplicate),
        Disposition::Snooze { after, error } => by_claim(c, E::STATEMENTS.orders.snooze, now, claim)
            .bind(*after)
            .bind(&error.as_ref().map(json).transpose()?),
    };
    Ok(settle.fetch_optional().await?.is_some())
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
