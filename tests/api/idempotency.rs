//! Repeated requests with an idempotency key.

use futures::future::join_all;
use reqwest::Method;
use test_support::postgres::TestDatabase;

use super::{Answer, Api, ORDER, envelope, json, send};

async fn post(api: &Api, key: &str, body: String) -> Answer {
    send(json(api.request(Method::POST, "/v1/orders").header("idempotency-key", key), body)).await
}

fn with_key(key: &str) -> String {
    format!(r#"{{"merchant":"shop","user":"u-1","idempotency_key":"{key}","order":{ORDER}}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_equal_posts_at_once_are_one_order() {
    fifty_equal_posts(&Api::open().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_equal_posts_at_once_are_one_order_on_postgresql() {
    let database = TestDatabase::create().await;
    let api = Api::on(&database).await;
    fifty_equal_posts(&api).await;
    api.app.store.close().await;
    database.remove().await;
}

async fn fifty_equal_posts(api: &Api) {
    let answers = join_all((0..50).map(|_| post(api, "cart-1", envelope("shop", "u-1", ORDER)))).await;
    for answer in &answers {
        assert_eq!((answer.status.as_u16(), &answer.text), (202, &answers[0].text));
        assert_eq!(answer.header("location"), answers[0].header("location"));
    }
    assert_eq!(api.claim().await.len(), 1);
}

#[tokio::test]
async fn a_key_names_one_request_of_one_merchant() {
    let api = Api::open().await;
    let first = post(&api, "cart-1", envelope("shop", "u-1", ORDER)).await.json()["id"].clone();
    let reused =
        post(&api, "cart-1", envelope("shop", "u-2", ORDER)).await.problem(422, "idempotency-key-reused");
    assert!(reused["detail"].as_str().unwrap().contains(first.as_str().unwrap()), "{reused}");
    let other = post(&api, "cart-1", envelope("other", "u-1", ORDER)).await;
    assert_eq!(other.status, 202);
    assert_ne!(other.json()["id"], first);
    let unnamed = api.post_order(envelope("shop", "u-1", ORDER)).await.json()["id"].clone();
    assert_ne!(unnamed, first, "without a key each post is an order");
}

#[tokio::test]
async fn header_and_body_name_the_same_key() {
    let api = Api::open().await;
    let first = post(&api, "cart-1", envelope("shop", "u-1", ORDER)).await;
    for again in [api.post_order(with_key("cart-1")).await, post(&api, "cart-1", with_key("cart-1")).await] {
        assert_eq!((again.status.as_u16(), again.text), (202, first.text.clone()));
    }
    assert_eq!(
        post(&api, "cart-2", with_key("cart-1")).await.pointers("invalid-order"),
        ["/idempotency_key"]
    );
    assert_eq!(api.claim().await.len(), 1);
}

#[tokio::test]
async fn a_header_that_is_no_key_is_refused() {
    let api = Api::open().await;
    for bad in ["", "two words", "ünicode", &"k".repeat(256)] {
        post(&api, bad, envelope("shop", "u-1", ORDER)).await.problem(400, "invalid-request");
    }
    let twice =
        api.request(Method::POST, "/v1/orders").header("idempotency-key", "a").header("idempotency-key", "a");
    send(json(twice, envelope("shop", "u-1", ORDER))).await.problem(400, "invalid-request");
    assert!(api.claim().await.is_empty());
}
