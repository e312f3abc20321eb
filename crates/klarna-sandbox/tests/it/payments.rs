//! Sessions of Klarna Payments: created, recognised, read, updated, refused.

use std::time::Duration;

use klarna_sandbox::{Endpoint, Failure, SandboxOptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Shop, order, text};

const SESSIONS: &str = "/payments/v1/sessions";

impl Shop {
    async fn sessions(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = self.http.request(method, self.url(path)).basic_auth("api-user", Some("password"));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn create(&self, body: &Value) -> (u16, Value) {
        self.sessions(Method::POST, SESSIONS, Some(body)).await
    }
}

#[tokio::test]
async fn a_session_is_created_recognised_read_and_updated_for_48_hours() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let granted = shop.granted(&shop.sign_in("u-1")).await;
    let access = text(&granted, "access_token");
    let (status, created) = shop.create(&order("ref-1", Some(access))).await;
    assert_eq!(
        (status, created["payment_method_categories"][0]["identifier"].as_str()),
        (200, Some("klarna"))
    );
    let client_token = text(&created, "client_token").to_owned();
    let issued = shop.get("/sandbox/issued").await;
    assert_eq!(issued["client_tokens"], json!([client_token]));

    let path = format!("{SESSIONS}/{}", text(&created, "session_id"));
    let (status, read) = shop.sessions(Method::GET, &path, None).await;
    assert_eq!(
        (status, text(&read, "client_token"), text(&read, "status")),
        (200, &*client_token, "incomplete")
    );
    assert_eq!(
        (&read["order_amount"], &read["customer"]),
        (&json!(50_000), &json!({"date_of_birth": "1984-09-21"}))
    );

    shop.clock.advance(Duration::from_hours(47));
    let (status, _) =
        shop.sessions(Method::POST, &path, Some(&json!({"order_amount": 50_005, "locale": "sv-SE"}))).await;
    assert_eq!(status, 204);
    let (status, _) = shop.sessions(Method::POST, &path, Some(&json!({"order_amount": 50_006}))).await;
    assert_eq!(status, 400, "six off, with five items");
    shop.clock.advance(Duration::from_hours(47));
    let (_, read) = shop.sessions(Method::GET, &path, None).await;
    assert_eq!((&read["order_amount"], text(&read, "locale")), (&json!(50_005), "sv-SE"));
    shop.clock.advance(Duration::from_hours(1));
    assert_eq!(shop.sessions(Method::GET, &path, None).await.0, 404);
    assert_eq!(shop.sessions(Method::POST, &path, Some(&json!({}))).await.0, 404);

    shop.create(&order("ref-1", Some("ory_at_unknown"))).await;
    shop.create(&order("ref-2", None)).await;
    let (sessions, orders) = (shop.stats().sessions, shop.stats().orders);
    assert_eq!((sessions.requests, sessions.total, sessions.duplicates, orders.requests), (3, 3, 1, 0));
    assert_eq!((sessions.recognised, sessions.not_recognised, sessions.without_token), (1, 1, 1));
}

#[tokio::test]
async fn a_session_needs_less_than_an_order_and_is_refused_in_klarnas_shape() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let mut least = order("ref-1", None);
    least.as_object_mut().unwrap().remove("order_tax_amount");
    for name in ["tax_rate", "total_tax_amount"] {
        least["order_lines"][0].as_object_mut().unwrap().remove(name);
    }
    assert_eq!(shop.create(&least).await.0, 200);
    least["order_amount"] = json!(50_006);
    least["purchase_country"] = json!("AQ");
    let (status, error) = shop.create(&least).await;
    let messages = json!(["Bad value: purchase_country", "Bad value: order_amount"]);
    assert_eq!((status, &error["error_messages"]), (400, &messages));
    assert_eq!(shop.http.get(shop.url(&format!("{SESSIONS}/x"))).send().await.unwrap().status(), 401);

    shop.fail_next(Endpoint::Payments, Failure::Unavailable);
    assert_eq!(shop.order(&order("ref-2", None)).await.0, 201, "another endpoint");
    assert_eq!(shop.create(&order("ref-2", None)).await.0, 503);
    assert_eq!(shop.stats().sessions.refused, [(400, 1)].into());
}
