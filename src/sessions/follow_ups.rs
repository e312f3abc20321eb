//! Makes calls about submitted orders in the background.
//!
//! A push of Klarna says that a shopper has paid an order, and carries no trust: the order is read
//! at Klarna, what became of it is stored (the shop's webhook event is written with it), and then
//! it is acknowledged. Klarna repeats a push until then, for two days. An order that Checkout does
//! not know any more is read in order management, if that could not be asked at once. An order
//! whose user was erased is aborted, and so is one that had ended otherwise or got another body
//! here before Klarna's answer arrived. While an operator has paused the orders of a merchant, they
//! wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;

use super::refresh::{split_read, state_after_read};
use super::{NotMade, Sessions, answered};
use crate::clock::since_boot;
use crate::config::Merchant;
use crate::ids::{MerchantName, UserId};
use crate::klarna::session::SessionAnswer;
use crate::meter;
use crate::order::{OrderId, SessionPhase, Target};
use crate::pauses::{PauseKind, Pauses};
use crate::queue::{work_by_group, work_on_groups};
use crate::store::{ClaimedFollowUp, FollowUp, FollowUps, Retried, StoreError};

/// How often the database is asked for due follow-ups.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How many follow-ups of one merchant are worked on at a time.
const AT_ONCE: u32 = 8;
/// How far a claim moves the due time: longer than any attempt.
const LEASE: Duration = Duration::from_mins(1);
/// The waits after failed attempts. Later ones are like the last, until two days are over.
const WAITS: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(30), Duration::from_mins(5), LONGEST];
const LONGEST: Duration = Duration::from_mins(30);

/// Makes the calls. Any number of processes may do so at once.
pub struct FollowUpWorker {
    store: Arc<dyn FollowUps>,
    sessions: Sessions,
    pauses: Pauses,
    in_flight: InFlight,
}

/// How many merchants' follow-ups a process works on. Clones share the number.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    /// Whether none is worked on. What was due before this is asked is done, or due later.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }

    fn begin(&self) -> Work {
        self.0.fetch_add(1, Ordering::SeqCst);
        Work(self.clone())
    }
}

/// Work on the follow-ups of one merchant, until it is dropped.
struct Work(InFlight);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What became of a follow-up.
enum Handled {
    /// Its calls are done, or nothing more can be done. The order that was acknowledged.
    Done(Option<OrderId>),
    /// Try again: a text for logs.
    Failed(String),
}

impl FollowUpWorker {
    /// Creates it.
    #[must_use]
    pub fn new(store: Arc<dyn FollowUps>, sessions: Sessions, pauses: Pauses) -> Self {
        Self { store, sessions, pauses, in_flight: InFlight::default() }
    }

    /// What this process works on.
    #[must_use]
    pub fn in_flight(&self) -> InFlight {
        self.in_flight.clone()
    }

    /// Works on what is due, and asks again every second. Dropping the future loses nothing: what
    /// was claimed is due again after a minute.
    pub async fn run(self) {
        let later = |error: &StoreError| {
            tracing::warn!(%error, "Follow-ups could not be read or written; the next try follows");
        };
        work_by_group(POLL_INTERVAL, || self.due(), |merchant| self.handle_of(merchant), later).await;
    }

    /// Works on what is due now, and returns how many attempts it made.
    ///
    /// # Errors
    /// If the store fails. What was not stored is tried again.
    pub async fn handle_due(&self) -> Result<usize, StoreError> {
        work_on_groups(self.due().await?, |merchant| self.handle_of(merchant)).await
    }

    /// Returns the merchants that have due follow-ups. Another process may know the others; what no
    /// process has done in two days, because none knows its merchant, is given up.
    async fn due(&self) -> Result<Vec<MerchantName>, StoreError> {
        let mut known = Vec::new();
        for name in self.store.due_follow_ups().await? {
            if self.sessions.merchants.contains_key(&name) {
                known.push(name);
            } else {
                self.drop_lapsed(&name).await?;
            }
        }
        Ok(known)
    }

