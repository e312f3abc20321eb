//! `POST /v1/orders` and `GET /v1/orders/{id}`

use std::collections::BTreeSet;

use klarna_order_worker::order::{
    Disposition, MAX_BODY, OrderId, OrderResult, PaymentsSession, Prefill, Target, TokenOutcome,
};
use reqwest::Method;
use serde_json::json as value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use super::{Api, ORDER, SOON, envelope, json, send};

#[tokio::test]
async fn an_order_is_taken_in_byte_for_byte() {
    let api = Api::open().await;
    let answer = api.post_order(envelope("shop", "u-1", ORDER)).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("content-type"), "application/json");
    let order = answer.json();
    let members: BTreeSet<&str> = order.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "id",
        "merchant",
        "user",
        "version",
        "target",
        "status",
        "accepted_at",
        "due_at",
        "deadline_at",
        "attempts",
        "prefilled",
        "possible_duplicate",
        "order_amount",
        "purchase_currency",
    ];
    assert_eq!(members, BTreeSet::from(expected));
    assert_eq!(
        (&order["merchant"], &order["user"], &order["status"]),
        (&"shop".into(), &"u-1".into(), &"queued".into())
    );
    assert_eq!(answer.header("location"), format!("/v1/orders/{}", order["id"].as_str().unwrap()));
    assert_eq!(api.get(answer.header("location")).await.json(), order);

    let claimed = api.claim().await;
    assert_eq!(claimed[0].body, ORDER);
    let running = api.get(answer.header("location")).await.json();
    assert_eq!((&running["status"], running.get("due_at")), (&"running".into(), None));
}

#[tokio::test]
async fn a_settled_order_tells_all_of_it() {
    let api = Api::open().await;
    let id = api.accepted("shop", "u-1").await;
    api.settle(&Disposition::Submitted {
        klarna_id: "k-1".into(),
        target: Target::Checkout,
        result: Some(OrderResult::Checkout { html_snippet: "<div>\"Å\"</div>".into() }),
        correlation_id: Some("c-1".into()),
        token: TokenOutcome::ReauthRequired,
        prefilled: vec!["/billing_address/email".to_owned()].into(),
    })
    .await;
    let order = api.get(&format!("/v1/orders/{id}")).await.json();
    for (member, expected) in [
        ("status", value!("submitted")),
        ("klarna_order_id", value!("k-1")),
        ("html_snippet", value!("<div>\"Å\"</div>")),
        ("correlation_id", value!("c-1")),
        ("token", value!("reauth_required")),
        ("prefilled", value!(["/billing_address/email"])),
        ("attempts", value!(1)),
        ("possible_duplicate", value!(false)),
    ] {
        assert_eq!(order[member], expected, "{member}");
    }
    assert!(
        order["ended_at"].is_string() && order.get("due_at").is_none() && order.get("error").is_none(),
        "{order}"
    );
    let listed = api.get("/v1/orders").await.json();
    assert_eq!(listed["orders"][0].get("html_snippet"), None);
}

