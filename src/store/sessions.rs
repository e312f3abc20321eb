//! The storage trait for changes of orders' bodies, and for what Klarna says of submitted orders.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore};
use super::order_insert::bind_summary;
use super::orders::view;
use super::{StoreError, from_micros, json};
use crate::ids::MerchantName;
use crate::order::{Body, KlarnaState, OrderId, OrderResult, OrderView, SessionPhase, Status, Summary};

/// A change of an order's body.
#[derive(Clone, Copy, Debug)]
pub struct BodyChange<'a> {
    /// The order.
    pub order: OrderId,
    /// Change nothing unless the order has this version. `None`: any.
    pub version: Option<i64>,
    /// The new body.
    pub body: &'a Body,
}

/// A change of a submitted order that is under way at Klarna.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateClaim {
    /// The order.
    pub order: OrderId,
    /// The number of the change, which rises by one with each.
    pub number: i64,
}

/// What became of a change when it was begun.
#[derive(Clone, Debug)]
pub enum ChangeBegun {
    /// It is done: the order is queued with the new body, or had this body already.
    Done(OrderView),
    /// The order is submitted, and is to be updated at Klarna. Until then it is claimed.
    AtKlarna(UpdateClaim, OrderView),
    /// The order has another version.
    OtherVersion(i64),
    /// A worker runs the order, or another change of it is under way: try again after this time, if
    /// it is known.
    Busy(Option<Duration>),
    /// The order cannot be changed any more: this status, or this phase at Klarna.
    Over(Status, Option<SessionPhase>),
    /// Retention has deleted its body.
    BodyGone,
    /// There is no such order.
    Missing,
}

/// An order that Klarna means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderOfKlarna {
    /// Our id of it.
    pub order: OrderId,
    /// Klarna's id of the order that we know.
    pub klarna_id: String,
}