    async fn drop_lapsed(&self, merchant: &MerchantName) -> Result<(), StoreError> {
        let calls = self.store.delete_lapsed_follow_ups(merchant).await?;
        if calls > 0 {
            tracing::error!(
                merchant = merchant.as_str(),
                calls,
                what = "no process has the merchant in its settings",
                "Calls about submitted orders were not made in two days and are given up"
            );
        }
        Ok(())
    }

    /// Makes some calls of the merchant that are due, unless its orders are paused, and returns how
    /// many.
    async fn handle_of(&self, merchant: MerchantName) -> Result<usize, StoreError> {
        if !self.pauses.allow(PauseKind::Orders, &merchant, since_boot()) {
            return Ok(0);
        }
        let Some(merchant) = self.sessions.merchants.get(&merchant) else { return Ok(0) };
        // Before the claim: what is claimed is not due.
        let _work = self.in_flight.begin();
        let claimed = self.store.claim_follow_ups(&merchant.name, AT_ONCE, LEASE).await?;
        for handled in join_all(claimed.iter().map(|follow_up| self.attempt(&merchant, follow_up))).await {
            handled?;
        }
        Ok(claimed.len())
    }

    async fn attempt(&self, merchant: &Merchant, follow_up: &ClaimedFollowUp) -> Result<(), StoreError> {
        let (name, klarna_id, kind) =
            (merchant.name.as_str(), follow_up.klarna_id.as_str(), follow_up.kind.as_str());
        let what = match self.handle(merchant, follow_up).await? {
            Handled::Done(acknowledged) => {
                self.store.end_follow_up(follow_up, acknowledged).await?;
                meter::follow_up(&merchant.name, kind, "done");
                if follow_up.kind != FollowUp::Abort {
                    self.sessions.renew(&merchant.name).await?;
                }
                return Ok(());
            }
            Handled::Failed(what) => what,
        };
        meter::follow_up(&merchant.name, kind, "failed");
        let pause = wait(follow_up.attempts, rand::random());
        match self.store.retry_follow_up(follow_up, pause, &what).await? {
            Retried::Again => tracing::warn!(
                merchant = name,
                kind,
                klarna_id,
                what,
                "A call about a submitted order failed; the next try follows"
            ),
            Retried::GivenUp => {
                meter::follow_up(&merchant.name, kind, "given_up");
                tracing::error!(
                    merchant = name,
                    kind,
                    klarna_id,
                    what,
                    "A call about a submitted order failed for two days and is given up"
                );
            }
            Retried::ClaimLost => {}
        }
        Ok(())
    }

    async fn handle(&self, merchant: &Merchant, follow_up: &ClaimedFollowUp) -> Result<Handled, StoreError> {
        match follow_up.kind {
            FollowUp::Push => self.pushed(merchant, follow_up).await,
            FollowUp::Read => self.left_checkout(merchant, &follow_up.klarna_id).await,
            FollowUp::Abort => Ok(self.abort(merchant, &follow_up.klarna_id).await),
        }
    }

    /// Aborts an order. One that is paid, or that Klarna does not know any more, needs no more.
    async fn abort(&self, merchant: &Merchant, klarna_id: &str) -> Handled {
        let call = self.sessions.client.abort(merchant, klarna_id);
        // The order's user may be erased.
        let user = UserId::from(klarna_id);
        match self.sessions.call(merchant, Target::Checkout, &user, call).await {
            Ok(SessionAnswer::Refused { status, .. }) => {
                tracing::info!(klarna_id, status, "Klarna aborts an order no more");
                Handled::Done(None)
            }
            answer => match answer.map_err(NotMade::for_storage).and_then(answered) {
                Ok(_) => Handled::Done(None),
                Err(error) => Handled::Failed(error.message),
            },
        }
    }

