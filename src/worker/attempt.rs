//! One attempt at one order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use tracing::Instrument;

use super::disposition::{disposition, error, past_deadline, report};
use super::settle::settle;
use super::spans::{spans, trace};
use crate::breaker::CircuitBreakers;
use crate::clock::since_boot;
use crate::config::{Merchant, OnUnusableToken};
use crate::crash;
use crate::intake::check_row;
use crate::klarna::checkout::{CheckoutClient, request};
use crate::meter;
use crate::order::{Body, Disposition, OrderError, Rejection, TokenOutcome};
use crate::queue::{Handler, HeartbeatMonitor};
use crate::store::{ClaimedOrder, Orders};
use crate::token::{Purpose, PurposeKind, Unusable};
use crate::vault::{Access, AccessToken, Vault};

/// A worker whose own last heartbeat is older sends no create: others may have taken its orders over.
const OLDEST_HEARTBEAT: Duration = Duration::from_secs(5);
/// The wait before a worker without a heartbeat looks again.
const NO_BEAT: Duration = Duration::from_secs(1);
/// The wait of an order whose merchant is not in this process's settings.
const NO_MERCHANT: Duration = Duration::from_secs(30);
/// How long a repeated submission waits for a new exchange: the order's own patience may be long over, and the access
/// token that was kept too.
const PATIENCE_OF_A_REPEAT: Duration = Duration::from_secs(2);

/// Runs orders: token, prefill, submission, result.
pub struct OrderHandler {
    /// Where results go.
    pub store: Arc<dyn Orders>,
    /// By name.
    pub merchants: Arc<BTreeMap<String, Arc<Merchant>>>,
    /// Where access tokens come from.
    pub vault: Vault,
    /// Klarna's order call.
    pub checkout: CheckoutClient,
    /// When Klarna's order call is left alone, and how fast it may be made.
    pub breakers: CircuitBreakers,
    /// This worker's own heartbeats.
    pub heartbeats: HeartbeatMonitor,
    /// The setting `vault.token_patience`.
    pub token_patience: Duration,
}

#[async_trait]
impl Handler<ClaimedOrder> for OrderHandler {
    async fn run(&self, order: ClaimedOrder) {
        let begun = since_boot();
        if order.claim.number == 1 {
            meter::pickup(&order.merchant, (order.claimed_at - order.due_at).to_std().unwrap_or_default());
        }
        let (run, span) = spans(&order);
        async {
            let disposition = self.attempt(&order).await.unwrap_or_else(|early| *early);
            trace(&run, &disposition);
            let settled = settle(&*self.store, &order.claim, &disposition).await;
            crash::point("order_recorded");
            match settled {
                Ok(true) => {
                    tell(&disposition);
                    count(&order, &disposition, since_boot().saturating_sub(begun));
                }
                Ok(false) => tracing::warn!("Another worker has reclaimed this order; nothing was stored"),
                Err(error) => tracing::error!(%error, "The database refuses an order's result; the order is \
                    tried again"),
            }
        }
        .instrument(span)
        .instrument(run.clone())
        .await;
    }
}

/// An attempt that ends before Klarna is asked for the order.
type EarlyEnd = Box<Disposition>;

