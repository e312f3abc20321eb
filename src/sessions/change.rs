//! Changes the body of an order: while it is queued, in its row; once it is submitted, at Klarna.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tracing::Instrument as _;

use super::refresh::split_read;
use super::{CALL, NotMade, Refreshed, Sessions, answered, unknown_merchant};
use crate::clock::since_boot;
use crate::ids::MerchantName;
use crate::klarna::create::request;
use crate::klarna::http::GRACE_PERIOD;
use crate::klarna::session::SessionAnswer;
use crate::order::{Body, OrderError, OrderId, OrderView, SessionPhase, Status};
use crate::pauses::PauseKind;
use crate::store::{BodyChange, ChangeBegun, StoreError, UpdateClaim};

/// How soon after the order is claimed its change is sent, or else not at all.
const SEND_WITHIN: Duration = Duration::from_secs(3);

/// How long one request of a change may take here, until nobody waits for its answer any more.
const LONGEST_CALL: Duration = CALL.saturating_add(GRACE_PERIOD);

/// How long a request without an answer may then take to arrive at Klarna.
const ARRIVAL: Duration = Duration::from_secs(10);

/// How long a submitted order is claimed for a change. An earlier change must not overtake a later
/// one, so no later one is sent while a request of the earlier may still arrive. A change sends up
/// to two requests: if Klarna refuses one set of the merchant's credentials, the other one follows.
/// The last of them is sent, at the latest, when the first one has taken its whole time.
const LEASE: Duration = SEND_WITHIN.saturating_add(LONGEST_CALL.saturating_mul(2)).saturating_add(ARRIVAL);

/// When to try again if a worker runs the order.
const SOON: Duration = Duration::from_secs(1);

/// When to try again at the latest while orders are paused.
const WHILE_PAUSED: Duration = Duration::from_mins(1);

