//! `/v1/ops/breakers`

use klarna_order_worker::breaker::{BreakerState, Endpoint, WaitingBreaker};
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

#[tokio::test]
async fn outages_are_listed_for_those_who_may_see_the_merchant() {
    let api = keyed().await;
    for merchant in ["shop", "other"] {
        let now = api.clock.now();
        let breaker = WaitingBreaker {
            endpoint: Endpoint::Checkout,
            merchant: merchant.into(),
            state: BreakerState::Open,
            cause: "HTTP 503".to_owned(),
            since: now,
            next_try: now,
        };
        api.app.store.begin_outage(&breaker).await.unwrap();
    }
    let listed = async |key: &str, query: &str| {
        let path = format!("/v1/ops/outages{query}");
        let list = send(api.request(Method::GET, &path).bearer_auth(key)).await.json();
        let outages = list["outages"].as_array().unwrap().iter();
        outages.map(|outage| outage["merchant"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("key-of-reader", "").await, ["other", "shop"]);
    assert_eq!(listed("key-of-reader", "?limit=1").await, ["other"]);
    assert_eq!(listed("key-of-reader", "?merchant=shop").await, ["shop"]);
    assert_eq!(listed("key-of-limited", "").await, ["other"]);
    let other = send(api.request(Method::GET, "/v1/ops/outages?merchant=shop").bearer_auth("key-of-limited"));
    other.await.problem(403, "forbidden");
    let wrong = send(api.request(Method::GET, "/v1/ops/outages?limit=0").bearer_auth("key-of-reader"));
    wrong.await.problem(400, "invalid-request");
}
