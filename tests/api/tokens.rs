//! `/v1/merchants/{merchant}/users/{user}/token`

use std::time::Duration;

use reqwest::Method;
use serde_json::json as value;

use super::{Answer, Api, json, key, send};

const PATH: &str = "/v1/merchants/shop/users/u-1/token";

impl Api {
    async fn put(&self, path: &str, body: &str) -> Answer {
        send(json(self.request(Method::PUT, path), body.to_owned())).await
    }

    async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }
}

#[tokio::test]
async fn a_token_is_registered_shown_and_forgotten() {
    let api = Api::open().await;
    api.get(PATH).await.problem(404, "not-found");

    let stored = api.put(PATH, r#"{"refresh_token":"t-1","issued_at":"2026-01-31T13:00:00+01:00"}"#).await;
    assert_eq!((stored.status.as_u16(), stored.text.as_str()), (204, ""));
    let shown = api.get(PATH).await.json();
    let mut rest = shown.clone();
    for time in ["updated_at", "expires_at"] {
        assert!(rest.as_object_mut().unwrap().remove(time).unwrap().is_string());
    }
    let expected = value!({
        "merchant": "shop", "user": "u-1", "state": "active", "generation": 1, "issued_at": "2026-01-31T12:00:00Z",
        "last_seen_at": "2026-01-31T12:00:00Z", "signed_in_at": "2026-01-31T12:00:00Z", "refresh_failures": 0, "refresh_due_at": "2026-03-10T07:32:20.787363Z",
    });
    assert_eq!(
        rest, expected,
        "refreshed 20 to 30 days before its end, always on the same day for this user"
    );
    assert_eq!(shown["expires_at"], "2026-04-01T12:00:00Z", "60 days after its issue");

    let known = api.put(PATH, r#"{"refresh_token":"t-1"}"#).await;
    assert_eq!((known.status.as_u16(), known.json()), (200, shown), "nothing changed");

    assert_eq!(api.put(PATH, r#"{"refresh_token":"t-2"}"#).await.status, 204);
    assert_eq!(api.get(PATH).await.json()["generation"], 2);

    for _ in 0..2 {
        let forgotten = api.delete(PATH).await;
        assert_eq!((forgotten.status.as_u16(), forgotten.text.as_str()), (204, ""));
        api.get(PATH).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_forgotten_token_is_to_be_revoked_unless_the_caller_says_otherwise() {
    let api = Api::open().await;
    let waiting = async || {
        let mut tokens = 0;
        for merchant in api.app.store.due_revocations().await.unwrap() {
            tokens += api.app.store.claim_revocations(&merchant, 10, Duration::ZERO).await.unwrap().len();
        }
        tokens
    };
    for (number, (query, revoked)) in
        [("", 1), ("?revoke=false", 1), ("?revoke=true", 2)].into_iter().enumerate()
    {
        let body = format!(r#"{{"refresh_token":"t-{number}"}}"#);
        assert_eq!(api.put(PATH, &body).await.status, 204);
        assert_eq!(api.delete(&format!("{PATH}{query}")).await.status, 204);
        assert_eq!(waiting().await, revoked, "{query}");
    }
    assert_eq!(api.put(PATH, r#"{"refresh_token":"t-9"}"#).await.status, 204);
    assert_eq!(api.delete("/v1/merchants/shop/users/u-1").await.status, 204, "erased");
    assert_eq!(waiting().await, 3);
    api.delete("/v1/merchants/no-such/users/u-1/token?revoke=true").await.problem(400, "invalid-request");
    api.delete(&format!("{PATH}?revoke=maybe")).await.problem(400, "invalid-request");
}

#[tokio::test]
async fn an_older_sign_in_does_not_replace_a_newer_one() {
    let api = Api::open().await;
    let body = |token: &str, day: u32| {
        format!(r#"{{"refresh_token":"{token}","issued_at":"2026-01-{day}T12:00:00Z"}}"#)
    };
    assert_eq!(api.put(PATH, &body("t-2", 31)).await.status, 204);
    let shown = api.get(PATH).await.json();
    let kept = api.put(PATH, &body("t-1", 30)).await;
    assert_eq!((kept.status.as_u16(), kept.json()), (200, shown));
    assert_eq!(api.put(PATH, r#"{"refresh_token":"t-3"}"#).await.status, 204);
}

#[tokio::test]
async fn a_token_of_another_user_is_refused_and_the_user_named_to_who_may_know() {
    let keys = [
        key("shop", "key-of-shop", "scopes = [\"tokens\"]\nmerchants = [\"shop\"]"),
        key("other", "key-of-other", "scopes = [\"tokens\"]\nmerchants = [\"other\"]"),
    ];
    let api = Api::with_keys(&keys.concat()).await;
    let put = async |key: &str, path: &str| {
        send(json(api.request(Method::PUT, path).bearer_auth(key), r#"{"refresh_token":"t-1"}"#.to_owned()))
            .await
    };
    assert_eq!(put("key-of-shop", PATH).await.status, 204);
    for path in ["/v1/merchants/shop/users/u-2/token", "/v1/merchants/other/users/u-1/token"] {
        let key = if path.contains("other") { "key-of-other" } else { "key-of-shop" };
        let refused = put(key, path).await;
        refused.problem(409, "token-held-elsewhere");
        let names = refused.text.contains("the user u-1 of the merchant shop");
        assert_eq!(names, key == "key-of-shop", "{refused:?}");
        assert!(refused.text.contains("users rename") && !refused.text.contains("t-1"), "{refused:?}");
        let shown = send(api.request(Method::GET, path).bearer_auth(key)).await;
        shown.problem(404, "not-found");
    }
}

#[tokio::test]
async fn users_have_any_name() {
    let api = Api::open().await;
    let path = |user: &str| format!("/v1/merchants/shop/users/{user}/token");
    for (written, name) in
        [("a%2Fb", "a/b"), ("%C3%85sa%20%25", "Åsa %"), ("..%2F..", "../.."), ("token", "token")]
    {
        let body = format!(r#"{{"refresh_token":"t-of-{}"}}"#, written.replace('%', "-"));
        assert_eq!(api.put(&path(written), &body).await.status, 204, "{name}");
        assert_eq!(api.get(&path(written)).await.json()["user"], name);
    }
    for bad in ["%00", "a%0Ab", "%FF", &"u".repeat(256)] {
        api.put(&path(bad), r#"{"refresh_token":"t"}"#).await.problem(400, "invalid-request");
        api.get(&path(bad)).await.problem(400, "invalid-request");
        api.delete(&path(bad)).await.problem(400, "invalid-request");
    }
}

#[tokio::test]
async fn a_merchant_that_is_unknown_gets_no_token() {
    let api = Api::open().await;
    let path = "/v1/merchants/no-such/users/u-1/token";
    let answer = api.put(path, r#"{"refresh_token":"t"}"#).await;
    answer.problem(404, "unknown-merchant");
    assert!(!answer.text.contains("shop"), "{answer:?}");
    api.get(path).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_cannot_be_a_token_is_refused() {
    let api = Api::open().await;
    let bodies = [
        "",
        "[]",
        "{}",
        r#"{"refresh_token":null}"#,
        r#"{"refresh_token":""}"#,
        r#"{"refresh_token":"two words"}"#,
        r#"{"refresh_token":"t","issued_at":"yesterday"}"#,
        r#"{"refresh_token":"t","expires_at":"2026-01-31T12:00:00Z"}"#,
        r#"{"refresh_token":"t"}{"#,
    ];
    for body in bodies {
        api.put(PATH, body).await.problem(422, "invalid-token");
    }
    let long = format!(r#"{{"refresh_token":"{}"}}"#, "t".repeat(4097));
    api.put(PATH, &long).await.problem(422, "invalid-token");
    api.put(PATH, &" ".repeat(16 * 1024 + 1)).await.problem(413, "too-large");
    send(api.request(Method::PUT, PATH).body("{}")).await.problem(415, "unsupported-media-type");
    api.get(PATH).await.problem(404, "not-found");
}