impl OrderHandler {
    async fn attempt(&self, order: &ClaimedOrder) -> Result<Disposition, EarlyEnd> {
        if order.claimed_at >= order.deadline_at {
            return Err(Box::new(past_deadline(order)));
        }
        if order.unchecked {
            check_row(&self.merchants, order).map_err(|rejection| Box::new(invalid(rejection)))?;
        }
        let merchant = self.merchants.get(&order.merchant).ok_or_else(|| Box::new(unknown_merchant(order)))?;
        // Before a token is spent on an order that cannot be sent.
        if let Some(wait) = self.breakers.wait(&order.merchant, since_boot()) {
            return Err(Box::new(left_alone(order, wait)));
        }
        let body = Body::parse(&order.body).map_err(|rejection| Box::new(invalid(under_order(rejection))))?;
        let token = self.token(order, merchant).await?;

        let wants_prefill = order.prefill.unwrap_or(merchant.prefill);
        let shopper = match &token {
            Ok(access) if wants_prefill => self.vault.shopper(merchant, &order.user, access).await,
            _ => None,
        };
        let claims = shopper.as_ref().map(|shopper| &shopper.claims);
        let access_token = token.as_ref().ok().map(|access| &access.token);
        let built = request::build(&body, order.claim.order, access_token, claims);
        let call_permit =
            self.breakers.admit(&order.merchant, since_boot()).map_err(|wait| Box::new(left_alone(order, wait)))?;
        call_permit.wait_for_rate().await;
        crash::point("submitting");
        // The last thing before the call, whatever kept it waiting.
        if self.heartbeats.age() > OLDEST_HEARTBEAT {
            return Err(Box::new(Disposition::Snooze { after: NO_BEAT, error: None }));
        }
        let key = order.claim.order.to_string();
        let noted = async {
            if let Some(shopper) = &shopper {
                self.vault.note(merchant, &order.user, shopper).await;
            }
        };
        let sent = since_boot();
        let create = async {
            let answer = crash::in_flight("order_sent", self.checkout.create(merchant, &key, built.json)).await;
            meter::checkout(&merchant.name, answer.as_str(), since_boot().saturating_sub(sent));
            answer
        };
        let (answer, ()) = tokio::join!(create, noted);
        crash::point("order_answered");
        call_permit.report(report(&answer, order), since_boot());
        Ok(disposition(answer, order, outcome(&token), built.prefilled, rand::random()))
    }

    /// The shopper's access token, or why the order goes out without one.
    async fn token(
        &self,
        order: &ClaimedOrder,
        merchant: &Arc<Merchant>,
    ) -> Result<Result<AccessToken, Unusable>, EarlyEnd> {
        let begun = since_boot();
        let purpose = Purpose { kind: PurposeKind::Order, id: order.claim.order.as_uuid() };
        let waited = (order.claimed_at - order.first_claimed_at).to_std().unwrap_or_default();
        let mut patience = self.token_patience.saturating_sub(waited);
        if order.attempts > 0 {
            patience = patience.max(PATIENCE_OF_A_REPEAT.min(self.token_patience));
        }
        // The first claim has nothing kept to look for.
        let kept = if order.claim.number > 1 { self.vault.cached_tokens(purpose).await } else { None };
        let access = match kept {
            Some(kept) => Access::Ready(kept),
            None => timeout(patience, self.vault.exchange(merchant, &order.user, purpose))
                .await
                .unwrap_or(Access::ComeBack(Duration::ZERO)),
        };
        let unusable = match access {
            Access::Ready(access) => return Ok(Ok(access)),
            Access::Unusable(why) => why,
            Access::ComeBack(after) => {
                let left = self.token_patience.saturating_sub(waited + since_boot().saturating_sub(begun));
                if !left.is_zero() {
                    return Err(Box::new(Disposition::Snooze { after: after.min(left), error: None }));
                }
                Unusable::Unavailable
            }
        };
        match merchant.on_unusable_token {
            OnUnusableToken::SubmitWithoutToken => Ok(Err(unusable)),
            OnUnusableToken::Fail => Err(Box::new(refused_without_token(unusable))),
        }
    }
}

fn outcome(token: &Result<AccessToken, Unusable>) -> TokenOutcome {
    match token {
        Ok(access) if access.cached => TokenOutcome::Kept,
        Ok(_) => TokenOutcome::Fresh,
        Err(Unusable::NotRegistered) => TokenOutcome::NotRegistered,
        Err(Unusable::ReauthRequired) => TokenOutcome::ReauthRequired,
        Err(Unusable::Uncertain) => TokenOutcome::Uncertain,
        Err(Unusable::Unavailable) => TokenOutcome::Unavailable,
    }
}

