//! Orders: created, recognised, refused.

use klarna_sandbox::{Leaks, Recognition, SandboxOptions, What};
use serde_json::json;

use crate::shop::{Shop, order, read, text};

#[tokio::test]
async fn an_order_is_created_echoed_and_recognised() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let answer = shop.granted(&shop.sign_in("u-1")).await;
    let access = text(&answer, "access_token");

    let created = shop.send_order(&order("ref-1", Some(access))).await.unwrap();
    assert!(created.headers().contains_key("klarna-correlation-id"));
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    let (status, echo) = read(created).await;
    assert_eq!(status, 201);
    let order_id = text(&echo, "order_id").to_owned();
    assert_eq!(location, shop.url(&format!("/checkout/v3/orders/{order_id}")));
    assert_eq!((text(&echo, "status"), &echo["order_amount"]), ("checkout_incomplete", &json!(50_000)));
    assert!(text(&echo, "html_snippet").contains(&order_id));
    assert_eq!(echo["customer"], json!({"date_of_birth": "1984-09-21"}));
    assert!(!echo.to_string().contains(access));

    shop.order(&order("ref-1", Some("ory_at_unknown"))).await;
    shop.order(&order("ref-2", None)).await;
    let orders = shop.stats().orders;
    assert_eq!((orders.requests, orders.total, orders.distinct_references, orders.duplicates), (3, 3, 2, 1));
    assert_eq!((orders.recognised, orders.not_recognised, orders.without_token), (1, 1, 1));

    let record = shop.sandbox.admin().record();
    let first = record.iter().find(|event| matches!(event.what, What::Order { .. })).unwrap();
    assert_eq!((first.user.as_deref(), first.family, first.generation), (Some("u-1"), Some(0), Some(1)));
    let (reference, recognition) = (Some("ref-1".to_owned()), Recognition::Recognised);
    assert_eq!(first.what, What::Order { order_id, reference, recognition, fault: None });
    assert_eq!(shop.get("/sandbox/record").await, serde_json::to_value(record).unwrap());
}

#[tokio::test]
async fn bad_orders_are_refused_in_klarnas_shape() {
    let api_user = Some(("api-user".to_owned(), "password".into()));
    let shop = Shop::open(SandboxOptions { api_user, ..SandboxOptions::default() }).await;
    let mut bad = order("ref-1", None);
    bad["order_tax_amount"] = json!(1);
    bad["purchase_country"] = json!("AQ");
    let answer = shop.send_order(&bad).await.unwrap();
    let id = answer.headers()["klarna-correlation-id"].to_str().unwrap().to_owned();
    let (status, error) = read(answer).await;
    assert_eq!(status, 400);
    let messages = ["Bad value: purchase_country", "Bad value: order_tax_amount"];
    assert_eq!(error, json!({"error_code": "BAD_VALUE", "error_messages": messages, "correlation_id": id}));

    let stranger = shop.http.post(shop.url("/checkout/v3/orders")).basic_auth("api-user", Some("guess"));
    assert_eq!(stranger.body(order("ref-1", None).to_string()).send().await.unwrap().status(), 401);
    let mut large = order("ref-1", None);
    large["merchant_data"] = json!("x".repeat(1024 * 1024));
    assert_eq!(shop.order(&large).await.0, 413);
    let orders = shop.stats().orders;
    assert_eq!((orders.requests, orders.total), (3, 0));
    assert_eq!(orders.refused, [(400, 1), (401, 1), (413, 1)].into());
}

#[tokio::test]
async fn an_idempotency_key_is_honoured_only_on_demand() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let create = async |key: &str| {
        let answer =
            shop.send_order_with(&order("ref-1", None), "klarna-idempotency-key", key).await.unwrap();
        text(&read(answer).await.1, "order_id").to_owned()
    };
    assert_ne!(create("key-1").await, create("key-1").await);
    shop.post("/sandbox/options", json!({"honour_idempotency_key": true})).await;
    let first = create("key-1").await;
    assert_eq!(create("key-1").await, first);
    assert_ne!(create("key-2").await, first);
    let orders = shop.stats().orders;
    assert_eq!((orders.total, orders.replayed), (4, 1));
}

#[tokio::test]
async fn secrets_that_reach_an_order_are_counted() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let answer = shop.granted(&shop.sign_in("u-1")).await;
    let mut leaking = order("ref-1", Some(text(&answer, "access_token")));
    assert_eq!(shop.order(&leaking).await.0, 201);
    assert_eq!(shop.stats().leaks, Leaks::default());
    leaking["merchant_data"] = answer["refresh_token"].clone();
    let issued = shop.get("/sandbox/issued").await;
    leaking["merchant_reference1"] = issued["national_identification_numbers"][0].clone();
    assert_eq!(shop.order(&leaking).await.0, 201);
    let leaks = shop.stats().leaks;
    assert_eq!((leaks.refresh_token_in_order, leaks.national_identification_number_in_order), (1, 1));
}