#[tokio::test]
async fn a_session_of_payments_has_members_of_its_own() {
    let api = Api::open().await;
    let envelope = format!(r#"{{"merchant":"shop","user":"u-1","order":{ORDER},"target":"payments"}}"#);
    let accepted = send(json(api.request(Method::POST, "/v1/orders"), envelope.clone())).await.json();
    assert_eq!((&accepted["status"], &accepted["target"]), (&value!("queued"), &value!("payments")));
    let session = PaymentsSession {
        client_token: "secret.client.token".into(),
        payment_method_categories: value!([{"identifier": "pay_later", "name": "Later", "asset_urls": {}, "more": 1.5}]),
    };
    api.settle(&Disposition::Submitted {
        klarna_id: "s-1".into(),
        target: Target::Payments,
        result: Some(OrderResult::Payments(session.clone())),
        correlation_id: None,
        token: TokenOutcome::Fresh,
        prefilled: Prefill::default(),
    })
    .await;
    let id = accepted["id"].as_str().unwrap();
    let order = api.get(&format!("/v1/orders/{id}")).await.json();
    for (member, expected) in [
        ("target", value!("payments")),
        ("session_id", value!("s-1")),
        ("client_token", value!("secret.client.token")),
        ("payment_method_categories", session.payment_method_categories),
    ] {
        assert_eq!(order[member], expected, "{member}");
    }
    assert!(order.get("klarna_order_id").is_none() && order.get("html_snippet").is_none(), "{order}");
    // Lists and pages do not open the shopper's session.
    let listed = api.get("/v1/orders").await.json()["orders"][0].clone();
    assert_eq!((&listed["session_id"], listed.get("client_token")), (&value!("s-1"), None));
    let page = api.get(&format!("/orders/{id}")).await.text;
    assert!(
        page.contains("Klarna's session") && page.contains("pay_later") && page.contains("payments"),
        "{page}"
    );
    assert!(!page.contains("secret.client.token"), "{page}");

    let unknown = envelope.replace("payments", "card");
    let problem =
        send(json(api.request(Method::POST, "/v1/orders"), unknown)).await.problem(422, "invalid-order");
    assert_eq!(problem["faults"][0]["pointer"], "/target", "{problem}");
}

#[tokio::test]
async fn faults_are_told_by_their_pointers() {
    let api = Api::open().await;
    let wrong_sum = ORDER.replace("\"total_amount\":50000", "\"total_amount\":49000");
    let twice = ORDER.replace("\"locale\":", "\"locale\":\"de-DE\",\"locale\":");
    let token = ORDER.replace("\"locale\":", "\"customer\":{\"klarna_access_token\":\"x\"},\"locale\":");
    let cases = [
        (envelope("shop", "u-1", &twice), "/order/locale"),
        (envelope("shop", "u-1", &token), "/order/customer/klarna_access_token"),
        (envelope("no-such", "u-1", ORDER), "/merchant"),
        (envelope("shop", "", ORDER), "/user"),
        (format!(r#"{{"merchant":"shop","user":"u-1","user":"u-2","order":{ORDER}}}"#), "/user"),
        (format!(r#"{{"merchant":"shop","user":"u-1","order":{ORDER},"prefil":true}}"#), "/prefil"),
        (
            format!(
                r#"{{"merchant":"shop","user":"u-1","order":{ORDER},"deadline":"2001-01-01T00:00:00Z"}}"#
            ),
            "/deadline",
        ),
        ("[]".to_owned(), ""),
        ("{\"merchant\":".to_owned(), ""),
        (String::new(), ""),
    ];
    for (body, pointer) in cases {
        let answer = api.post_order(body.clone()).await;
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.pointers("invalid-order"), [pointer], "{body}");
    }
    let faults = api.post_order(envelope("shop", "u-1", &wrong_sum)).await.pointers("invalid-order");
    assert!(faults.contains(&"/order/order_lines/0/total_amount".to_owned()), "{faults:?}");
    let missing = api.post_order(r#"{"order":{}}"#).await.pointers("invalid-order");
    assert!(missing.len() > 5 && missing.contains(&"/order/order_lines".to_owned()), "{missing:?}");
    assert!(api.claim().await.is_empty(), "nothing was stored");
}

#[tokio::test]
async fn only_json_is_read() {
    let api = Api::open().await;
    let body = envelope("shop", "u-1", ORDER);
    let as_type = |media_type: &'static str| {
        send(api.request(Method::POST, "/v1/orders").header("content-type", media_type).body(body.clone()))
    };
    for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/jsonl", ""] {
        as_type(wrong).await.problem(415, "unsupported-media-type");
    }
    send(api.request(Method::POST, "/v1/orders").body(body.clone()))
        .await
        .problem(415, "unsupported-media-type");
    for right in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(as_type(right).await.status, 202, "{right}");
    }
    let latin1 = body.replace('T', "\u{e9}").chars().map(|character| character as u8).collect::<Vec<u8>>();
    api.post_order(latin1).await.problem(400, "invalid-request");
}

#[tokio::test]
async fn the_largest_order_passes_and_a_larger_one_does_not() {
    let api = Api::open().await;
    let order = |length: usize| {
        let room = length - ORDER.len() - r#","pad":"""#.len();
        let padded = format!(r#"{},"pad":"{}"}}"#, ORDER.strip_suffix('}').unwrap(), "x".repeat(room));
        assert_eq!(padded.len(), length);
        envelope("shop", "u-1", &padded)
    };
    assert_eq!(api.post_order(order(MAX_BODY)).await.status, 202);
    api.post_order(order(MAX_BODY + 1)).await.problem(413, "too-large");
    api.post_order(" ".repeat(MAX_BODY + 20_000)).await.problem(413, "too-large");
    assert_eq!(api.claim().await.len(), 1);
}

#[tokio::test]
async fn a_caller_that_writes_to_the_end_before_it_reads_is_answered() {
    let api = Api::open().await;
    let length = MAX_BODY * 7 / 2;
    let socket = TcpSocket::new_v4().unwrap();
    // With a small buffer, the client blocks if the server does not read.
    socket.set_send_buffer_size(16 * 1024).unwrap();
    let mut connection = socket.connect(api.address).await.unwrap();
    let head = format!(
        "POST /v1/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(" ".repeat(length).as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, connection.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn an_order_that_is_not_there_is_not_found() {
    let api = Api::open().await;
    let unknown = OrderId::new(chrono::DateTime::UNIX_EPOCH);
    for id in [unknown.to_string().as_str(), "none", "%20", "..%2Flivez"] {
        api.get(&format!("/v1/orders/{id}?wait=60s")).await.problem(404, "not-found");
    }
    api.get("/v1/orders/%FF").await.problem(400, "invalid-request");
}

#[tokio::test]
async fn a_database_that_is_away_is_told_as_such() {
    let api = Api::open().await;
    let id = api.accepted("shop", "u-1").await;
    api.app.store.close().await;
    let answers = [
        api.post_order(envelope("shop", "u-1", ORDER)).await,
        api.get(&format!("/v1/orders/{id}")).await,
        api.get("/v1/orders").await,
        send(json(
            api.request(Method::PUT, "/v1/merchants/shop/users/u-1/token"),
            r#"{"refresh_token":"t"}"#,
        ))
        .await,
    ];
    for answer in answers {
        answer.problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), "2");
    }
}
