//! The end of an attempt at an order, and what is stored of it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns::Columns;
use super::{Claim, StoreError, from_json, json};
use crate::ids::UserId;
use crate::order::{Disposition, OrderResult, OrderView, Status};
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
    /// The order has ended otherwise, or its body was changed after the claim, so what Klarna
    /// created is to be aborted there.
    Aborts,
    /// Nothing was stored, and nothing is decided: a later claim is about to send the order. The
    /// result is to be stored again, until that claim has ended.
    Undecided,
    /// Nothing was stored: Klarna's result is not wanted, and the order's target knows no abort.
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
    /// Returns the end of an order after its last attempt was stored. `None` if the order has not
    /// ended.
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
