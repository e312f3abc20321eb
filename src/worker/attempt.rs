//! Runs one attempt at one order.

mod end;
mod token;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::time::timeout;
use tracing::Instrument;
use zeroize::Zeroizing;

use self::end::{count, log_end};
use super::announcing::{announce, may_send};
use super::disposition::{call_outcome, disposition, past_deadline};
use super::results::ResultSpool;
use super::settle::{Stored, settle};
use super::spans::{spans, trace};
use crate::breaker::CircuitBreakers;
use crate::clock::since_boot;
use crate::config::{CredentialSet, Live, Merchant, Merchants};
use crate::crash;
use crate::delivery::Waiters;
use crate::ids::ClaimNumber;
use crate::intake::check_row;
use crate::klarna::breakers::{TargetBreakers, admit_unless_open};
use crate::klarna::create::request::{self, Built};
use crate::klarna::create::{Called, CreateAnswer, CreateClient};
use crate::klarna::order_error::with_kind;
use crate::meter;
use crate::order::{Body, Disposition, ErrorCode, OrderError, Prefill, Rejection, Target};
use crate::queue::{Handler, HeartbeatMonitor, Slot};
use crate::store::{Claim, ClaimedOrder, Orders};
use crate::token::{Purpose, PurposeKind};
use crate::vault::{AccessToken, Shopper, Vault};

/// How long an order waits if its create call may not be sent now: the worker has no recent
/// heartbeat, could not announce the call, or has an access token that has expired.
const NOT_NOW: Duration = Duration::from_secs(1);
/// How long an order waits if its merchant is not in this process's settings, which claims none of
/// such orders.
const NO_MERCHANT: Duration = Duration::from_secs(30);
/// How long an order that is sent once more without prefilled fields waits for Klarna's limit or
/// the rate.
const SECOND_CALL: Duration = Duration::from_secs(10);
/// How long an attempt waits at most, beside the storing of its result, until the user's shopper is
/// noted.
const NOTE: Duration = Duration::from_millis(250);

/// Runs orders: gets the token, fills in fields, submits, and records the result.
pub struct OrderHandler {
    /// Where results are stored.
    pub store: Arc<dyn Orders>,
    /// The merchants in the settings, by name.
    pub merchants: Live<Merchants>,
    /// Where access tokens come from.
    pub vault: Vault,
    /// The client for the create call of each target.
    pub klarna: CreateClient,
    /// The circuit breakers and rate limits of the create calls.
    pub breakers: TargetBreakers,
    /// Tells the age of this worker's last heartbeat.
    pub heartbeats: HeartbeatMonitor,
    /// Where results wait that the database does not take.
    pub results: ResultSpool,
    /// The requests that wait for orders in this process.
    pub waiters: Waiters,
    /// The setting `vault.token_patience`.
    pub token_patience: Duration,
}

#[async_trait]
impl Handler<ClaimedOrder> for OrderHandler {
    async fn run(&self, order: ClaimedOrder, slot: &mut Slot) {
        let (begun, here) = (since_boot(), self.waiters.run_here(order.claim.order, order.inserted.clone()));
        if order.claim.number == ClaimNumber::FIRST {
            meter::pickup(&order.merchant, (order.claimed_at - order.due_at).to_std().unwrap_or_default());
        }
        let (run, span) = spans(&order);
        async {
            let merchants = self.merchants.now();
            let mut found = Found::default();
            let end = self.attempt(&order, &merchants, slot, &mut found).await;
            let disposition = end.unwrap_or_else(|early| *early).having_waited(found.waited);
            let disposition = disposition.having_taken(since_boot().saturating_sub(begun));
            trace(&run, &disposition);
            // It is polled before the end, so that both go into the same commit.
            let noted = self.note(&order, found.shopper.as_ref());
            let settled = settle(&*self.store, &self.results, &order, &disposition, &here);
            let ((), stored) = tokio::join!(noted, settled);
            crash::point("order_recorded");
            match stored {
                Stored::Written => {
                    log_end(&disposition);
                    let target = order.target.or_else(|| Some(merchants.get(&order.merchant)?.target));
                    count(&order, target, &disposition, since_boot().saturating_sub(begun));
                }
                Stored::ClaimLost => {
                    tracing::warn!("Another worker has reclaimed this order; nothing was stored");
                }
                Stored::InSpool => {
                    tracing::warn!("An order's result is left in the spool; the next start stores it");
                }
                Stored::Left => tracing::warn!("An order that was not sent is left to the next start"),
            }
        }
        .instrument(span)
        .instrument(run.clone())
        .await;
    }
}

/// The result of an attempt that ends before the create-order call.
type EarlyEnd = Box<Disposition>;

/// What an attempt notes beside its result: the time that the order waited for its token, and the
/// user's shopper.
#[derive(Default)]
struct Found {
    /// How long the order waited for its token.
    waited: Duration,
    /// The user's shopper.
    shopper: Option<Shopper>,
}

