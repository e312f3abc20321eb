//! `GET /v1/merchants/{merchant}/users/{user}/export`

use std::collections::BTreeMap;
use std::time::Duration;

use klarna_order_worker::order::{Disposition, OrderError, OrderResult, Prefill, Target, TokenOutcome};
use klarna_order_worker::store::Published;
use klarna_order_worker::token::{ExchangeResult, Purpose, PurposeKind};
use reqwest::Method;
use test_support::postgres::TestDatabase;
use uuid::Uuid;

use super::{Answer, Api, json, key, send};

const PATH: &str = "/v1/merchants/shop/users/u-1";

fn export() -> String {
    format!("{PATH}/export")
}

async fn everything_is_exported_and_no_secret(api: &Api) {
    api.get(&export()).await.problem(404, "not-found");
    let webhooks = BTreeMap::from([("shop".into(), [1; 32])]);
    api.app.store.publish(&Published { order_deadline: Duration::from_mins(10), webhooks }).await.unwrap();
    for (user, token) in [("u-1", "sesame-token-1"), ("u-2", "sesame-token-2")] {
        let put = api.request(Method::PUT, &format!("/v1/merchants/shop/users/{user}/token"));
        assert_eq!(send(json(put, format!(r#"{{"refresh_token":"{token}"}}"#))).await.status, 204);
    }
    // More rows of each list than one query reads.
    for _ in 0..25 {
        let keeper = Purpose { kind: PurposeKind::Keeper, id: Uuid::now_v7().into() };
        api.exchanged("u-1", keeper, ExchangeResult::NotSent).await;
    }
    let mut orders = Vec::new();
    for number in 0..43 {
        orders.push(api.accepted("shop", "u-1").await);
        let disposition = if number % 2 == 0 {
            let error =
                OrderError { code: "bad_order".into(), message: "why".into(), ..OrderError::default() };
            Disposition::Failed { error, token: None, prefilled: Prefill::default() }
        } else {
            Disposition::Submitted {
                klarna_id: format!("k-{number}"),
                target: Target::Checkout,
                result: Some(OrderResult::Checkout { html_snippet: "<div>sesame</div>".into() }),
                correlation_id: None,
                token: TokenOutcome::Fresh,
                prefilled: Prefill::default(),
            }
        };
        api.settle(&disposition).await;
    }
    let queued = api.post_order(super::envelope("shop", "u-1", super::ORDER).replacen(
        '{',
        r#"{"idempotency_key":"cart-1","#,
        1,
    ));
    orders.push(queued.await.json()["id"].as_str().unwrap().to_owned());
    api.accepted("shop", "u-2").await;

    let answer = api.get(&export()).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.text.contains("sesame") && !answer.text.contains("u-2"), "{}", answer.text);
    let document = answer.json();
    assert_eq!((&document["merchant"], &document["user"]), (&"shop".into(), &"u-1".into()));
    assert_eq!(document["token"]["state"], "active");
    let history = document["history"].as_array().unwrap();
    let history: Vec<i64> = history.iter().map(|row| row["presentation"].as_i64().unwrap()).collect();
    assert_eq!(history, (1..=25).rev().collect::<Vec<_>>(), "newest first");
    let exported = document["orders"].as_array().unwrap();
    let ids: Vec<&str> = exported.iter().map(|order| order["order"]["id"].as_str().unwrap()).collect();
    orders.reverse();
    assert_eq!(ids, orders, "newest first");
    assert_eq!(
        (&exported[0]["order"]["idempotency_key"], exported[1]["order"].get("idempotency_key")),
        (&"cart-1".into(), None)
    );
    // As the shop wrote it.
    assert!(answer.text.contains(&format!(r#""body":{}"#, super::ORDER)), "{}", answer.text);
    assert_eq!(exported[1]["order"]["error"]["code"], "bad_order");
    assert_eq!(exported[1]["failed_attempts"][0]["error"]["message"], "why");
    assert_eq!(exported[2]["order"]["klarna_order_id"], "k-41");
    let webhooks = document["webhooks"].as_array().unwrap();
    let told: Vec<&str> = webhooks.iter().map(|event| event["data"]["order_id"].as_str().unwrap()).collect();
    assert_eq!((told.len(), &told[..]), (43, &ids[1..]), "newest first");
    assert_eq!((&webhooks[0]["kind"], &webhooks[0]["status"]), (&"order.failed".into(), &"pending".into()));

    assert_eq!(send(api.request(Method::DELETE, PATH)).await.status, 204);
    api.get(&export()).await.problem(404, "not-found");
}

#[tokio::test]
async fn everything_is_exported_and_no_secret_on_sqlite() {
    everything_is_exported_and_no_secret(&Api::open().await).await;
}

#[tokio::test]
async fn everything_is_exported_and_no_secret_on_postgres() {
    let database = TestDatabase::create().await;
    let api = Api::on(&database).await;
    everything_is_exported_and_no_secret(&api).await;
    api.app.store.close().await;
    database.remove().await;
}

#[tokio::test]
async fn exporting_needs_both_scopes_and_the_merchant() {
    let keys = [
        key("both", "both-key", "scopes = [\"orders:read\", \"tokens:read\"]\nmerchants = [\"shop\"]"),
        key("orders", "orders-key", "scopes = [\"orders\", \"ops\"]"),
        key("tokens", "tokens-key", "scopes = [\"tokens\", \"tokens:vend\", \"ops\"]"),
    ];
    let api = Api::with_keys(&keys.concat()).await;
    let get = |path: &str, key: &str| send(api.request(Method::GET, path).bearer_auth(key));
    assert_eq!(send(api.request(Method::GET, &export())).await.status, 401);
    for key in ["orders-key", "tokens-key"] {
        get(&export(), key).await.problem(403, "forbidden");
    }
    get("/v1/merchants/other/users/u-1/export", "both-key").await.problem(403, "forbidden");
    let none: Answer = get(&export(), "both-key").await;
    none.problem(404, "not-found");
}