    /// Reads an order that Checkout does not know any more.
    async fn left_checkout(&self, merchant: &Merchant, klarna_id: &str) -> Result<Handled, StoreError> {
        let sessions = &self.sessions;
        let found = sessions.store.order_of_klarna(&merchant.name, klarna_id, None).await?;
        let order = match found {
            Some(found) => sessions.orders.order(found.order).await?,
            None => None,
        };
        // It was erased or deleted meanwhile.
        let Some(order) = order else { return Ok(Handled::Done(None)) };
        let call = sessions.client.read_paid(merchant, klarna_id);
        match sessions
            .call_management(merchant, &order.user, call)
            .await
            .map_err(NotMade::for_storage)
            .and_then(answered)
        {
            Ok(read) => {
                let (session, _) = state_after_read(read, sessions.clock.now(), &order);
                sessions.store.note_session(order.id, klarna_id, &session, None, None).await?;
                Ok(Handled::Done(None))
            }
            Err(error) => Ok(Handled::Failed(error.message)),
        }
    }

    async fn pushed(&self, merchant: &Merchant, push: &ClaimedFollowUp) -> Result<Handled, StoreError> {
        let (sessions, klarna_id) = (&self.sessions, push.klarna_id.as_str());
        // The order's user is not known yet.
        let user = UserId::from(klarna_id);
        let call = sessions.client.read_paid(merchant, klarna_id);
        let read = match sessions
            .call_management(merchant, &user, call)
            .await
            .map_err(NotMade::for_storage)
            .and_then(answered)
        {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(Handled::Failed("Klarna has no paid order with this id".to_owned())),
            Err(error) => return Ok(Handled::Failed(error.message)),
        };
        let reference = read.merchant_reference2.as_deref().and_then(|id| id.parse::<OrderId>().ok());
        let Some(found) = sessions.store.order_of_klarna(&merchant.name, klarna_id, reference).await? else {
            tracing::warn!(
                merchant = merchant.name.as_str(),
                klarna_id,
                "Klarna pushed an order that is not known here; it is not acknowledged"
            );
            return Ok(Handled::Done(None));
        };
        let (mut session, _) = split_read(read, sessions.clock.now());
        if session.phase == SessionPhase::Open {
            return Ok(Handled::Failed(format!("the order is not paid: {}", session.status)));
        }
        if found.klarna_id != klarna_id {
            tracing::warn!(
                order = %found.order,
                klarna_id,
                other = found.klarna_id,
                "Klarna has created an order twice, and the shopper has paid the other one"
            );
            session.other_klarna_order_id = Some(klarna_id.to_owned());
        }
        // Before it is acknowledged: Klarna pushes no more then.
        let pushed_at = Some(push.recorded_at);
        sessions.store.note_session(found.order, &found.klarna_id, &session, None, pushed_at).await?;
        if session.phase != SessionPhase::Completed {
            return Ok(Handled::Done(None));
        }
        let call = sessions.client.acknowledge(merchant, klarna_id);
        match sessions
            .call_management(merchant, &user, call)
            .await
            .map_err(NotMade::for_storage)
            .and_then(answered)
        {
            Ok(_) => {
                tracing::info!(order = %found.order, klarna_id, "A paid order was acknowledged");
                Ok(Handled::Done(Some(found.order)))
            }
            Err(error) => Ok(Handled::Failed(format!("not acknowledged: {}", error.message))),
        }
    }
}

/// The wait after a failed attempt, after `before` others that failed, randomly up to a tenth
/// shorter or longer. `unit` is a random number from 0 to 1.
fn wait(before: i64, unit: f64) -> Duration {
    let wait = usize::try_from(before).ok().and_then(|before| WAITS.get(before)).copied().unwrap_or(LONGEST);
    wait.mul_f64(0.9 + 0.2 * unit.clamp(0.0, 1.0))
}
