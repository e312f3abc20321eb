//! States of a user's token, made before a test begins.

use klarna_order_worker::ids::{PresentationNumber, Provider, UserKey};
use klarna_order_worker::store::{ClaimAttempt, Worker};
use klarna_order_worker::token::{ExchangeEnd, ExchangeResult, Intended, Intent, Purpose, PurposeKind};
use reqwest::Method;
use uuid::Uuid;

use super::{Api, json, send};

impl Api {
    /// Registers a token with the shop's key.
    pub async fn has_token(&self, user: &str) {
        let path = format!("/v1/merchants/shop/users/{user}/token");
        let request = self.request(Method::PUT, &path).bearer_auth("key-of-the-shop");
        let answer = send(json(request, format!(r#"{{"refresh_token":"token-of-{user}"}}"#))).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// Stores an exchange of the user's token with this result.
    pub async fn exchanged(&self, user: &str, purpose: Purpose, result: ExchangeResult) {
        let worker =
            Worker { id: Uuid::now_v7().into(), instance: Uuid::new_v4().into(), name: "host/17".into() };
        self.app.store.begin_worker(&worker).await.unwrap();
        let (owner, provider) = (UserKey::new("shop", user), Provider::new("", ""));
        let ClaimAttempt::Claimed(mut claim) = self.app.store.claim_token(&owner, provider).await.unwrap()
        else {
            panic!("no claim")
        };
        let token = claim.token();
        let presentation = PresentationNumber(i64::try_from(token.presentations.len()).unwrap() + 1);
        let (exchange, version) = (Uuid::now_v7().into(), token.version);
        let intent = Intent { exchange, version, presentation, purpose, holder: worker.id };
        assert_eq!(claim.intend(&intent).await.unwrap(), Intended::Recorded);
        let cause = matches!(result, ExchangeResult::Refused).then(|| "HTTP 503".to_owned());
        let end = ExchangeEnd { exchange, owner, provider, version, result, cause, cached: None };
        claim.settle(&end).await.unwrap();
    }

    /// Makes the user's token uncertain: an answer was lost, and an operator has to decide.
    pub async fn uncertain(&self, user: &str) {
        let purpose = Purpose { kind: PurposeKind::Keeper, id: Uuid::now_v7().into() };
        self.exchanged(user, purpose, ExchangeResult::NoAnswer { travelling: false, hold: true }).await;
    }
}
