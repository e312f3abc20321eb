//! `POST /v1/push/{merchant}/{secret}`

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::AppState;
use super::answers::Pushed;
use super::extract::{InPath, InQuery, invalid};
use super::problem::{Kind, Problem};
use crate::breaker::RateLimiter;
use crate::clock::{Clock, since_boot};
use crate::ids::MerchantName;
use crate::klarna::http::is_id;
use crate::store::FollowUps;

/// The most pushes of a merchant in a second. Klarna repeats a push that is refused.
const RATE: f64 = 50.0;

/// Takes Klarna's pushes.
pub struct PushEndpoint {
    store: Arc<dyn FollowUps>,
    clock: Clock,
    limits: PushLimits,
}

impl PushEndpoint {
    /// Creates it. It takes pushes for the merchants whose settings have a `push_secret`.
    #[must_use]
    pub fn new(store: Arc<dyn FollowUps>, clock: Clock) -> Self {
        Self { store, clock, limits: PushLimits::default() }
    }

    /// Returns the time of the limits. The system's clock may step, so they go by the time since
    /// boot.
    fn now(&self) -> Duration {
        let manual = self.clock.manual_now().and_then(|now| u64::try_from(now.timestamp_micros()).ok());
        manual.map_or_else(since_boot, Duration::from_micros)
    }
}

/// Limits the pushes of each merchant.
#[derive(Default)]
struct PushLimits(Mutex<BTreeMap<MerchantName, RateLimiter>>);

impl PushLimits {
    /// Counts a push of a merchant of the settings at `now`.
    fn reserve(&self, merchant: &MerchantName, now: Duration) -> Result<(), Problem> {
        let mut limiters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter = limiters.entry(merchant.clone()).or_insert_with(|| RateLimiter::new(RATE));
        limiter.reserve(now, Duration::ZERO).map(drop).map_err(|wait| {
            Problem::new(Kind::Overloaded, "too many pushes at the moment: try again soon").after(wait)
        })
    }
}

/// The parts of the address of pushes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PushPath {
    /// The merchant's name in the settings.
    #[param(example = "shop")]
    merchant: String,
    /// The merchant's setting `push_secret`.
    #[param(value_type = String, example = "the-push-secret")]
    secret: SecretString,
}

/// Query of a push. Other members are ignored.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PushQuery {
    /// Klarna's id of the order.
    #[param(example = "0d7cae38-1c2b-4c1d-8a2e-2f6f3f1f9b11", pattern = "^[A-Za-z0-9._:-]{1,255}$")]
    klarna_order_id: String,
}

/// Take a push of Klarna: a shopper has paid an order.
///
/// Klarna calls this, if `merchant_urls.push` of the order has this address. The push carries no
/// trust: a worker reads the order at Klarna, writes the webhook event `order.completed`, and
/// acknowledges the order. The body is ignored.
#[utoipa::path(
    post,
    operation_id = "push",
    path = "/v1/push/{merchant}/{secret}",
    tag = "orders",
    security(()),
    params(PushPath, PushQuery),
    responses((status = 204, description = "The push is recorded"), Pushed)
)]
pub(super) async fn push(
    State(app): State<Arc<AppState>>,
    InPath(path): InPath<PushPath>,
    InQuery(query): InQuery<PushQuery>,
) -> Result<StatusCode, Problem> {
    let known = app.merchants.get(path.merchant.as_str());
    let secret = known.as_ref().and_then(|merchant| merchant.push_secret.as_ref());
    // Hashes are compared, so that the time of the comparison tells nothing of the secret.
    let is_right = secret.is_some_and(|secret| {
        Sha256::digest(secret.expose_secret()) == Sha256::digest(path.secret.expose_secret())
    });
    let Some(merchant) = known.filter(|_| is_right) else {
        return Err(Problem::new(Kind::NotFound, "there is no such address for pushes"));
    };
    let klarna_id = query.klarna_order_id;
    if !is_id(&klarna_id) {
        return Err(invalid("klarna_order_id: is not an id of Klarna"));
    }
    app.pushes.limits.reserve(&merchant.name, app.pushes.now())?;
    app.pushes.store.record_push(&merchant.name, &klarna_id).await?;
    tracing::info!(merchant = merchant.name.as_str(), klarna_id, "Klarna pushed an order");
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merchants_pushes_are_limited_and_no_others() {
        let (shop, other) = (MerchantName::from("shop".to_owned()), MerchantName::from("other".to_owned()));
        let limits = PushLimits::default();
        let now = Duration::from_secs(100);
        let taken = (0..200).filter(|_| limits.reserve(&shop, now).is_ok()).count();
        assert_eq!(taken, 50);
        assert_eq!(limits.reserve(&shop, now).unwrap_err().details().status, 503);
        assert!(limits.reserve(&other, now).is_ok());
        assert!(limits.reserve(&shop, now + Duration::from_secs(1)).is_ok());
    }
}
