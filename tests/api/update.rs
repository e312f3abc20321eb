//! `PUT /v1/orders/{id}` for orders that are not at Klarna yet.

use reqwest::Method;
use serde_json::json;
use test_support::postgres::TestDatabase;

use super::{Answer, Api, ORDER, json, key, send};

impl Api {
    async fn change_order(
        &self,
        path: &str,
        if_match: Option<&str>,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let request = self.request(Method::PUT, path);
        let request = match if_match {
            Some(tag) => request.header("if-match", tag),
            None => request,
        };
        send(json(request, body)).await
    }
}

fn change(order: &str) -> String {
    format!(r#"{{"order":{order}}}"#)
}

/// The order with another text for the shopper.
fn changed() -> String {
    ORDER.replace("T-shirt", "Socks")
}

#[tokio::test]
async fn a_queued_order_gets_a_new_body() {
    a_new_body(&Api::open().await).await;
}

#[tokio::test]
async fn a_queued_order_gets_a_new_body_on_postgresql() {
    let database = TestDatabase::create().await;
    let api = Api::on(&database).await;
    a_new_body(&api).await;
    api.app.store.close().await;
    database.remove().await;
}

async fn a_new_body(api: &Api) {
    let path = format!("/v1/orders/{}", api.accepted("shop", "u-1").await);
    let first = api.get(&path).await;
    assert_eq!((first.header("etag"), &first.json()["version"]), ("\"1\"", &json!(1)));

    api.change_order(&path, None, change(&changed())).await.problem(428, "precondition-required");
    api.change_order(&path, Some("\"7\""), change(&changed())).await.problem(412, "precondition-failed");
    let bad = ORDER.replace("\"total_amount\":50000", "\"total_amount\":49000");
    let faults = api.change_order(&path, Some("\"1\""), change(&bad)).await.pointers("invalid-order");
    assert!(faults.contains(&"/order/order_lines/0/total_amount".to_owned()), "{faults:?}");
    let more = format!(r#"{{"order":{ORDER},"user":"u-2"}}"#);
    assert_eq!(api.change_order(&path, Some("*"), more).await.pointers("invalid-order"), ["/user"]);
    assert_eq!(api.get(&path).await.text, first.text, "nothing was changed");

    let second = api.change_order(&path, Some("\"1\""), change(&changed())).await;
    assert_eq!((second.status.as_u16(), second.header("etag")), (200, "\"2\""), "{second:?}");
    assert_eq!((&second.json()["status"], &second.json()["version"]), (&json!("queued"), &json!(2)));
    let again = api.change_order(&path, Some("\"1\""), change(&changed())).await;
    assert_eq!((again.status.as_u16(), again.text), (200, second.text), "a repeated request");
    api.change_order(&path, Some("\"1\""), change(ORDER)).await.problem(412, "precondition-failed");

    let claimed = api.claim().await;
    assert_eq!((&claimed[0].body, claimed[0].version), (&changed(), 2));
    let busy = api.change_order(&path, Some("\"2\""), change(ORDER)).await;
    busy.problem(409, "order-busy");
    assert_eq!(busy.header("retry-after"), "1");
}

#[tokio::test]
async fn an_order_that_has_ended_without_klarna_is_not_changed() {
    let api = Api::open().await;
    let path = format!("/v1/orders/{}", api.accepted("shop", "u-1").await);
    send(api.request(Method::POST, &format!("{path}/cancel"))).await;
    let problem = api.change_order(&path, Some("*"), change(&changed())).await.problem(409, "wrong-status");
    assert_eq!(problem["detail"], "the order was cancelled: submit a new order");
    let nobody = "/v1/orders/0197a5e0-7c00-7000-8000-000000000001";
    api.change_order(nobody, Some("*"), change(&changed())).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_change_needs_the_right_to_write_orders_of_the_merchant() {
    let keys = [
        key("reader", "a-key-that-only-reads-orders", "scopes = [\"orders:read\"]"),
        key("other", "a-key-of-another-merchant", "scopes = [\"orders\"]\nmerchants = [\"other\"]"),
        key("shop", "a-key-of-the-right-merchant", "scopes = [\"orders\"]\nmerchants = [\"shop\"]"),
    ];
    let api = Api::with_keys(&keys.concat()).await;
    let bearer = |key: &str| format!("Bearer {key}");
    let post = json(api.request(Method::POST, "/v1/orders"), super::envelope("shop", "u-1", ORDER));
    let posted = send(post.header("authorization", bearer("a-key-of-the-right-merchant"))).await;
    let path = format!("/v1/orders/{}", posted.json()["id"].as_str().unwrap());
    for (key, status) in [
        ("a-key-that-only-reads-orders", 403),
        ("a-key-of-another-merchant", 404),
        ("a-key-of-the-right-merchant", 200),
    ] {
        let put =
            api.request(Method::PUT, &path).header("if-match", "*").header("authorization", bearer(key));
        assert_eq!(send(json(put, change(&changed()))).await.status, status, "{key}");
    }
}
