//! A running service sends webhooks to a shop.

use std::time::Duration;

use serde_json::{Value, json};
use standardwebhooks::Webhook as Verifier;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::receiver::{Answer, Receiver};
use test_support::shop::{Shop, order};

const PATIENCE: Duration = Duration::from_mins(1);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

both_engines!(
    a_shop_is_told_of_orders_and_tokens,
    a_shop_is_told_of_a_cancelled_order_whoever_cancels_it,
    a_disabled_endpoint_is_told_and_enabled_by_a_resend,
);

fn settings(receiver: &Receiver) -> String {
    format!("webhook_url = \"{}\"\nwebhook_secrets = [\"{SECRET}\"]", receiver.url)
}

/// Returns kind and data of the accepted events, in the order in which they happened.
fn taken(receiver: &Receiver) -> Vec<(String, Value)> {
    let requests = receiver.requests().into_iter().filter(|request| request.status < 300);
    let mut events: Vec<Value> =
        requests.map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
    events.sort_by_key(|event| event["timestamp"].as_str().unwrap().to_owned());
    events
        .into_iter()
        .map(|event| (event["type"].as_str().unwrap().to_owned(), event["data"].clone()))
        .collect()
}

async fn a_shop_is_told_of_orders_and_tokens(database: Database) {
    // The first attempt fails, so that event is sent again.
    let receiver = Receiver::start(|n| Answer::status(if n == 0 { 500 } else { 204 })).await;
    let shop = Shop::open(database, &[], &settings(&receiver));
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let submitted = client.ended(&client.post("u-1", "k-1").await, PATIENCE).await;
    shop.tell_sandbox("/sandbox/revoke", json!({ "user": "u-1" })).await;
    let without = client.ended(&client.post("u-1", "k-2").await, PATIENCE).await;
    let token = shop.sign_in_ago(1, "u-", "0s").await[0]["refresh_token"].as_str().unwrap().to_owned();
    client.register("u-1", &token).await;
    let mut refused = order();
    refused["purchase_country"] = json!("AQ");
    let (_, accepted) = client.try_post("u-1", "k-3", &refused).await.unwrap();
    let refused = client.ended(accepted["id"].as_str().unwrap(), PATIENCE).await;

    until("five events", PATIENCE, async || taken(&receiver).len() == 5).await;
    let events = taken(&receiver);
    let of = |kind: &str| {
        let mut data = events.iter().filter(|(is, _)| is == kind).map(|(_, data)| data.clone());
        (data.next(), data.next())
    };
    let user = json!({ "merchant": "shop", "user": "u-1", "reason": null });
    assert_eq!(of("token.recovered"), (Some(user), None));
    assert_eq!(of("token.reauth_required").0.unwrap()["reason"], "rejected");
    let failed = of("order.failed").0.unwrap();
    assert_eq!((&failed["order_id"], &failed["code"]), (&refused["id"], &json!("klarna_refused_order")));
    let (Some(first), Some(second)) = of("order.submitted") else { panic!("{events:?}") };
    assert_eq!(
        (&first["order_id"], &first["klarna_order_id"]),
        (&submitted["id"], &submitted["klarna_order_id"])
    );
    assert_eq!((&first["token"], &second["token"]), (&json!("fresh"), &json!("reauth_required")));
    assert_eq!(second["order_id"], without["id"]);
    let verifier = Verifier::new(SECRET).unwrap();
    for request in receiver.requests() {
        verifier.verify(&request.body, &request.headers).unwrap();
    }
    until("all delivered", PATIENCE, async || {
        shop.run("a", &["webhooks", "list", "--status", "delivered"]).len() == 5
    })
    .await;
    let list = shop.run("a", &["webhooks", "list"]);
    assert_eq!(
        (list.len(), list.iter().map(|one| one["attempts"].as_i64().unwrap()).sum::<i64>()),
        (5, 6),
        "{list:?}"
    );
    // Each event has a number, by which the shop sees which of two about an order is later.
    let numbers: Vec<i64> = receiver
        .requests()
        .iter()
        .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap()["sequence"].as_i64().unwrap())
        .collect();
    assert!(numbers.iter().all(|number| *number > 0), "{numbers:?}");
    // A test of the endpoint, whose answer is told.
    let tested = shop.run("a", &["webhooks", "test", "shop"]);
    until("the test event", PATIENCE, async || {
        receiver.requests().iter().any(|request| request.id() == tested[0]["id"])
    })
    .await;
    let answers = shop.run("a", &["webhooks", "answers", "shop"]);
    assert!(answers.len() >= 6 && answers.last().unwrap()["status"] == 500, "{answers:?}");
    // If it is sent once more, it has the same id.
    let id = list[0]["id"].as_str().unwrap();
    assert_eq!(shop.run("a", &["webhooks", "resend", id, "--yes"]), [json!({ "resent": 1, "unknown": [] })]);
    until("one again", PATIENCE, async || {
        receiver.requests().iter().filter(|request| request.id() == id && request.status < 300).count() == 2
    })
    .await;
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_shop_is_told_of_a_cancelled_order_whoever_cancels_it(database: Database) {
    let receiver = Receiver::start(|_| Answer::status(204)).await;
    let shop = Shop::open(database, &[], &settings(&receiver));
    // For the search at the end.
    shop.sign_in(1).await;
    let served = shop.serve("a");
    let client = served.client();
    let mut ids = Vec::new();
    let users = ["by-the-shop", "by-an-operator", "by-a-filter"];
    for key in users {
        let envelope = json!({ "merchant": "shop", "user": key, "order": order(), "target": "checkout",
            "not_before": "2100-01-01T00:00:00Z", "deadline": "2100-01-02T00:00:00Z" });
        let (status, accepted) = client.try_submit(key, &envelope).await.unwrap();
        assert_eq!(status, 202, "{accepted}");
        ids.push(accepted["id"].as_str().unwrap().to_owned());
    }
    for _ in 0..2 {
        assert!(client.send_post(&format!("/v1/orders/{}/cancel", ids[0])).await.status().is_success());
    }
    shop.run("a", &["orders", "cancel", &ids[1], "--yes"]);
    shop.run("a", &["orders", "cancel", "--merchant", "shop", "--yes"]);
    until("three events", PATIENCE, async || taken(&receiver).len() >= 3).await;
    let events = taken(&receiver);
    for (id, user) in ids.iter().zip(users) {
        let data = json!({ "order_id": id, "merchant": "shop", "user": user, "target": "checkout",
            "possible_duplicate": false });
        assert!(events.contains(&("order.cancelled".to_owned(), data)), "{user}: {events:?}");
    }
    assert_eq!(shop.run("a", &["webhooks", "list", "--kind", "order.cancelled"]).len(), 3);
    let verifier = Verifier::new(SECRET).unwrap();
    for request in receiver.requests() {
        verifier.verify(&request.body, &request.headers).unwrap();
    }
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_disabled_endpoint_is_told_and_enabled_by_a_resend(database: Database) {
    let receiver = Receiver::start(|n| Answer::status(if n == 0 { 410 } else { 204 })).await;
    let shop = Shop::open(database, &[], &settings(&receiver));
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    for key in ["k-1", "k-2"] {
        client.ended(&client.post("u-1", key).await, PATIENCE).await;
        until("410", PATIENCE, async || {
            !shop.run("a", &["webhooks", "list"])[0]["endpoint_disabled_at"].is_null()
        })
        .await;
    }
    assert_eq!(receiver.requests().len(), 1);
    let log = || std::fs::read_to_string(shop.folder.path().join("a.log")).unwrap();
    until("the alarm in the log", PATIENCE, async || {
        log().contains("ALARM: the merchant's webhook endpoint is disabled")
    })
    .await;
    assert!(!log().contains(&SECRET[6..]), "the log has the secret");
    let again = shop.run("a", &["webhooks", "resend", "--merchant", "shop", "--status", "pending", "--yes"]);
    assert_eq!(again[0]["resent"], 2);
    until("both", PATIENCE, async || taken(&receiver).len() == 2).await;
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
