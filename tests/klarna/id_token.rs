//! Which `id_token`s are accepted, and how often their keys are fetched.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use klarna_order_worker::clock::Clock;
use klarna_order_worker::config::Merchant;
use klarna_order_worker::token::claims::Claims;
use klarna_order_worker::vault::identity::{IdTokenError, IdTokens};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;
use test_support::issuer::{SigningKey, b64, jwks, message};
use test_support::mockito::{Mock, Server, ServerGuard};

use test_support::merchant::merchant;

/// The present time of every test, in 2026.
const NOW: i64 = 1_790_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn claims() -> Value {
    json!({"iss": "https://login.klarna.com", "aud": "client-1", "sub": "krn:1", "iat": NOW, "exp": NOW + 300,
        "given_name": "Karl"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

struct Fixture {
    server: ServerGuard,
    merchant: Merchant,
    clock: Clock,
    id_tokens: IdTokens,
}

impl Fixture {
    async fn new() -> Self {
        let server = Server::new_async().await;
        let merchant = merchant(&server.url());
        let clock = Clock::manual(now());
        Self { server, merchant, id_tokens: IdTokens::new(clock.clone()).unwrap(), clock }
    }

    /// Serves these keys. Asserting the mock checks the number of fetches.
    async fn publish(&mut self, keys: &[&SigningKey], fetches: usize) -> Mock {
        self.server.mock("GET", "/jwks.json").with_body(jwks(keys)).expect(fetches).create_async().await
    }

    async fn verify(&self, token: &SecretString) -> Result<Claims, IdTokenError> {
        self.id_tokens.verify(&self.merchant, token, now()).await
    }
}

#[tokio::test]
async fn es256_and_rs256_from_one_set_are_believed_and_the_keys_kept_for_an_hour() {
    let mut fixture = Fixture::new().await;
    let (ec, rsa) = (SigningKey::es256("ec"), SigningKey::rs256("rsa"));
    let mock = fixture.publish(&[&ec, &rsa], 1).await;
    for token in
        [ec.sign(&claims()), rsa.sign(&claims()), ec.sign(&with("aud", json!(["client-1", "other"])))]
    {
        let claims = fixture.verify(&token).await.unwrap();
        assert_eq!(claims.subject, "krn:1");
        assert_eq!(claims.given_name.as_deref(), Some("Karl"));
    }
    fixture.clock.advance(Duration::from_mins(59));
    fixture.verify(&ec.sign(&claims())).await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn a_token_without_a_key_id_is_tried_against_every_key_of_its_algorithm() {
    let mut fixture = Fixture::new().await;
    let (first, second, stranger) = (SigningKey::es256("1"), SigningKey::es256("2"), SigningKey::es256("3"));
    let _mock = fixture.publish(&[&first, &second], 1).await;
    let header = json!({"alg": "ES256"});
    assert!(fixture.verify(&second.sign_with_header(&header, &claims())).await.is_ok());
    let forged = stranger.sign_with_header(&header, &claims());
    assert_eq!(fixture.verify(&forged).await, Err(IdTokenError::Signature));
}

#[tokio::test]
async fn what_is_claimed_must_fit_the_merchant_and_the_moment() {
    let mut fixture = Fixture::new().await;
    let key = SigningKey::es256("1");
    let _mock = fixture.publish(&[&key], 1).await;
    let mut nameless = claims();
    nameless.as_object_mut().unwrap().remove("iss");
    for (claims, expected) in [
        (with("iss", json!("https://login.klarna.com/eu/lp/idp")), Ok(())),
        (with("iss", json!("https://login.evil.example")), Err(IdTokenError::Issuer)),
        (nameless, Err(IdTokenError::Malformed)),
        (with("azp", json!("client-1")), Ok(())),
        (with("azp", json!("other")), Err(IdTokenError::Audience)),
        (with("azp", json!(7)), Err(IdTokenError::Malformed)),
        (with("aud", json!("other")), Err(IdTokenError::Audience)),
        (with("aud", json!(null)), Err(IdTokenError::Malformed)),
        (with("sub", json!(null)), Err(IdTokenError::Malformed)),
        (with("exp", json!(null)), Err(IdTokenError::Malformed)),
        (with("exp", json!(NOW - 59)), Ok(())),
        (with("exp", json!(NOW - 61)), Err(IdTokenError::Expired)),
        (with("nbf", json!(NOW + 59)), Ok(())),
        (with("nbf", json!(NOW + 61)), Err(IdTokenError::Expired)),
    ] {
        let result = fixture.verify(&key.sign(&claims)).await.map(|_| ());
        assert_eq!(result, expected, "{claims}");
    }
}

#[tokio::test]
async fn expiry_is_judged_at_the_receipt_not_now() {
    let mut fixture = Fixture::new().await;
    let key = SigningKey::es256("1");
    let _mock = fixture.publish(&[&key], 1).await;
    let token = key.sign(&claims());
    fixture.clock.advance(Duration::from_hours(24));
    assert!(fixture.verify(&token).await.is_ok());
    let late = now() + Duration::from_hours(24);
    assert_eq!(fixture.id_tokens.verify(&fixture.merchant, &token, late).await, Err(IdTokenError::Expired));
}

#[tokio::test]
async fn forged_signatures_are_refused() {
    let mut fixture = Fixture::new().await;
    let (ec, rsa, stranger) = (SigningKey::es256("ec"), SigningKey::rs256("rsa"), SigningKey::es256("ec"));
    let _mock = fixture.publish(&[&ec, &rsa], 1).await;

    let unsigned = format!("{}.", message(&json!({"alg": "none", "kid": "ec"}), &claims())).into();
    assert_eq!(fixture.verify(&unsigned).await, Err(IdTokenError::Malformed));

    let hs256 = message(&json!({"alg": "HS256", "kid": "rsa"}), &claims());
    let mut mac = Hmac::<Sha256>::new_from_slice(&rsa.public_bytes()).unwrap();
    mac.update(hs256.as_bytes());
    let hs256 = format!("{hs256}.{}", b64(&mac.finalize().into_bytes())).into();
    assert_eq!(fixture.verify(&hs256).await, Err(IdTokenError::Algorithm));

    assert_eq!(fixture.verify(&stranger.sign(&claims())).await, Err(IdTokenError::Signature));
    let crossed = ec.sign_with_header(&json!({"alg": "RS256", "kid": "rsa"}), &claims());
    assert_eq!(fixture.verify(&crossed).await, Err(IdTokenError::Signature));
    let misnamed = ec.sign_with_header(&json!({"alg": "ES256", "kid": "rsa"}), &claims());
    assert_eq!(fixture.verify(&misnamed).await, Err(IdTokenError::UnknownKey { fetched_at: now() }));
    for extension in [json!(["b64"]), json!([])] {
        let critical = ec.sign_with_header(
            &json!({"alg": "ES256", "kid": "ec", "crit": extension, "b64": true}),
            &claims(),
        );
        assert_eq!(fixture.verify(&critical).await, Err(IdTokenError::Critical));
    }
    assert_eq!(fixture.verify(&"not.a".into()).await, Err(IdTokenError::Malformed));
}

/// An issuer that is restarted, such as the sandbox, has a new key at once.
#[tokio::test]
async fn a_new_key_is_fetched_within_seconds() {
    let mut fixture = Fixture::new().await;
    for (key, seconds) in [("first", 31), ("second", 2), ("third", 4)] {
        let key = SigningKey::es256(key);
        let token = key.sign(&claims());
        let mock = fixture.publish(&[&key], 1).await;
        fixture.verify(&token).await.unwrap();
        fixture.clock.advance(Duration::from_secs(seconds));
        fixture.verify(&token).await.unwrap();
        mock.assert_async().await;
        mock.remove_async().await;
    }
}

/// Issuers are spared, and the error says when the keys were fetched.
#[tokio::test]
async fn unknown_keys_fetch_the_set_at_growing_pauses() {
    let mut fixture = Fixture::new().await;
    let unknown = SigningKey::es256("unknown").sign(&claims());
    let known = SigningKey::es256("known");
    // After 0, 1, 3, 7, 15, 31 and 63 s, and then once a minute.
    let mock = fixture.publish(&[&known], 15).await;
    let mut fetched = Vec::new();
    for second in 0..600 {
        let Err(IdTokenError::UnknownKey { fetched_at }) = fixture.verify(&unknown).await else {
            panic!("an unknown key is believed");
        };
        if fetched_at == now() + Duration::from_secs(second) {
            fetched.push(second);
        }
        fixture.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(fetched[..9], [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    mock.assert_async().await;
    mock.remove_async().await;

    // After a while without a fetch, it begins again.
    let mock = fixture.publish(&[&known], 2).await;
    fixture.clock.advance(Duration::from_mins(7));
    for _ in 0..2 {
        fixture.verify(&unknown).await.unwrap_err();
        fixture.clock.advance(Duration::from_secs(1));
    }
    mock.assert_async().await;
    let told = fixture.verify(&unknown).await.unwrap_err().to_string();
    assert!(told.ends_with("when they were last fetched, at 2026-09-21 14:30:21 UTC"), "{told}");
}

#[tokio::test]
async fn keys_stay_in_use_while_their_url_fails() {
    let mut fixture = Fixture::new().await;
    let key = SigningKey::es256("1");
    let mock = fixture.publish(&[&key], 1).await;
    fixture.verify(&key.sign(&claims())).await.unwrap();
    mock.assert_async().await;
    mock.remove_async().await;

    let down = fixture.server.mock("GET", "/jwks.json").with_status(503).expect(1).create_async().await;
    fixture.clock.advance(Duration::from_hours(2));
    for _ in 0..3 {
        fixture.verify(&key.sign(&claims())).await.unwrap();
    }
    down.assert_async().await;
}

#[tokio::test]
async fn without_any_keys_the_token_is_not_believed_and_the_url_is_spared() {
    let mut fixture = Fixture::new().await;
    let key = SigningKey::es256("1");
    let oct = json!({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "1"}]}).to_string();
    let useless = fixture.server.mock("GET", "/jwks.json").with_body(oct).expect(1).create_async().await;
    for _ in 0..3 {
        assert_eq!(fixture.verify(&key.sign(&claims())).await, Err(IdTokenError::KeysUnavailable));
    }
    useless.assert_async().await;
}

#[tokio::test]
async fn strange_members_of_the_set_are_left_out_and_do_not_cost_the_others() {
    let mut fixture = Fixture::new().await;
    let key = SigningKey::es256("1");
    let enciphering = SigningKey::es256("2");
    let mut encryption = enciphering.jwk();
    encryption["use"] = json!("enc");
    let set = json!({"keys": [7, {"kty": "XX"}, {"kty": "EC", "crv": "secp256k1"}, encryption, key.jwk()]});
    let _mock = fixture.server.mock("GET", "/jwks.json").with_body(set.to_string()).create_async().await;
    fixture.verify(&key.sign(&claims())).await.unwrap();
    let misused = enciphering.sign(&claims());
    assert_eq!(fixture.verify(&misused).await, Err(IdTokenError::UnknownKey { fetched_at: now() }));
}

#[tokio::test]
async fn many_at_once_share_one_fetch() {
    let mut fixture = Fixture::new().await;
    let key = SigningKey::es256("1");
    let mock = fixture.publish(&[&key], 1).await;
    let token = key.sign(&claims());
    let results = join_all((0..16).map(|_| fixture.verify(&token))).await;
    assert!(results.iter().all(Result::is_ok));
    mock.assert_async().await;
}
