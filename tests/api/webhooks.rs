//! Webhook endpoints: a test event, and the last answers.

use std::collections::BTreeMap;
use std::time::Duration;

use klarna_order_worker::store::{Answer, Delivery, EventKind, Published};
use reqwest::Method;
use serde_json::json;

use super::{Api, key, send};

const TEST: &str = "/v1/merchants/shop/webhook/test";
const ANSWERS: &str = "/v1/merchants/shop/webhook/answers";

#[tokio::test]
async fn an_endpoint_is_tested_and_tells_its_answers() {
    let ops = key("operator", "key-of-ops", "scopes = [\"ops\"]");
    let looker = key("looker", "key-of-looker", "scopes = [\"ops:read\"]");
    let limited = key("limited", "key-of-limited", "scopes = [\"ops\"]\nmerchants = [\"other\"]");
    let api = Api::with_keys(&[ops, looker, limited].concat()).await;
    let ask =
        async |key: &str, method: Method, path: &str| send(api.request(method, path).bearer_auth(key)).await;
    ask("key-of-ops", Method::POST, TEST).await.problem(404, "not-found");
    let store = &api.app.store;
    let webhooks = BTreeMap::from([("shop".into(), [1; 32])]);
    store.publish(&Published { order_deadline: Duration::from_mins(10), webhooks }).await.unwrap();
    ask("key-of-looker", Method::POST, TEST).await.problem(403, "forbidden");
    ask("key-of-limited", Method::POST, TEST).await.problem(403, "forbidden");
    ask("key-of-limited", Method::GET, ANSWERS).await.problem(403, "forbidden");
    assert_eq!(ask("key-of-looker", Method::GET, ANSWERS).await.json(), json!({ "answers": [] }));
    let tested = ask("key-of-ops", Method::POST, TEST).await;
    assert_eq!(tested.status, 200, "{tested:?}");

    let shares = BTreeMap::from([("shop".into(), 1)]);
    let event = store.claim_webhooks(&shares, Duration::from_mins(1)).await.unwrap().remove(0);
    let answer = Answer { status: Some(204), took: Duration::from_millis(35) };
    store.settle_webhook(event.claim, &Delivery::Delivered, answer).await.unwrap();
    let mut told = ask("key-of-looker", Method::GET, ANSWERS).await.json();
    assert!(told["answers"][0]["at"].take().is_string());
    let id = &tested.json()["id"];
    let wanted = json!({ "id": id, "type": "webhook.test", "at": null, "status": 204, "took_ms": 35 });
    assert_eq!(told, json!({ "answers": [wanted] }));
}

#[test]
fn the_description_has_every_kind_of_event() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let selection = &document["components"]["schemas"]["WebhookSelection"]["properties"];
    let words: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let pattern = format!("^({})$", words.join("|").replace('.', "\\."));
    assert_eq!(selection["kind"]["pattern"], pattern);
}
