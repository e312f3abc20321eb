//! Grants, rotation and id_tokens.

use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use klarna_sandbox::{
    Algorithm, Behaviour, Endpoint, Failure, Latency, Outcome, Rotation, SandboxOptions, SignIn,
};
use serde_json::{Value, json};

use crate::shop::{Shop, order, read, text};

#[tokio::test]
async fn an_exchange_answers_in_klarnas_shape_and_spends_the_token() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let first = shop.sign_in("u-1");
    let answer = shop.granted(&first).await;
    assert_eq!((&answer["expires_in"], text(&answer, "token_type")), (&json!(299), "Bearer"));
    let second = text(&answer, "refresh_token");
    assert_ne!(second, first);

    shop.refused(&first).await;
    shop.refused(second).await;
    let seen = [Some(Outcome::Rotated), Some(Outcome::Reused), Some(Outcome::Revoked)];
    assert_eq!(shop.outcomes("u-1"), seen);
    let stats = shop.stats().exchanges;
    assert_eq!((stats.total, stats.rotated, stats.invalid_grant, stats.spent_presented), (3, 1, 2, 1));
    assert_eq!(shop.get("/stats").await, serde_json::to_value(shop.stats()).unwrap());
}

#[tokio::test]
async fn tokens_expire_by_the_clock() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let (early, late) = (shop.sign_in("early"), shop.sign_in("late"));
    shop.clock.advance(Duration::from_hours(60 * 24) - Duration::from_secs(1));
    let access = text(&shop.granted(&early).await, "access_token").to_owned();
    shop.clock.advance(Duration::from_secs(1));
    shop.refused(&late).await;
    assert_eq!(shop.outcomes("late"), [Some(Outcome::Expired)]);

    shop.clock.advance(Duration::from_secs(297));
    shop.order(&order("in time", Some(&access))).await;
    shop.clock.advance(Duration::from_secs(1));
    shop.order(&order("too late", Some(&access))).await;
    let orders = shop.stats().orders;
    assert_eq!((orders.recognised, orders.not_recognised), (1, 1));
}

#[tokio::test]
async fn a_grace_period_gives_the_successor_back() {
    let behaviour = Behaviour { rotation: Rotation::Grace, ..Behaviour::default() };
    let grace_period = behaviour.grace_period;
    let shop = Shop::with(behaviour).await;
    let first = shop.sign_in("u-1");
    shop.fail_next(Endpoint::Token, Failure::Lost);
    shop.send_exchange(&first).await.unwrap_err();
    let again = shop.granted(&first).await;
    shop.granted(text(&again, "refresh_token")).await;
    assert_eq!(shop.outcomes("u-1"), [Outcome::Rotated, Outcome::Repeated, Outcome::Rotated].map(Some));
    assert_eq!(shop.stats().exchanges.spent_presented, 1);

    let other = shop.sign_in("u-2");
    shop.granted(&other).await;
    shop.clock.advance(grace_period);
    shop.refused(&other).await;
}

