//! Keys, scopes, merchants.

use std::time::Duration;

use reqwest::Method;

use super::{Answer, Api, ORDER, envelope, json, key, send};

const TOKEN: &str = "/v1/merchants/shop/users/u-1/token";

async fn keyed() -> Api {
    let all = key("all", "key-of-all", r#"scopes = ["orders", "tokens"]"#);
    let orders = key("orders", "key-of-orders", r#"scopes = ["orders"]"#);
    let tokens = key("tokens", "key-of-tokens", r#"scopes = ["tokens"]"#);
    let ops = key("ops", "key-of-ops", r#"scopes = ["ops"]"#);
    let limited =
        key("limited", "key-of-other", "scopes = [\"orders\", \"tokens\"]\nmerchants = [\"other\"]");
    Api::with_keys(&[all, orders, tokens, ops, limited].concat()).await
}

impl Api {
    async fn as_key(&self, key: &str, method: Method, path: &str, body: Option<String>) -> Answer {
        let request = self.request(method, path).bearer_auth(key);
        send(match body {
            Some(body) => json(request, body),
            None => request,
        })
        .await
    }
}

#[tokio::test]
async fn a_key_is_asked_for_and_checked() {
    let api = keyed().await;
    let refused = |answer: &Answer| {
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    };
    refused(&api.get("/v1/orders").await);
    for header in
        ["", "Bearer", "Bearer ", "Basic key-of-all", "key-of-all", "Bearer key-of-al", "Bearer key-of-alll"]
    {
        refused(&send(api.request(Method::GET, "/v1/orders").header("authorization", header)).await);
    }
    refused(&api.post_order(envelope("shop", "u-1", ORDER)).await);
    assert!(api.claim().await.is_empty(), "nothing was stored");

    for header in ["Bearer key-of-all", "bearer key-of-all", "BEARER  key-of-all"] {
        let answer = send(api.request(Method::GET, "/v1/orders").header("authorization", header)).await;
        assert_eq!(answer.status, 200, "{header}");
    }
}

#[tokio::test]
async fn a_key_is_good_for_its_scopes_alone() {
    let api = keyed().await;
    let refused = api.as_key("key-of-orders", Method::GET, TOKEN, None).await.problem(403, "forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("\"tokens:read\""), "{refused}");
    for method in [Method::PUT, Method::DELETE] {
        api.as_key("key-of-orders", method, TOKEN, Some("{}".into())).await.problem(403, "forbidden");
    }
    let order = envelope("shop", "u-1", ORDER);
    let refused = api.as_key("key-of-tokens", Method::POST, "/v1/orders", Some(order.clone())).await;
    let refused = refused.problem(403, "forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("\"orders:write\""), "{refused}");

    assert_eq!(api.as_key("key-of-orders", Method::POST, "/v1/orders", Some(order)).await.status, 202);
    api.as_key("key-of-tokens", Method::GET, TOKEN, None).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_key_is_good_for_its_merchants_alone() {
    let api = keyed().await;
    let post =
        |key, merchant| api.as_key(key, Method::POST, "/v1/orders", Some(envelope(merchant, "u-1", ORDER)));
    let (of_shop, of_other) = (post("key-of-all", "shop").await, post("key-of-other", "other").await);
    assert_eq!((of_shop.status.as_u16(), of_other.status.as_u16()), (202, 202));

    // An order of another merchant counts as not found, at once and not after the wait.
    let path = of_shop.header("location").to_owned();
    let theirs = api_get(&api, "key-of-other", &format!("{path}?wait=60s")).await.problem(404, "not-found");
    let none = api_get(&api, "key-of-other", "/v1/orders/00000000-0000-7000-8000-000000000000").await;
    assert_eq!(theirs, none.problem(404, "not-found"));
    assert_eq!(api_get(&api, "key-of-other", of_other.header("location")).await.json()["merchant"], "other");

    post("key-of-other", "shop").await.problem(403, "forbidden");
    // The answer does not show which merchants exist either.
    let unknown = post("key-of-other", "no-such").await;
    unknown.problem(403, "forbidden");
    assert!(!unknown.text.contains("shop"), "{unknown:?}");
    for method in [Method::PUT, Method::GET, Method::DELETE] {
        let body = Some(r#"{"refresh_token":"t"}"#.into());
        api.as_key("key-of-other", method, TOKEN, body).await.problem(403, "forbidden");
    }

    let listed = api_get(&api, "key-of-other", "/v1/orders").await.json();
    assert_eq!(listed["orders"].as_array().unwrap().len(), 1);
    assert_eq!(listed["orders"][0]["merchant"], "other");
    api_get(&api, "key-of-other", "/v1/orders?merchant=shop").await.problem(403, "forbidden");
    assert_eq!(api_get(&api, "key-of-all", "/v1/orders").await.json()["orders"].as_array().unwrap().len(), 2);
}

async fn api_get(api: &Api, key: &str, path: &str) -> Answer {
    api.as_key(key, Method::GET, path, None).await
}

#[tokio::test]
async fn a_new_key_works_beside_the_old_one() {
    let (old, new) = (
        key("shop-2025", "old", r#"scopes = ["orders"]"#),
        key("shop-2026", "new", r#"scopes = ["orders"]"#),
    );
    let api = Api::with_keys(&[old, new].concat()).await;
    for key in ["old", "new"] {
        assert_eq!(api_get(&api, key, "/v1/orders").await.status, 200, "{key}");
    }
}

#[tokio::test]
async fn whoever_is_not_let_in_is_counted() {
    let api = keyed().await;
    for key in ["guess-1", "guess-2"] {
        api_get(&api, key, "/v1/orders").await.problem(401, "unauthorized");
    }
    // Refused because the scope is missing, and because the merchant is.
    api_get(&api, "key-of-tokens", "/v1/orders").await.problem(403, "forbidden");
    api_get(&api, "key-of-other", TOKEN).await.problem(403, "forbidden");
    assert_eq!(api_get(&api, "key-of-all", "/v1/orders").await.status, 200);
    let health = api_get(&api, "key-of-ops", "/readyz?verbose").await.json();
    assert_eq!(health["refused"], serde_json::json!({"unauthorized": 2, "forbidden": 2}));
}

#[tokio::test]
async fn metrics_need_a_key_for_operators() {
    let api = keyed().await;
    api.get("/metrics").await.problem(401, "unauthorized");
    api_get(&api, "key-of-all", "/metrics").await.problem(403, "forbidden");
    let answer = api_get(&api, "key-of-ops", "/metrics").await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (200, "metrics\n"));
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    api_get(&api, "key-of-ops", "/v1/orders").await.problem(403, "forbidden");
}

#[tokio::test]
async fn what_names_every_merchant_needs_a_key_of_all() {
    let ops = key("ops", "key-of-ops", r#"scopes = ["ops"]"#);
    let limited = key("limited", "key-of-one", "scopes = [\"ops\", \"orders\"]\nmerchants = [\"other\"]");
    let orders = key("orders", "key-of-orders", r#"scopes = ["orders"]"#);
    let api = Api::with_keys(&[ops, limited, orders].concat()).await;
    for path in ["/metrics", "/readyz?verbose", "/readyz?%76erbose", "/readyz?verbose=1"] {
        api.get(path).await.problem(401, "unauthorized");
        api_get(&api, "key-of-orders", path).await.problem(403, "forbidden");
        let refused = api_get(&api, "key-of-one", path).await.problem(403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains("server.probes"), "{refused}");
        assert_eq!(api_get(&api, "key-of-ops", path).await.status, 200, "{path}");
    }
    assert_eq!(api_get(&api, "key-of-one", "/v1/orders").await.status, 200);
}

#[tokio::test]
async fn health_and_description_ask_for_no_key() {
    let api = keyed().await;
    for path in ["/livez", "/readyz", "/openapi.json", "/docs/"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn without_keys_everybody_on_the_machine_is_let_in() {
    let api = Api::open().await;
    api.accepted("shop", "u-1").await;
    api.get(TOKEN).await.problem(404, "not-found");
}

#[tokio::test]
async fn reading_and_writing_are_allowed_apart() {
    let scopes =
        ["orders:read", "orders:write", "tokens:read", "tokens:write", "tokens:vend", "ops:read", "ops"];
    let keys: Vec<String> = scopes
        .iter()
        .map(|scope| key(&scope.replace(':', "-"), scope, &format!("scopes = [\"{scope}\"]")))
        .collect();
    let api = Api::with_keys(&keys.concat()).await;
    let user = "/v1/merchants/shop/users/u-1";
    let id = "/v1/orders/00000000-0000-7000-8000-000000000000";
    for (method, path, allowed) in [
        (Method::GET, "/v1/orders".to_owned(), "orders:read"),
        (Method::GET, id.to_owned(), "orders:read"),
        (Method::POST, "/v1/orders".to_owned(), "orders:write"),
        (Method::POST, "/v1/orders/batch".to_owned(), "orders:write"),
        (Method::POST, format!("{id}/cancel"), "orders:write"),
        (Method::POST, format!("{id}/retry"), "orders:write"),
        (Method::GET, TOKEN.to_owned(), "tokens:read"),
        (Method::GET, format!("{TOKEN}/history"), "tokens:read"),
        (Method::GET, "/v1/merchants/shop/users".to_owned(), "tokens:read"),
        (Method::PUT, TOKEN.to_owned(), "tokens:write"),
        (Method::DELETE, TOKEN.to_owned(), "tokens:write"),
        (Method::POST, format!("{user}/access-token"), "tokens:vend"),
        (Method::DELETE, user.to_owned(), "none alone"),
        (Method::GET, "/metrics".to_owned(), "ops:read ops"),
        (Method::GET, "/readyz?verbose".to_owned(), "ops:read ops"),
        (Method::GET, "/v1/ops/pauses".to_owned(), "ops:read ops"),
        (Method::POST, "/v1/ops/pauses".to_owned(), "ops"),
        (Method::DELETE, "/v1/ops/pauses".to_owned(), "ops"),
        (Method::POST, "/v1/ops/breakers/probe".to_owned(), "ops"),
        (Method::POST, "/v1/ops/drain".to_owned(), "ops"),
        (Method::POST, "/v1/orders/retry".to_owned(), "ops"),
        (Method::POST, "/v1/orders/cancel".to_owned(), "ops"),
        (Method::POST, "/v1/orders/retry-follow-ups".to_owned(), "ops"),
        (Method::POST, "/v1/webhooks/resend".to_owned(), "ops"),
        (Method::POST, "/v1/merchants/shop/webhook/test".to_owned(), "ops"),
        (Method::GET, "/v1/merchants/shop/webhook/answers".to_owned(), "ops:read ops"),
        (Method::POST, format!("{TOKEN}/resolve"), "ops"),
    ] {
        for scope in scopes {
            let answer = api.as_key(scope, method.clone(), &path, None).await;
            let is_allowed = allowed.split(' ').any(|allowed| allowed == scope);
            assert_eq!(answer.status != 403, is_allowed, "{method} {path} with {scope}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn the_scope_tokens_gets_no_access_token() {
    let api = keyed().await;
    let path = "/v1/merchants/shop/users/u-1/access-token";
    for key in ["key-of-all", "key-of-tokens", "key-of-ops"] {
        let refused = api.as_key(key, Method::POST, path, None).await.problem(403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains("\"tokens:vend\""), "{refused}");
    }
    // A process without a vault says where to go instead, and other merchants stay closed.
    let vending = key("vend", "key-of-vend", "scopes = [\"tokens:vend\"]\nmerchants = [\"shop\"]");
    let api = Api::with_keys(&vending).await;
    let refused = api.as_key("key-of-vend", Method::POST, path, None).await;
    refused.problem(503, "no-access-token");
    assert_eq!(refused.header("retry-after"), "60");
    let other = path.replace("shop", "other");
    api.as_key("key-of-vend", Method::POST, &other, None).await.problem(403, "forbidden");
    api.as_key("key-of-vend", Method::GET, TOKEN, None).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_key_has_a_time_and_a_place() {
    let here = key(
        "here",
        "key-from-here",
        "scopes = [\"orders\", \"ops\"]\nsources = [\"127.0.0.0/8\"]\nexpires_at = \"2100-01-01\"",
    );
    let there =
        key("there", "key-from-there", "scopes = [\"orders\", \"ops\"]\nsources = [\"192.0.2.0/24\"]");
    let api = Api::with_keys(&[here, there].concat()).await;
    assert_eq!(api_get(&api, "key-from-here", "/v1/orders").await.status, 200);
    let refused = api_get(&api, "key-from-there", "/v1/orders").await.problem(403, "forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("sources"), "{refused}");
    api.clock.advance(Duration::from_hours(24 * 366 * 80));
    let refused = api_get(&api, "key-from-here", "/v1/orders").await.problem(401, "unauthorized");
    assert!(refused["detail"].as_str().unwrap().contains("expired"), "{refused}");
}