/// Why an order was not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotChanged {
    /// It does not exist.
    #[error("there is no order with this id")]
    Missing,
    /// It has another version.
    #[error("the order has version {0} by now: get it, and change that version")]
    OtherVersion(i64),
    /// A worker runs it, or another change is under way. It can be tried again after this time.
    #[error("the order is being submitted or changed at the moment: try again")]
    Busy(Duration),
    /// It cannot be changed any more.
    #[error("the order {0}")]
    Over(&'static str),
    /// Its body was deleted.
    #[error("the order's body was deleted (retention.bodies): submit a new order")]
    BodyGone,
    /// An operator has paused the orders of its merchant. Repeat the same change after this time.
    #[error("an operator has paused the orders of {merchant}: {reason}; repeat the same request later")]
    Paused {
        /// The merchant.
        merchant: MerchantName,
        /// Why, in the operator's words.
        reason: String,
        /// When to try again.
        wait: Duration,
    },
    /// Klarna refuses the change. Nothing was changed.
    #[error("{}", .0.message)]
    Refused(OrderError),
    /// Klarna could not be asked, or did not answer. Repeat the same change after this time.
    #[error("{}; repeat the same request", .0.message)]
    Unavailable(OrderError, Duration),
    /// The store failed. Repeat the same change.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Sessions {
    /// Replaces the body of an order, if it still has this version (`None`: whatever it has).
    /// `body` has passed the rules of the order's target. The change goes on if the caller stops
    /// waiting. A change that was made already, because it is repeated, succeeds.
    ///
    /// # Errors
    /// Why it was not changed.
    pub async fn change(
        &self,
        order: OrderId,
        version: Option<i64>,
        body: Body,
    ) -> Result<OrderView, NotChanged> {
        let sessions = self.clone();
        let changing = async move { sessions.change_now(order, version, &body).await };
        let interrupted = |_| NotChanged::Store(StoreError::Unavailable("the process ends".into()));
        tokio::spawn(changing.in_current_span()).await.map_err(interrupted)?
    }

    async fn change_now(
        &self,
        order: OrderId,
        version: Option<i64>,
        body: &Body,
    ) -> Result<OrderView, NotChanged> {
        let change = BodyChange { order, version, body };
        // Before the claim, which the database begins a moment later.
        let begun = since_boot();
        let (claim, found) = match self.store.begin_change(change, LEASE).await? {
            ChangeBegun::Done(order) => return Ok(order),
            ChangeBegun::AtKlarna(claim, order) => (claim, order),
            ChangeBegun::OtherVersion(version) => return Err(NotChanged::OtherVersion(version)),
            ChangeBegun::Busy(wait) => return Err(NotChanged::Busy(wait.unwrap_or(SOON).max(SOON))),
            ChangeBegun::Over(status, phase) => return Err(NotChanged::Over(why_over(status, phase))),
            ChangeBegun::BodyGone => return Err(NotChanged::BodyGone),
            ChangeBegun::Missing => return Err(NotChanged::Missing),
        };
        if let Err(paused) = self.is_allowed(&found.merchant).await {
            self.store.release_change(claim).await?;
            return Err(paused);
        }
        self.update(claim, begun, found, body).await
    }

    /// Checks that no operator has paused the orders of a merchant. The database is asked: a
    /// process that serves the API alone keeps no copy of the pauses.
    async fn is_allowed(&self, merchant: &MerchantName) -> Result<(), NotChanged> {
        let pauses = self.pausing.pauses().await?;
        let of_orders = pauses.into_iter().filter(|pause| pause.stops(PauseKind::Orders, merchant));
        // The one that lasts longest.
        let Some(pause) = of_orders.max_by_key(|pause| pause.until.unwrap_or(DateTime::<Utc>::MAX_UTC))
        else {
            return Ok(());
        };
        let left = pause.until.and_then(|until| (until - pause.read_at).to_std().ok());
        let wait = left.unwrap_or(WHILE_PAUSED).clamp(SOON, WHILE_PAUSED);
        Err(NotChanged::Paused { merchant: merchant.clone(), reason: pause.reason, wait })
    }

    /// Updates an order at Klarna that is claimed since `begun`, since boot.
    async fn update(
        &self,
        claim: UpdateClaim,
        begun: Duration,
        order: OrderView,
        body: &Body,
    ) -> Result<OrderView, NotChanged> {
        let answer = self.send_update(&order, begun + SEND_WITHIN, body).await;
        let may_arrive = matches!(answer, Ok(SessionAnswer::Unavailable { may_arrive: true, .. }));
        let is_refused = matches!(answer, Ok(SessionAnswer::Refused { .. }));
        let is_read_only = matches!(answer, Ok(SessionAnswer::Refused { status: 403, .. }));
        match answer.and_then(answered) {
            Ok(Some(read)) => {
                // An answer without a body says nothing of the session.
                let has_status = read.status.is_some();
                let (session, result) = split_read(read, self.clock.now());
                let session = Some(session).filter(|_| has_status);
                let ended = self.store.end_change(claim, body, session.as_ref(), result.as_ref());
                if !ended.await? {
                    return Err(NotChanged::Busy(SOON));
                }
                tracing::info!(order = %order.id, "A submitted order was changed at Klarna");
                let changed = self.orders.order(order.id).await?;
                changed.ok_or(NotChanged::Missing)
            }
            Err(why) if !is_read_only => {
                if !may_arrive {
                    self.store.release_change(claim).await?;
                }
                let left = LEASE.saturating_sub(since_boot().saturating_sub(begun)).max(SOON);
                let wait = if may_arrive { left } else { SOON };
                Err(if is_refused { NotChanged::Refused(why) } else { NotChanged::Unavailable(why, wait) })
            }
            // Klarna does not know it any more, or it is paid.
            Ok(None) | Err(_) => {
                self.store.release_change(claim).await?;
                let Refreshed { order, error } = self.refresh(order).await;
                let phase = order.session.map(|session| session.phase);
                match (phase, error) {
                    (_, Some(error)) => Err(NotChanged::Unavailable(error, SOON)),
                    (phase, None) => Err(NotChanged::Over(why_over(Status::Submitted, phase))),
                }
            }
        }
    }

    async fn send_update(
        &self,
        order: &OrderView,
        latest: Duration,
        body: &Body,
    ) -> Result<SessionAnswer, OrderError> {
        let merchant = self.merchants.get(&order.merchant).ok_or_else(unknown_merchant)?;
        let target = order.target.unwrap_or(merchant.target);
        let klarna_id = order.klarna_id.as_deref().unwrap_or_default();
        let json = request::build(body, order.id, None, None).json;
        let call = self.client.update(&merchant, target, klarna_id, json);
        let answer = self.call_by(latest, &merchant, target, &order.user, call).await;
        answer.map_err(NotMade::for_caller)
    }
}

fn why_over(status: Status, phase: Option<SessionPhase>) -> &'static str {
    match (status, phase) {
        (Status::Failed, _) => "has failed: submit a new order",
        (Status::Cancelled, _) => "was cancelled: submit a new order",
        (_, Some(SessionPhase::Completed)) => "is completed at Klarna: it cannot be changed any more",
        (_, Some(SessionPhase::Ended)) => "has ended at Klarna: submit a new order",
        _ => "cannot be changed at Klarna: submit a new order",
    }
}