#[tokio::test]
async fn a_provider_that_does_not_rotate_answers_the_same_token_or_none() {
    let shop = Shop::with(Behaviour { rotation: Rotation::Idempotent, ..Behaviour::default() }).await;
    let token = shop.sign_in("u-1");
    assert_eq!(text(&shop.granted(&token).await, "refresh_token"), token);
    assert_eq!(shop.post("/sandbox/options", json!({"rotation": "omitted"})).await.0, 200);
    assert_eq!(shop.granted(&token).await.get("refresh_token"), None);
    assert_eq!(shop.outcomes("u-1"), [Some(Outcome::Unchanged); 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_at_once_one_rotates() {
    let mut behaviour = Behaviour::default();
    // Long enough for all of them to arrive meanwhile.
    behaviour.token.latency = Latency::fixed(Duration::from_secs(5));
    let shop = Shop::with(behaviour).await;
    let token = shop.sign_in("u-1");
    let answers = futures::future::join_all((0..50).map(|_| shop.exchange(&token))).await;
    assert_eq!(answers.iter().filter(|(status, _)| status.is_success()).count(), 1);
    let stats = shop.stats().exchanges;
    assert_eq!((stats.total, stats.rotated, stats.invalid_grant, stats.concurrent), (50, 1, 49, 49));
    assert_eq!((stats.outcomes[&Outcome::Reused], stats.outcomes[&Outcome::Revoked]), (1, 48));
}

#[tokio::test]
async fn id_tokens_verify_against_the_jwks() {
    verify_with(Algorithm::Es256, jsonwebtoken::Algorithm::ES256).await;
    verify_with(Algorithm::Rs256, jsonwebtoken::Algorithm::RS256).await;
}

async fn verify_with(algorithm: Algorithm, expected: jsonwebtoken::Algorithm) {
    let shop = Shop::open(SandboxOptions { algorithm, ..SandboxOptions::default() }).await;
    let jwks: JwkSet = serde_json::from_value(shop.get("/na/lp/idp/.well-known/jwks.json").await).unwrap();
    let verify = |answer: &Value| {
        let id_token = text(answer, "id_token");
        let header = decode_header(id_token).unwrap();
        assert_eq!(header.alg, expected);
        let key = DecodingKey::from_jwk(jwks.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(expected);
        validation.set_audience(&["shop"]);
        validation.set_issuer(&[shop.sandbox.url()]);
        decode::<Value>(id_token, &key, &validation).map(|token| token.claims)
    };

    let claims = json!({"given_name": "Åsa", "email": null}).as_object().unwrap().clone();
    let sign_in = SignIn { user: "u-1".to_owned(), claims, ..SignIn::default() };
    let answer = shop.granted(&shop.sandbox.admin().sign_in(sign_in).refresh_token).await;
    let claims = verify(&answer).unwrap();
    assert_eq!(claims["exp"].as_i64(), Some(shop.clock.now().timestamp() + 299));
    assert_eq!((&claims["given_name"], claims.get("email")), (&json!("Åsa"), None));
    assert_eq!(claims["billing_address"]["country"], "SE");

    shop.fail_next(Endpoint::Token, Failure::BadIdToken);
    let forged = shop.granted(text(&answer, "refresh_token")).await;
    assert_eq!(*verify(&forged).unwrap_err().kind(), ErrorKind::InvalidSignature);
}

#[tokio::test]
async fn malformed_requests_and_strangers_are_told_apart() {
    let client_secret = Some("s&cret".into());
    let client_id = Some("shop".to_owned());
    let shop = Shop::open(SandboxOptions { client_id, client_secret, ..SandboxOptions::default() }).await;
    let token = shop.sign_in("u-1");
    let grant = [("grant_type", "refresh_token"), ("refresh_token", &token)];
    let client = [("client_id", "shop"), ("client_secret", "s&cret")];
    for (form, status, error) in [
        (grant.to_vec(), 400, "invalid_request"),
        ([&grant[..], &client[..1]].concat(), 401, "invalid_client"),
        ([&grant[..], &client[..1], &[("client_secret", "guess")]].concat(), 401, "invalid_client"),
        ([&grant[..], &client[1..], &[("client_id", "other")]].concat(), 401, "invalid_client"),
        ([&client[..], &[("grant_type", "password")]].concat(), 400, "unsupported_grant_type"),
        ([&client[..], &grant[..1]].concat(), 400, "invalid_request"),
        ([&client[..], &grant[..], &grant[..1]].concat(), 400, "invalid_request"),
    ] {
        let (got, answer) = read(shop.send_form(&form).await.unwrap()).await;
        assert_eq!((got.as_u16(), text(&answer, "error")), (status, error), "{form:?}");
    }
    let query = format!("grant_type=refresh_token&client_id=shop&refresh_token={token}");
    let (status, answer) = shop.post(&format!("/eu/lp/idp/oauth2/token?{query}"), json!({})).await;
    assert_eq!(status, 400);
    assert!(answer.contains("LEAK") && !answer.contains(&token));

    let seen = shop.stats();
    assert_eq!(seen.leaks.token_in_query, 1);
    let expected = [("invalid_client", 3), ("invalid_request", 4), ("unsupported_grant_type", 1)];
    assert_eq!(seen.exchanges.refused, expected.map(|(code, count)| (code.to_owned(), count)).into());
    assert_eq!(shop.outcomes("u-1"), [], "none of them presented the token");

    let by_post = [&client[..], &grant[..]].concat();
    let (status, answer) = read(shop.send_form(&by_post).await.unwrap()).await;
    assert_eq!(status, 200);
    let by_basic = shop.http.post(shop.url("/eu/lp/idp/oauth2/token")).basic_auth("shop", Some("s%26cret"));
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&answer, "refresh_token"))];
    assert_eq!(by_basic.form(&form).send().await.unwrap().status(), 200);
}
