//! What happens to an order or session after it was created: read, updated, paid, acknowledged,
//! aborted.

use std::time::Duration;

use klarna_sandbox::{SandboxOptions, What};
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Shop, order, read, text};

impl Shop {
    /// Calls Klarna's API, with a body if one is given.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.http.request(method, self.url(path)).basic_auth("api-user", Some("password"));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn paid(&self, klarna_id: &str) -> bool {
        let answer = self.http.post(self.url("/sandbox/pay"));
        let answer = answer.body(json!({ "klarna_id": klarna_id }).to_string()).send().await.unwrap();
        read(answer).await.1["paid"] == true
    }
}

#[tokio::test]
async fn an_order_is_read_updated_paid_and_acknowledged() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let (_, created) = shop.order(&order("ref-1", None)).await;
    let id = text(&created, "order_id");
    let (path, management) =
        (format!("/checkout/v3/orders/{id}"), format!("/ordermanagement/v1/orders/{id}"));
    assert_eq!(shop.call(Method::GET, &path, None).await, (200, created.clone()));
    assert_eq!(shop.call(Method::GET, &management, None).await.0, 404, "not paid");

    shop.clock.advance(Duration::from_hours(47));
    let (status, updated) = shop.call(Method::POST, &path, Some(json!({ "locale": "en-SE" }))).await;
    assert_eq!(
        (status, text(&updated, "locale"), &updated["order_id"]),
        (200, "en-SE", &created["order_id"])
    );
    let bad = json!({ "order_amount": 1 });
    assert_eq!(shop.call(Method::POST, &path, Some(bad.clone())).await.0, 400);
    shop.clock.advance(Duration::from_hours(47));
    assert_eq!(shop.call(Method::GET, &path, None).await, (200, updated), "the update gave it more time");

    assert!(shop.paid(id).await);
    let (status, complete) = shop.call(Method::GET, &path, None).await;
    assert_eq!((status, text(&complete, "status")), (200, "checkout_complete"));
    let (status, refusal) = shop.call(Method::POST, &path, Some(bad)).await;
    assert_eq!((status, text(&refusal, "error_code")), (403, "READ_ONLY_RESOURCE"));
    let (status, managed) = shop.call(Method::GET, &management, None).await;
    assert_eq!((status, text(&managed, "status")), (200, "AUTHORIZED"));
    assert_eq!(
        (&managed["order_amount"], &managed["merchant_reference2"]),
        (&json!(50_000), &json!("ref-1"))
    );
    let acknowledge = format!("{management}/acknowledge");
    assert_eq!(shop.call(Method::POST, &acknowledge, None).await.0, 204);
    let klarna_id = id.to_owned();
    let last = shop.sandbox.admin().record().pop().unwrap();
    assert_eq!(last.what, What::Acknowledged { klarna_id });
}

#[tokio::test]
async fn an_order_that_is_aborted_or_over_is_not_found() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let (_, created) = shop.order(&order("ref-1", None)).await;
    let path = format!("/checkout/v3/orders/{}", text(&created, "order_id"));
    assert_eq!(shop.call(Method::POST, &format!("{path}/abort"), None).await.0, 200);
    for (method, path) in [(Method::GET, path.clone()), (Method::POST, format!("{path}/abort"))] {
        assert_eq!(shop.call(method, &path, None).await.0, 404);
    }
    assert!(!shop.paid(text(&created, "order_id")).await);

    let (_, created) = shop.order(&order("ref-2", None)).await;
    let path = format!("/checkout/v3/orders/{}", text(&created, "order_id"));
    shop.clock.advance(Duration::from_hours(48));
    assert_eq!(shop.call(Method::GET, &path, None).await.0, 404);
    assert_eq!(shop.call(Method::POST, &path, Some(json!({}))).await.0, 404);
    assert_eq!(shop.http.get(shop.url(&path)).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_session_that_is_complete_is_not_updated() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let (_, created) = shop.call(Method::POST, "/payments/v1/sessions", Some(order("ref-1", None))).await;
    let path = format!("/payments/v1/sessions/{}", text(&created, "session_id"));
    assert!(shop.paid(text(&created, "session_id")).await);
    assert_eq!(text(&shop.call(Method::GET, &path, None).await.1, "status"), "complete");
    assert_eq!(shop.call(Method::POST, &path, Some(json!({ "locale": "en-SE" }))).await.0, 403);
}