/// Storage for changes of orders' bodies, and for what Klarna says of submitted orders.
#[async_trait]
pub trait KlarnaSessions: Send + Sync {
    /// Stores what was read of the order or session `klarna_id`, and the result for the shopper's
    /// browser where the order still has its earlier one. `pushed_at`: when Klarna pushed it, if it
    /// was read because of that. The first such time stays, and so does the first time it was read
    /// as completed. Returns `false`, and writes nothing, if the order has another id by now, or if
    /// it is known to be completed or ended and this says otherwise.
    async fn note_session(
        &self,
        order: OrderId,
        klarna_id: &str,
        session: &KlarnaState,
        result: Option<&OrderResult>,
        pushed_at: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError>;

    /// Finds the submitted Checkout order of a merchant that Klarna means: the one with Klarna's
    /// id, or else the one that `reference` names, for which Klarna then has created two.
    async fn order_of_klarna(
        &self,
        merchant: &MerchantName,
        klarna_id: &str,
        reference: Option<OrderId>,
    ) -> Result<Option<OrderOfKlarna>, StoreError>;

    /// Replaces the body of a queued order, or claims a submitted one for `lease`, so that its
    /// caller can update it at Klarna.
    async fn begin_change(&self, change: BodyChange<'_>, lease: Duration) -> Result<ChangeBegun, StoreError>;

    /// Ends a change that Klarna has taken, with what Klarna said. Returns `false`, and writes
    /// nothing, if the claim is over. Body and result are stored only where retention has not
    /// deleted the earlier ones.
    async fn end_change(
        &self,
        claim: UpdateClaim,
        body: &Body,
        session: Option<&KlarnaState>,
        result: Option<&OrderResult>,
    ) -> Result<bool, StoreError>;

    /// Releases the claim of a change that was not made.
    async fn release_change(&self, claim: UpdateClaim) -> Result<(), StoreError>;
}

#[async_trait]
impl<E: Engine> KlarnaSessions for SqlStore<E> {
    async fn note_session(
        &self,
        order: OrderId,
        klarna_id: &str,
        session: &KlarnaState,
        result: Option<&OrderResult>,
        pushed_at: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let session_json = json(session)?;
        let result = result.map(OrderResult::to_text);
        let noted = self
            .write(async |c| {
                let note = c.query(E::STATEMENTS.sessions.note).bind(order).bind(klarna_id);
                let note = note.bind(session.phase.as_str()).bind(&session_json).bind(result.as_deref());
                Ok(note.bind(self.now()).bind(pushed_at).fetch_optional().await?.is_some())
            })
            .await?;
        if noted {
            // There may be a webhook to send.
            self.engine.notify_settled(&[order]);
        }
        Ok(noted)
    }

    async fn order_of_klarna(
        &self,
        merchant: &MerchantName,
        klarna_id: &str,
        reference: Option<OrderId>,
    ) -> Result<Option<OrderOfKlarna>, StoreError> {
        self.read(async |c| {
            let by_id = c.query(E::STATEMENTS.sessions.by_klarna_id).bind(merchant).bind(klarna_id);
            if let Some(row) = by_id.fetch_optional().await? {
                return Ok(Some(OrderOfKlarna { order: row.id("id")?, klarna_id: klarna_id.to_owned() }));
            }
            let Some(order) = reference else { return Ok(None) };
            let by_reference = c.query(E::STATEMENTS.sessions.is_of_merchant).bind(order).bind(merchant);
            let Some(row) = by_reference.fetch_optional().await? else { return Ok(None) };
            Ok(row.opt_text("klarna_id")?.map(|klarna_id| OrderOfKlarna { order, klarna_id }))
        })
        .await
    }

    async fn begin_change(&self, change: BodyChange<'_>, lease: Duration) -> Result<ChangeBegun, StoreError> {
        self.transaction(async |c| begin(c, self.now(), change, lease).await).await
    }

    async fn end_change(
        &self,
        claim: UpdateClaim,
        body: &Body,
        session: Option<&KlarnaState>,
        result: Option<&OrderResult>,
    ) -> Result<bool, StoreError> {
        let session_json = session.map(json).transpose()?;
        let result = result.map(OrderResult::to_text);
        self.write(async |c| {
            let end = c.query(E::STATEMENTS.sessions.end_update).bind(claim.order).bind(claim.number);
            let end = end.bind(body.as_str()).bind(result.as_deref());
            let end = end.bind(session.map(|session| session.phase.as_str())).bind(session_json.as_deref());
            let end = bind_summary(end.bind(self.now()), &Summary::of(body));
            Ok(end.fetch_optional().await?.is_some())
        })
        .await
    }

    async fn release_change(&self, claim: UpdateClaim) -> Result<(), StoreError> {
        self.write(async |c| {
            let release = c.query(E::STATEMENTS.sessions.release_update).bind(claim.order);
            release.bind(claim.number).execute().await.map(drop)
        })
        .await
    }
}

async fn begin<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    change: BodyChange<'_>,
    lease: Duration,
) -> Result<ChangeBegun, StoreError> {
    let BodyChange { order, version, body } = change;
    let replace = c.query(E::STATEMENTS.sessions.replace_body).bind(order).bind(version).bind(body.as_str());
    let replaced = bind_summary(replace, &Summary::of(body)).fetch_optional().await?.is_some();
    let Some(found) = view(c, order).await? else { return Ok(ChangeBegun::Missing) };
    if replaced {
        return Ok(ChangeBegun::Done(found));
    }
    let claim = c.query(E::STATEMENTS.sessions.begin_update).bind(order).bind(version);
    let claim = claim.bind(found.klarna_id.as_deref()).bind(now).bind(lease).fetch_optional().await?;
    if let Some(claimed) = claim {
        let claim = UpdateClaim { order, number: claimed.int("update_claim")? };
        return Ok(ChangeBegun::AtKlarna(claim, found));
    }
    let row = c.query(E::STATEMENTS.sessions.changeable).bind(order).bind(now).fetch_optional().await?;
    let Some(row) = row else { return Ok(ChangeBegun::Missing) };
    let (present, wait) = (row.opt_text("body")?, row.opt_int("wait")?);
    if let Some(version) = version.filter(|version| *version != found.version) {
        // A repeated request whose answer was lost.
        let is_repeated = found.version == version + 1 && present.as_deref() == Some(body.as_str());
        return Ok(if is_repeated {
            ChangeBegun::Done(found)
        } else {
            ChangeBegun::OtherVersion(found.version)
        });
    }
    let phase = found.session.as_ref().map(|session| session.phase);
    Ok(match found.status {
        Status::Failed | Status::Cancelled => ChangeBegun::Over(found.status, None),
        Status::Submitted if phase.is_some_and(|phase| phase != SessionPhase::Open) => {
            ChangeBegun::Over(found.status, phase)
        }
        Status::Queued | Status::Submitted if present.is_none() => ChangeBegun::BodyGone,
        Status::Queued | Status::Running | Status::Submitted => ChangeBegun::Busy(wait.map(from_micros)),
    })
}
