//! Reads what has become of a submitted order at Klarna.

use chrono::{DateTime, TimeDelta, Utc};

use super::{NotMade, Sessions, answered, unknown_merchant};
use crate::ids::MerchantName;
use crate::klarna::session::SessionRead;
use crate::order::{KlarnaState, OrderError, OrderResult, OrderView, SessionPhase, Status, Target};
use crate::store::StoreError;

/// How long an order or session can be paid after its creation or last change. A shopper's visit
/// prolongs it too, so only Klarna knows.
const GOOD_FOR: TimeDelta = TimeDelta::hours(48);

/// Klarna's word for an order or session that it does not know any more.
const NOT_FOUND: &str = "not_found";

/// Why it is not known what became of an order, before the reason.
const LEFT_CHECKOUT: &str =
    "the order has left Checkout, and order management does not say what became of it";

/// An order after it was read at Klarna.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The order, with what Klarna said. As it was, if nothing could be read.
    pub order: OrderView,
    /// Why nothing could be read.
    pub error: Option<OrderError>,
}

impl Refreshed {
    /// Whether nobody can pay the order any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.order.session.as_ref().is_some_and(|session| session.phase == SessionPhase::Ended)
    }
}

impl Sessions {
    /// Whether a submitted order is to be read at Klarna before its key is answered: its session
    /// has been there for as long as Klarna keeps one that nobody touches, or nothing is kept for
    /// the shopper.
    #[must_use]
    pub fn is_to_be_read(&self, order: &OrderView) -> bool {
        let Some(submitted_at) = order.ended_at.filter(|_| order.status == Status::Submitted) else {
            return false;
        };
        let phase = order.session.as_ref().map(|session| session.phase);
        phase.is_none_or(|phase| phase == SessionPhase::Open)
            && (order.result.is_none() || self.clock.now() - submitted_at >= GOOD_FOR)
    }

    /// Reads the order or session of a submitted order at Klarna once, and stores what Klarna says.
    /// An order that is not submitted is returned as it is. A store that fails changes nothing for
    /// the caller: the next call reads again.
    pub async fn refresh(&self, order: OrderView) -> Refreshed {
        let (Status::Submitted, Some(klarna_id)) = (order.status, order.klarna_id.clone()) else {
            return Refreshed { order, error: None };
        };
        let Some(merchant) = self.merchants.get(&order.merchant) else {
            return Refreshed { order, error: Some(unknown_merchant()) };
        };
        let target = order.target.unwrap_or(merchant.target);
        let call = self.client.read(&merchant, target, &klarna_id);
        let call = self.call(&merchant, target, &order.user, call);
        let mut read = call.await.map_err(NotMade::for_caller).and_then(answered);
        if target == Target::Checkout && matches!(read, Ok(None)) {
            // A completed order leaves Checkout after a while. Order management has it then.
            let call = self.client.read_paid(&merchant, &klarna_id);
            let call = self.call_management(&merchant, &order.user, call);
            let managed = call.await.map_err(NotMade::for_caller).and_then(answered);
            read = self.managed(&merchant.name, &klarna_id, managed).await;
        }
        let read = match read {
            Ok(read) => read,
            Err(error) => return Refreshed { order, error: Some(error) },
        };
        Refreshed { order: self.noted(order, &klarna_id, read).await, error: None }
    }

    /// Takes what order management said of an order that has left Checkout. If it said nothing, the
    /// order is read again in the background; if it did, calls about other orders that were given
    /// up may work, too.
    async fn managed(
        &self,
        merchant: &MerchantName,
        klarna_id: &str,
        read: Result<Option<SessionRead>, OrderError>,
    ) -> Result<Option<SessionRead>, OrderError> {
        let noted = match &read {
            Ok(_) => self.renew(merchant).await,
            Err(_) => self.follow_ups.record_read(merchant, klarna_id).await,
        };
        if let Err(error) = noted {
            tracing::warn!(klarna_id, %error, "What order management said of an order could not be noted");
        }
        read.map_err(|error| {
            let why = format!("{LEFT_CHECKOUT}: {}", error.message);
            OrderError { message: why, ..error }
        })
    }

    /// Tries what was given up for a merchant again, because order management answers.
    pub(super) async fn renew(&self, merchant: &MerchantName) -> Result<(), StoreError> {
        let calls = self.follow_ups.renew_follow_ups(merchant).await?;
        if calls > 0 {
            tracing::info!(
                merchant = merchant.as_str(),
                calls,
                "Order management answers; calls that were given up are tried again"
            );
        }
        Ok(())
    }

    /// Stores what was read, and returns the order with it.
    async fn noted(&self, mut order: OrderView, klarna_id: &str, read: Option<SessionRead>) -> OrderView {
        let (session, result) = state_after_read(read, self.clock.now(), &order);
        match self.store.note_session(order.id, klarna_id, &session, result.as_ref(), None).await {
            Ok(true) => {}
            // Another read has found its end, or the order was erased.
            Ok(false) => return order,
            Err(error) => {
                tracing::warn!(order = %order.id, %error, "What Klarna said of an order could not be stored");
            }
        }
        order.result = result.or(order.result);
        order.session = Some(session);
        order
    }
}

/// Returns what is known of an order after it was read; `None` if Klarna does not know it any more.
pub(super) fn state_after_read(
    read: Option<SessionRead>,
    read_at: DateTime<Utc>,
    order: &OrderView,
) -> (KlarnaState, Option<OrderResult>) {
    match read {
        Some(read) => split_read(read, read_at),
        None => (gone(read_at, order.session.as_ref()), None),
    }
}

/// Separates what Klarna said of an order or session from what the shop gets for the shopper's
/// browser.
pub(super) fn split_read(read: SessionRead, read_at: DateTime<Utc>) -> (KlarnaState, Option<OrderResult>) {
    let phase = read.phase();
    let SessionRead { status, order_amount, purchase_currency, merchant_reference1, result, .. } = read;
    let status = status.unwrap_or_else(|| "unknown".to_owned());
    let session = KlarnaState {
        phase,
        status,
        read_at,
        other_klarna_order_id: None,
        order_amount,
        purchase_currency,
        merchant_reference1,
    };
    (session, result)
}

/// What is known of an order or session that Klarna does not know any more. One that was completed
/// stays so: Klarna may forget it, too.
fn gone(read_at: DateTime<Utc>, last: Option<&KlarnaState>) -> KlarnaState {
    match last {
        Some(last) if last.phase == SessionPhase::Completed => KlarnaState { read_at, ..last.clone() },
        _ => KlarnaState {
            phase: SessionPhase::Ended,
            status: NOT_FOUND.to_owned(),
            read_at,
            other_klarna_order_id: None,
            order_amount: last.and_then(|last| last.order_amount),
            purchase_currency: last.and_then(|last| last.purchase_currency.clone()),
            merchant_reference1: last.and_then(|last| last.merchant_reference1.clone()),
        },
    }
}
