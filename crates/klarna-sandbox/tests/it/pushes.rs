//! The checkout page, its button, and the pushes that follow.

use std::time::Duration;

use klarna_sandbox::{SandboxOptions, What};
use reqwest::redirect::Policy;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::shop::{Shop, order, text};

#[tokio::test]
async fn the_button_pays_and_pushes_are_sent_until_the_order_is_acknowledged() {
    let shop = Shop::open(SandboxOptions::default()).await;
    shop.post("/sandbox/options", json!({"push_after": "1ms"})).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut body = order("ref-1", None);
    body["merchant_urls"] = json!({
        "terms": "https://shop.example/terms", "checkout": "https://shop.example/checkout",
        "confirmation": "https://shop.example/thanks?o={checkout.order.id}",
        "push": format!("http://{address}/push?o={{checkout.order.id}}"),
    });
    let (_, created) = shop.order(&body).await;
    let id = text(&created, "order_id");
    let snippet = text(&created, "html_snippet");
    assert!(snippet.contains("/sandbox/checkout.js\""), "{snippet}");
    let page = async || {
        let answer = shop.http.get(shop.url(&format!("/sandbox/checkout/{id}"))).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let shown = page().await;
    assert!(shown.contains("5 × Yellow T-Shirt") && shown.contains("500.00 SEK"), "{shown}");

    let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([]).build();
    let paid = http.unwrap().post(shop.url(&format!("/sandbox/checkout/{id}"))).send().await.unwrap();
    assert_eq!(paid.headers()["location"], format!("https://shop.example/thanks?o={id}"));
    assert!(page().await.contains("Paid: 500.00 SEK"));

    for attempt in 1..=2 {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut head = [0; 512];
        let read = connection.read(&mut head).await.unwrap();
        let head = String::from_utf8_lossy(&head[..read]);
        assert!(head.starts_with(&format!("POST /push?o={id} HTTP/1.1")), "{head}");
        if attempt == 2 {
            let path = format!("/ordermanagement/v1/orders/{id}/acknowledge");
            let request = shop.http.post(shop.url(&path)).basic_auth("api-user", Some("password"));
            assert_eq!(request.send().await.unwrap().status(), 204);
        }
        connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
    }
    // All pushes would have been sent within 30 ms.
    let third = tokio::time::timeout(Duration::from_millis(300), listener.accept()).await;
    assert!(third.is_err(), "the order is acknowledged");
    let pushes = || {
        let record = shop.sandbox.admin().record().into_iter();
        let pushed = record.filter_map(|event| match event.what {
            What::Pushed { klarna_id, status } => Some((klarna_id, status)),
            _ => None,
        });
        pushed.collect::<Vec<_>>()
    };
    // The second one is recorded once its answer was read.
    let recorded = async {
        while pushes().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), recorded).await.expect("a push was not recorded");
    assert_eq!(pushes(), vec![(id.to_owned(), Some(204)); 2]);
}

#[tokio::test]
async fn an_order_that_is_over_has_no_button() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let (_, created) = shop.order(&order("ref-1", None)).await;
    let path = format!("/sandbox/checkout/{}", text(&created, "order_id"));
    shop.clock.advance(Duration::from_hours(48));
    assert_eq!(shop.http.get(shop.url(&path)).send().await.unwrap().status(), 404);
    assert_eq!(shop.http.post(shop.url(&path)).send().await.unwrap().status(), 404);
}