impl OrderHandler {
    async fn attempt(
        &self,
        order: &ClaimedOrder,
        merchants: &Merchants,
        slot: &mut Slot,
        found: &mut Found,
    ) -> Result<Disposition, EarlyEnd> {
        if let Some(why) = &order.unreadable {
            let message = format!("{why}; the order cannot be run, and must be submitted anew");
            let error = OrderError::new(ErrorCode::UnreadableRow, message);
            return Err(Box::new(Disposition::Failed { error, token: None, prefilled: Prefill::default() }));
        }
        if order.claimed_at >= order.deadline_at {
            return Err(Box::new(past_deadline(order)));
        }
        // A reload has removed it after the claim.
        let merchant = merchants.get(&order.merchant).ok_or_else(|| {
            Box::new(waits(order, NO_MERCHANT, "a process whose settings have its merchant"))
        })?;
        if order.unchecked {
            check_row(merchants, order).map_err(|rejection| Box::new(invalid(rejection)))?;
        }
        let target = order.target.unwrap_or(merchant.target);
        let breakers = self.breakers.of(target);
        // Check this before a token is spent on an order that cannot be submitted.
        if let Some(wait) = breakers.wait(&order.merchant, since_boot()) {
            return Err(Box::new(paused(order, breakers, wait)));
        }
        let body = Body::parsed_before(&order.body)
            .map_err(|rejection| Box::new(invalid(under_order(rejection))))?;
        let asked = since_boot();
        let token = self.token(order, merchant, slot, &mut found.waited).await?;
        let access = token.access();
        let announced = access.is_some_and(|access| access.announced).then_some(asked);

        let (shopper, refused) = self.shopper(order, merchant, target, access).await;
        let claims = shopper.as_ref().map(|shopper| &shopper.claims);
        let access_token = access.map(|access| &access.token);
        let built = request::build(&body, order.claim.order, access_token, claims);
        let call_permit = breakers
            .admit(&order.merchant, since_boot())
            .map_err(|wait| Box::new(paused(order, breakers, wait)))?;
        call_permit.wait_for_rate().await;
        crash::point("submitting");
        // Check these last before the call, because anything before may have taken long. Announcing
        // it may have, too, so the access token comes after that.
        let expired = || access.is_some_and(|access| !access.lasts(Duration::ZERO));
        if !self.may_send(&order.claim, announced).await || expired() {
            return Err(Box::new(waits(order, NOT_NOW, "its worker, which could not send it in time")));
        }
        let (answer, prefill) =
            self.create_or_withdraw_prefill(order, merchant, target, &body, access_token, built).await;
        found.shopper = shopper;
        crash::point("order_answered");
        call_permit.report(call_outcome(&answer, order, target), since_boot());
        let prefill = refused.unwrap_or(prefill);
        Ok(disposition(answer, order, target, token.outcome(), prefill, rand::random()))
    }

    /// Returns the user's shopper if the order is to be prefilled, and why nothing is prefilled if
    /// it is not known who the shopper is.
    async fn shopper(
        &self,
        order: &ClaimedOrder,
        merchant: &Merchant,
        target: Target,
        access: Option<&AccessToken>,
    ) -> (Option<Shopper>, Option<Prefill>) {
        let is_wanted = order.prefill.unwrap_or_else(|| merchant.prefills(target));
        let Some(access) = access.filter(|_| is_wanted) else { return (None, None) };
        match self.vault.shopper(merchant, &order.user, access).await {
            Ok(shopper) => (shopper, None),
            Err(why) => (None, Some(Prefill::Refused { refused: why.to_string() })),
        }
    }

    /// Notes the user's shopper beside the end of the attempt. If that takes long, it goes on
    /// without this order; if it fails, the user's next order notes it.
    async fn note(&self, order: &ClaimedOrder, shopper: Option<&Shopper>) {
        if let Some(shopper) = shopper {
            let _ = timeout(NOTE, self.vault.note(&order.merchant, &order.user, shopper)).await;
        }
    }

    /// Whether the create call may be sent now. `announced`: since when it is written down that it
    /// is about to be sent.
    async fn may_send(&self, claim: &Claim, announced: Option<Duration>) -> bool {
        let announce = announce(|| self.store.announce_create(claim));
        may_send(announced, announce, since_boot, || self.heartbeats.age()).await
    }

