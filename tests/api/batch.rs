//! `POST /v1/orders/batch`

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::postgres::TestDatabase;

use super::{Answer, Api, ORDER, envelope, key, send};

impl Api {
    async fn batch(&self, body: impl Into<reqwest::Body>) -> Answer {
        self.batch_as("application/json", body).await
    }

    pub(super) async fn batch_as(&self, media_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, "/v1/orders/batch").header("content-type", media_type);
        send(request.body(body)).await
    }
}

fn keyed(merchant: &str, key: &str) -> String {
    format!(r#"{{"merchant":"{merchant}","user":"u-{key}","idempotency_key":"{key}","order":{ORDER}}}"#)
        .replace('\n', " ")
}

fn counts(answer: &Value) -> [u64; 3] {
    ["new", "known", "refused"].map(|count| answer[count].as_u64().unwrap())
}

#[tokio::test]
async fn a_bad_order_does_not_keep_the_others_out() {
    let api = Api::open().await;
    let faulty = envelope("shop", "u-1", &ORDER.replace("50000", "49000"));
    let orders = [
        keyed("shop", "a"),
        faulty,
        "17".into(),
        keyed("no-such", "b"),
        keyed("other", "a"),
        keyed("shop", "a"),
    ];
    let answer = api.batch(format!("[{}]", orders.join(","))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    assert_eq!(counts(&answer), [2, 1, 3]);
    let results: Vec<&str> =
        answer["orders"].as_array().unwrap().iter().map(|o| o["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["new", "refused", "refused", "refused", "new", "known"]);
    let of = |at: usize| &answer["orders"][at];
    assert_eq!(of(0)["id"], of(5)["id"]);
    assert_eq!((&of(1)["problem"]["status"], &of(1)["id"]), (&json!(422), &Value::Null));
    assert_eq!(of(3)["problem"]["faults"][0]["pointer"], "/merchant");
    let shown = api.get(&format!("/v1/orders/{}", of(4)["id"].as_str().unwrap())).await.json();
    assert_eq!((&shown["merchant"], &shown["user"]), (&json!("other"), &json!("u-a")));
    assert_eq!(api.claim().await.len(), 2);
}

#[tokio::test]
async fn lines_do_as_well_as_an_array() {
    let api = Api::open().await;
    let lines = [keyed("shop", "a"), String::new(), "{".into(), keyed("shop", "b")].join("\r\n");
    api.batch(lines.clone()).await.problem(422, "invalid-order");
    for (media_type, expected) in [("application/x-ndjson", [2, 0, 1]), ("Application/JSONL", [0, 2, 1])] {
        assert_eq!(counts(&api.batch_as(media_type, lines.clone()).await.json()), expected, "{media_type}");
    }
    assert_eq!(counts(&api.batch_as("application/jsonl", "").await.json()), [0, 0, 0]);
}

#[tokio::test]
async fn what_is_no_batch_is_refused_as_a_whole() {
    let api = Api::open().await;
    assert_eq!(api.batch(format!("[{}", keyed("shop", "a"))).await.pointers("invalid-order"), [""]);
    api.batch(format!("[{}]", vec!["1"; 1001].join(","))).await.problem(422, "invalid-order");
    api.batch(" ".repeat(16_000_001)).await.problem(413, "too-large");
    api.batch_as("text/plain", keyed("shop", "a")).await.problem(415, "unsupported-media-type");
    let with_header = api.request(Method::POST, "/v1/orders/batch").header("idempotency-key", "k");
    send(super::json(with_header, "[]")).await.problem(400, "invalid-request");
    assert!(api.claim().await.is_empty());
    api.app.store.close().await;
    let away = api.batch(format!("[{}]", keyed("shop", "a"))).await;
    away.problem(503, "unavailable");
    assert_eq!(away.header("retry-after"), "2");
}

#[tokio::test]
async fn a_key_hands_in_orders_of_its_merchants_alone() {
    let limited = key("limited", "key-of-other", "scopes = [\"orders\"]\nmerchants = [\"other\"]");
    let api = Api::with_keys(&limited).await;
    let body = format!("[{},{}]", keyed("shop", "a"), keyed("other", "a"));
    let request =
        super::json(api.request(Method::POST, "/v1/orders/batch").bearer_auth("key-of-other"), body);
    let answer = send(request).await.json();
    assert_eq!(counts(&answer), [1, 0, 1]);
    assert_eq!(answer["orders"][0]["problem"]["type"], "urn:klarna-order-worker:problem:forbidden");
}

/// Batches with the same keys in different orders must not deadlock.
async fn batches_that_cross(api: &Api) {
    let batch = |turned: usize| {
        let mut orders: Vec<String> = (0..40).map(|n| keyed("shop", &n.to_string())).collect();
        orders.rotate_left(turned);
        api.batch(format!("[{}]", orders.join(",")))
    };
    let answers = join_all([0, 10, 20, 30].map(batch)).await;
    let counted: Vec<[u64; 3]> = answers.iter().map(|answer| counts(&answer.json())).collect();
    assert_eq!(counted.iter().map(|[new, ..]| new).sum::<u64>(), 40, "{counted:?}");
    assert!(counted.iter().all(|[_, _, refused]| *refused == 0), "{counted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_with_the_same_keys_at_once_take_each_order_once() {
    batches_that_cross(&Api::open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_with_the_same_keys_at_once_take_each_order_once_on_postgresql() {
    let database = TestDatabase::create().await;
    let api = Api::on(&database).await;
    batches_that_cross(&api).await;
    api.app.store.close().await;
    database.remove().await;
}
