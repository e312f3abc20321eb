//! Stores the end of an attempt at an order.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Query};
use super::{Claim, StoreError, from_json, json};
use crate::ids::UserId;
use crate::order::{Disposition, OrderResult, OrderView, Status, TokenOutcome};
use crate::received::storable;

/// A result of Klarna under a claim that may be lost by now.
#[derive(Clone, Debug)]
pub struct LateResult {
    /// The claim under which the order was sent.
    pub claim: Claim,
    /// Whether the order might have been at Klarna before this claim.
    pub possible_duplicate: bool,
}

/// What became of a result of Klarna whose claim was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettledLate {
    /// The order has it.
    Stored,
    /// The order has ended otherwise, or its body was changed after the claim, so what Klarna created is to
    /// be aborted there.
    Aborts,
    /// Nothing was stored: a later claim is about to send the order, or Klarna's result is not wanted and the
    /// order's target knows no abort.
    Dropped,
}

/// What the row has after the end of an attempt was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEnd {
    /// The order's user, who may have been renamed during the attempt.
    pub user: UserId,
    /// When the order ended; `None` if it is tried again.
    pub ended_at: Option<DateTime<Utc>>,
}

impl StoredEnd {
    pub(super) fn read(row: &impl Columns) -> Result<Self, StoreError> {
        Ok(Self { user: row.user()?, ended_at: row.opt_time("ended_at")? })
    }
}

/// The end of an order, as its row has it.
#[derive(Clone, Debug)]
pub struct OrderEnd {
    user: UserId,
    ended_at: DateTime<Utc>,
    /// [`Disposition::Submitted`] or [`Disposition::Failed`], with the texts that were stored.
    disposition: Disposition,
}

impl OrderEnd {
    /// Returns the end of an order after its last attempt was stored. `None` if the order has not ended.
    #[must_use]
    pub fn new(disposition: &Disposition, stored: &StoredEnd) -> Option<Self> {
        let disposition = match disposition {
            Disposition::Submitted { klarna_id, target, result, correlation_id, token, prefilled } => {
                let text = |result: &OrderResult| storable(&result.to_text()).into_owned();
                Disposition::Submitted {
                    klarna_id: storable(klarna_id).into_owned(),
                    target: *target,
                    result: result.as_ref().and_then(|result| OrderResult::from_text(*target, text(result))),
                    correlation_id: correlation_id.as_deref().map(|id| storable(id).into_owned()),
                    token: *token,
                    prefilled: as_stored(prefilled)?,
                }
            }
            Disposition::Failed { error, token, prefilled } => Disposition::Failed {
                error: as_stored(error)?,
                token: *token,
                prefilled: as_stored(prefilled)?,
            },
            Disposition::Retry { .. } | Disposition::Snooze { .. } => return None,
        };
        Some(Self { user: stored.user.clone(), ended_at: stored.ended_at?, disposition })
    }

    /// Returns the order as its row has it now. `order` is how it was during its last attempt.
    #[must_use]
    pub fn of(&self, order: OrderView) -> OrderView {
        let (user, ended_at, attempts) =
            (self.user.clone(), Some(self.ended_at), order.attempts + i64::from(self.disposition.counts()));
        let order = OrderView { user, ended_at, attempts, ..order };
        match self.disposition.clone() {
            Disposition::Submitted { klarna_id, target, result, correlation_id, token, prefilled } => {
                let (target, klarna_id, token) = (Some(target), Some(klarna_id), Some(token));
                let (status, error) = (Status::Submitted, None);
                OrderView {
                    target,
                    status,
                    token,
                    prefilled,
                    klarna_id,
                    result,
                    correlation_id,
                    error,
                    ..order
                }
            }
            Disposition::Failed { error, token, prefilled } => {
                let (status, error) = (Status::Failed, Some(error));
                OrderView { status, token, prefilled, error, ..order }
            }
            Disposition::Retry { .. } | Disposition::Snooze { .. } => order,
        }
    }
}

/// Returns a value as it is read back from its column.
fn as_stored<T: Serialize + DeserializeOwned>(value: &T) -> Option<T> {
    from_json("", &json(value).ok()?).ok()
}

/// Returns whether the order ends with this disposition.
pub(super) fn ends_order(disposition: &Disposition) -> bool {
    matches!(disposition, Disposition::Submitted { .. } | Disposition::Failed { .. })
}

/// The row of a submitted order, as far as its result changes it. Its texts are as they were received: `Query::bind`
/// replaces what cannot be stored, and whoever binds arrays of them has to do so too.
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

/// Stores the end of an attempt that did not submit its order: an engine writes a [`SubmittedRow`] by itself.
/// Returns `None`, and writes nothing, if the claim no longer holds.
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

/// Ends an order with a result whose claim was lost; `false` where the order has ended otherwise, its body
/// was changed since, or a later claim is about to send it.
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

/// Binds a claim and the time as the first four parameters of a statement.
fn by_claim<'c, E: Engine>(query: Query<'c, E>, now: Now, claim: &Claim) -> Query<'c, E> {
    query.bind(claim.order).bind(claim.worker).bind(claim.number).bind(now)
}