/// The merchant's order call is left alone: the order waits, and counts no attempt.
fn left_alone(order: &ClaimedOrder, wait: Duration) -> Disposition {
    let message = format!(
        "Klarna's order call fails, refuses the settings or asks for a pause for every order of the merchant {}; the \
         order waits",
        order.merchant
    );
    // What the order itself met before says more.
    let error = order.error.is_none().then(|| error("klarna_left_alone", message));
    // Not all at once when the wait is over.
    Disposition::Snooze { after: wait + wait.mul_f64(rand::random::<f64>() / 2.0), error }
}

fn unknown_merchant(order: &ClaimedOrder) -> Disposition {
    let message = format!(
        "no worker's settings have the merchant {}; add merchants.{} and restart the workers",
        order.merchant, order.merchant
    );
    Disposition::Snooze { after: NO_MERCHANT, error: Some(error("unknown_merchant", message)) }
}

/// The faults of a body, seen from the envelope.
fn under_order(rejection: Rejection) -> Rejection {
    match rejection {
        Rejection::Faults(faults) => Rejection::Faults(faults.into_iter().map(|fault| fault.under("/order")).collect()),
        Rejection::TooLarge => rejection,
    }
}

/// An order that no door with rules would have let in.
fn invalid(rejection: Rejection) -> Disposition {
    let message = rejection.to_string();
    let faults = match rejection {
        Rejection::Faults(faults) => faults,
        Rejection::TooLarge => Vec::new(),
    };
    let error = OrderError { faults, ..error("invalid_order", message) };
    Disposition::Failed { error, token: None }
}

fn refused_without_token(unusable: Unusable) -> Disposition {
    let (code, message) = match unusable {
        Unusable::NotRegistered => ("token_not_registered", "no token is known for the user: the shopper must sign in"),
        Unusable::ReauthRequired => {
            ("token_reauth_required", "the user's token is dead: the shopper must sign in again")
        }
        Unusable::Uncertain => ("token_uncertain", "the user's token waits for an operator's decision"),
        Unusable::Unavailable => ("token_unavailable", "the token endpoint gave no token in time"),
    };
    let message = format!("{message}; on_unusable_token = \"fail\" keeps the order from going out without one");
    Disposition::Failed { error: error(code, message), token: Some(outcome(&Err(unusable))) }
}

/// What metrics tell of an attempt's end.
fn count(order: &ClaimedOrder, disposition: &Disposition, took: Duration) {
    let (result, end) = match disposition {
        Disposition::Submitted { token, .. } => ("submitted", Some(("submitted", Some(*token)))),
        Disposition::Failed { token, .. } => ("failed", Some(("failed", *token))),
        Disposition::Retry { .. } => ("retry", None),
        Disposition::Snooze { .. } => ("snooze", None),
    };
    meter::attempt(&order.merchant, result);
    if let Some((status, token)) = end {
        let waited = (order.claimed_at - order.accepted_at).to_std().unwrap_or_default();
        meter::order(&order.merchant, status, token.map(TokenOutcome::as_str), waited + took);
    }
}

/// One line for each attempt's end.
fn tell(disposition: &Disposition) {
    match disposition {
        Disposition::Submitted { klarna_order_id, correlation_id, token, .. } => tracing::info!(
            klarna_order = klarna_order_id,
            correlation = correlation_id.as_deref(),
            token = token.as_str(),
            "The order was submitted"
        ),
        Disposition::Failed { error, .. } => tracing::warn!(
            code = error.code,
            correlation = error.correlation_id.as_deref(),
            error = error.message,
            "The order failed"
        ),
        Disposition::Retry { after, error, .. } => tracing::warn!(
            code = error.code,
            correlation = error.correlation_id.as_deref(),
            after_ms = after.as_millis(),
            error = error.message,
            "The attempt failed; another one follows"
        ),
        Disposition::Snooze { after, error: Some(error) } => {
            tracing::warn!(code = error.code, after_ms = after.as_millis(), error = error.message, "The order waits");
        }
        Disposition::Snooze { after, error: None } => {
            tracing::debug!(after_ms = after.as_millis(), "The order waits for its token");
        }
    }
}