    /// Sends the create call. If Klarna refuses the order because of fields that were filled in, it
    /// is sent once more without them. Also returns what became of these fields.
    async fn create_or_withdraw_prefill(
        &self,
        order: &ClaimedOrder,
        merchant: &Merchant,
        target: Target,
        body: &Body,
        access_token: Option<&SecretString>,
        Built { json, prefilled }: Built,
    ) -> (CreateAnswer, Prefill) {
        let key = idempotency_key(order);
        let answer = self.create(order, merchant, target, &key, json).await;
        if !answer.is_due_to(&prefilled) {
            return (answer, Prefill::Filled(prefilled));
        }
        // A limit that is used up is soon renewed. If the circuit breaker has opened meanwhile,
        // Klarna's first answer is returned.
        let breakers = self.breakers.of(target);
        let Some(second_permit) = admit_unless_open(breakers, &order.merchant, SECOND_CALL).await else {
            return (answer, Prefill::Filled(prefilled));
        };
        second_permit.wait_for_rate().await;
        // Also if another worker may have the order by now.
        if !self.may_send(&order.claim, None).await {
            return (answer, Prefill::Filled(prefilled));
        }
        tracing::warn!(
            fields = prefilled.join(" "),
            "Klarna refused an order with prefilled fields; it is sent once more without them"
        );
        let plain = request::build(body, order.claim.order, access_token, None);
        // A different body needs a different idempotency key.
        let answer = self.create(order, merchant, target, &format!("{key}-plain"), plain.json).await;
        (answer, Prefill::Withdrawn { withdrawn: prefilled })
    }

    /// Sends the create call of a target. If Klarna refuses the credentials (401), which creates
    /// nothing, and the settings have another set, it is sent once more with that.
    async fn create(
        &self,
        order: &ClaimedOrder,
        merchant: &Merchant,
        target: Target,
        key: &str,
        body: Zeroizing<String>,
    ) -> CreateAnswer {
        let set = self.klarna.credentials_in_use(merchant, target);
        let copy = merchant.credentials(set.other()).map(|_| body.clone());
        let answer = self.send(set, merchant, target, key, body).await;
        let is_refused = matches!(answer, CreateAnswer::Unauthorised { status: 401, .. });
        let Some(body) = copy.filter(|_| is_refused) else { return answer };
        // The order may be another worker's by now.
        if !self.may_send(&order.claim, None).await {
            return answer;
        }
        self.send(set.other(), merchant, target, key, body).await
    }

    /// Sends the create call of a target once.
    async fn send(
        &self,
        set: CredentialSet,
        merchant: &Merchant,
        target: Target,
        key: &str,
        body: Zeroizing<String>,
    ) -> CreateAnswer {
        let begun = since_boot();
        let call = self.klarna.create_with(set, merchant, target, key, body);
        let Called { answer, used_up } = crash::in_flight("order_sent", call).await;
        if let Some(limit) = used_up {
            self.breakers.of(target).used_up(&merchant.name, &limit, since_boot());
        }
        meter::created(&merchant.name, target.as_str(), answer.as_str(), since_boot().saturating_sub(begun));
        answer
    }
}

/// Returns the idempotency key of the create call. A different body needs a different one.
fn idempotency_key(order: &ClaimedOrder) -> String {
    match order.version {
        1 => order.claim.order.to_string(),
        version => format!("{}-v{version}", order.claim.order),
    }
}

/// What the order's exchanges are for.
fn purpose(order: &ClaimedOrder) -> Purpose {
    Purpose { kind: PurposeKind::Order, id: order.claim.order.into() }
}

/// The order waits for something other than its token, and no attempt is counted.
fn waits(order: &ClaimedOrder, after: Duration, what: &str) -> Disposition {
    let waits = order.waits.and(what, order.claimed_at, after);
    Disposition::Snooze { after, error: None, token_waited: Duration::ZERO, waits }
}

/// The create call must not be made now: the order waits, and no attempt is counted.
fn paused(order: &ClaimedOrder, breakers: &CircuitBreakers, wait: Duration) -> Disposition {
    let why = breakers.why(&order.merchant, since_boot());
    // An earlier error of the order itself says more, so it stays.
    let error = order
        .error
        .is_none()
        .then(|| with_kind(OrderError::new(ErrorCode::KlarnaPaused, why.to_string()), why.kind));
    // Add a random delay, so that not all orders come back at the same time.
    let after = wait + wait.mul_f64(rand::random::<f64>() / 2.0);
    let what = breakers.waits_for(&order.merchant, since_boot());
    let waits = order.waits.and(what, order.claimed_at, after);
    Disposition::Snooze { after, error, token_waited: Duration::ZERO, waits }
}

/// Returns the faults of a body with pointers that start from the envelope.
fn under_order(rejection: Rejection) -> Rejection {
    match rejection {
        Rejection::Faults(faults) => {
            Rejection::Faults(faults.into_iter().map(|fault| fault.under("/order")).collect())
        }
        Rejection::TooLarge => rejection,
    }
}

/// The result for an order that breaks rules. Only SQL can submit one.
fn invalid(rejection: Rejection) -> Disposition {
    let message = rejection.to_string();
    let faults = match rejection {
        Rejection::Faults(faults) => faults,
        Rejection::TooLarge => Vec::new(),
    };
    let error = OrderError { faults, ..OrderError::new(ErrorCode::InvalidOrder, message) };
    Disposition::Failed { error, token: None, prefilled: Prefill::default() }
}
