//! Sessions of Klarna Payments: created, recognised, read, updated, refused, authorised, and placed
//! as orders.

use std::time::Duration;

use klarna_sandbox::{Endpoint, Failure, SandboxOptions, What};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

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

#[tokio::test]
async fn an_authorised_session_becomes_an_order_of_order_management() {
    let shop = Shop::open(SandboxOptions::default()).await;
    shop.post("/sandbox/options", json!({"push_after": "1ms"})).await;
    let pushed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let body = order("ref-1", None);
    let (_, created) = shop.create(&body).await;
    let (session, client_token) = (text(&created, "session_id"), text(&created, "client_token"));

    // In the browser: the frame of Klarna's script, and the shopper's consent.
    let script = shop.http.get(shop.url("/sandbox/payments.js")).send().await.unwrap();
    assert!(script.text().await.unwrap().contains("klarnaAsyncCallback"));
    let frame = async || {
        let answer = shop.http.get(shop.url(&format!("/sandbox/payments/{session}"))).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert!(frame().await.1.contains("500.00 SEK"));
    let authorize = async |client_token: &str| {
        let request = shop.http.post(shop.url("/sandbox/payments/authorize")).body(client_token.to_owned());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["access-control-allow-origin"], "*", "the page is of another origin");
        serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap()
    };
    assert_eq!(authorize("forged").await, json!({"approved": false, "show_form": false}));
    let authorization = async || {
        let authorised = authorize(client_token).await;
        assert_eq!(authorised["approved"], true, "{authorised}");
        format!("/payments/v1/authorizations/{}", text(&authorised, "authorization_token"))
    };

    // The shop's server places the order of the session, and no other.
    let place = async |authorization: &str, order: &Value| {
        shop.sessions(Method::POST, &format!("{authorization}/order"), Some(order)).await
    };
    let late = authorization().await;
    shop.clock.advance(Duration::from_hours(1));
    assert_eq!(place(&late, &body).await.0, 404, "an authorization is good for an hour");
    let released = authorization().await;
    assert_eq!(shop.sessions(Method::DELETE, &released, None).await.0, 204);
    assert_eq!(place(&released, &body).await.0, 404);
    let authorised = authorization().await;
    let mut other = body.clone();
    other["order_amount"] = json!(50_001);
    let (status, error) = place(&authorised, &other).await;
    assert_eq!((status, &error["error_messages"]), (409, &json!(["Not matching fields: order_amount"])));
    let mut whole = body.clone();
    whole["merchant_urls"] = json!({
        "confirmation": "https://shop.example/thanks?o={order.id}&s={session.id}",
        "push": format!("http://{}/push?o={{order.id}}", pushed.local_addr().unwrap()),
    });
    let (status, placed) = place(&authorised, &whole).await;
    let id = text(&placed, "order_id").to_owned();
    assert_eq!((status, text(&placed, "fraud_status")), (200, "ACCEPTED"), "{placed}");
    assert_eq!(placed["redirect_url"], format!("https://shop.example/thanks?o={id}&s={session}"));
    assert_eq!(place(&authorised, &whole).await.0, 404, "it is spent");

    // The session is over, and order management has the order.
    let path = format!("{SESSIONS}/{session}");
    assert_eq!(text(&shop.sessions(Method::GET, &path, None).await.1, "status"), "complete");
    assert_eq!((frame().await.0, authorize(client_token).await["approved"].clone()), (404, json!(false)));
    let path = format!("/ordermanagement/v1/orders/{id}");
    let (_, managed) = shop.sessions(Method::GET, &path, None).await;
    assert_eq!((text(&managed, "status"), &managed["order_amount"]), ("AUTHORIZED", &json!(50_000)));
    let (mut connection, _) = pushed.accept().await.unwrap();
    let mut head = [0; 512];
    let read = connection.read(&mut head).await.unwrap();
    let head = String::from_utf8_lossy(&head[..read]);
    assert!(head.starts_with(&format!("POST /push?o={id} HTTP/1.1")), "{head}");
    assert_eq!(shop.sessions(Method::POST, &format!("{path}/acknowledge"), None).await.0, 204);
}

#[tokio::test]
async fn a_payment_without_a_browser_places_an_order_too() {
    let shop = Shop::open(SandboxOptions::default()).await;
    let (_, created) = shop.create(&order("ref-1", None)).await;
    let session = text(&created, "session_id");
    let pay = async || shop.post("/sandbox/pay", json!({"klarna_id": session})).await.1;
    assert_eq!((pay().await, pay().await), (r#"{"paid":true}"#.to_owned(), r#"{"paid":true}"#.to_owned()));
    let placed: Vec<String> = shop
        .sandbox
        .admin()
        .record()
        .into_iter()
        .filter_map(|event| match event.what {
            What::Placed { klarna_id, order_id } if klarna_id == session => Some(order_id),
            _ => None,
        })
        .collect();
    let [id] = &placed[..] else { panic!("{placed:?}") };
    assert_eq!(shop.sessions(Method::GET, &format!("/ordermanagement/v1/orders/{id}"), None).await.0, 200);
}
