//! `/v1/ops/breakers`

use reqwest::Method;
use serde_json::{Value, json as value};

use super::{Answer, Api, json, key, send};

const PATH: &str = "/v1/ops/breakers/probe";

async fn keyed() -> Api {
    let ops = key("operator", "key-of-ops", r#"scopes = ["ops"]"#);
    let reader = key("reader", "key-of-reader", r#"scopes = ["ops:read"]"#);
    let limited = key("limited", "key-of-limited", "scopes = [\"ops\"]\nmerchants = [\"other\"]");
    Api::with_keys(&[ops, reader, limited].concat()).await
}

async fn probe(api: &Api, key: &str, body: &Value) -> Answer {
    send(json(api.request(Method::POST, PATH).bearer_auth(key), body.to_string())).await
}

#[tokio::test]
async fn an_operator_orders_a_try_of_one_endpoint_or_of_all() {
    let api = keyed().await;
    let answer = probe(&api, "key-of-ops", &value!({"merchant": "shop", "endpoint": "checkout"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!((&told["merchant"], &told["endpoints"]), (&value!("shop"), &value!(["checkout"])));
    assert!(told["asked_at"].is_string(), "{told}");
    let told = probe(&api, "key-of-ops", &value!({"merchant": "shop"})).await.json();
    let all = value!(["token", "checkout", "payments", "checkout_session", "payments_session"]);
    assert_eq!(told["endpoints"], all);
    let rows = api.audited("key=operator").await;
    let told: Vec<_> = rows
        .iter()
        .filter(|row| row["action"] == "ops.breakers_probe")
        .map(|row| (row["merchant"].as_str().unwrap(), row["object"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("shop", "checkout"), ("shop", "all endpoints")]);
}

#[tokio::test]
async fn it_needs_the_scope_and_the_merchant() {
    let api = keyed().await;
    let of = |merchant: &str| value!({"merchant": merchant, "endpoint": "token"});
    probe(&api, "key-of-reader", &of("shop")).await.problem(403, "forbidden");
    probe(&api, "key-of-limited", &of("shop")).await.problem(403, "forbidden");
    assert_eq!(probe(&api, "key-of-limited", &of("other")).await.status, 200);
    probe(&api, "key-of-ops", &of("no-such")).await.problem(404, "unknown-merchant");
    for body in [
        value!({}),
        value!({"endpoint": "token"}),
        value!({"merchant": ""}),
        value!({"merchant": "shop", "endpoint": "every"}),
        value!({"merchant": "shop", "endpoint": null}),
        value!({"merchant": "shop", "endpoints": ["token"]}),
    ] {
        probe(&api, "key-of-ops", &body).await.problem(400, "invalid-request");
    }
}
