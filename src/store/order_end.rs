//! How an attempt at an order ended, and writing that down.

use super::engine::{Connection, Engine, Now, Query};
use super::{Claim, StoreError, json};
use crate::order::{Disposition, TokenOutcome};

/// Whether the order has come to its end.
pub(super) fn ends_order(settlement: &Disposition) -> bool {
    matches!(settlement, Disposition::Submitted { .. } | Disposition::Failed { .. })
}

/// A submitted order, as its row has it.
pub(super) struct SubmittedOrder<'a> {
    pub(super) claim: &'a Claim,
    pub(super) klarna_order_id: &'a str,
    pub(super) html_snippet: Option<&'a str>,
    pub(super) correlation_id: Option<&'a str>,
    pub(super) token: &'static str,
    /// A JSON list.
    pub(super) prefilled: String,
}

impl<'a> SubmittedOrder<'a> {
    /// `None` of an attempt that did not submit its order.
    pub(super) fn of(claim: &'a Claim, disposition: &'a Disposition) -> Result<Option<Self>, StoreError> {
        let Disposition::Submitted { klarna_order_id, html_snippet, correlation_id, token, prefilled } = disposition
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            claim,
            klarna_order_id,
            html_snippet: html_snippet.as_deref(),
            correlation_id: correlation_id.as_deref(),
            token: token.as_str(),
            prefilled: json(prefilled)?,
        }))
    }
}

/// Writes how an attempt ended; `false` where the claim no longer holds.
pub(super) async fn settle<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    claim: &Claim,
    disposition: &Disposition,
) -> Result<bool, StoreError> {
    if let Some(submitted) = SubmittedOrder::of(claim, disposition)? {
        return Ok(!E::submitted(c, now, &[submitted]).await?.is_empty());
    }
    let settle = match disposition {
        Disposition::Submitted { .. } => return Ok(false),
        Disposition::Failed { error, token } => by_claim(c, E::STATEMENTS.orders.failed, now, claim)
            .bind(&json(error)?)
            .bind(token.map(TokenOutcome::as_str)),
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

/// A statement with a claim and the time as its first four parameters.
pub(super) fn by_claim<'c, E: Engine>(
    c: &'c mut Connection<'_, E>,
    statement: &'static str,
    now: Now,
    claim: &Claim,
) -> Query<'c, E> {
    c.query(statement).bind(claim.order).bind(claim.worker).bind(claim.number).bind(now)
}
