//! A process that takes nothing new in, and ends.

use std::time::Duration;

use klarna_sandbox::What;
use serde_json::Value;
use test_support::engine::{Database, both_engines};
use test_support::program::{command, until};
use test_support::shop::{Shop, order};

const PATIENCE: Duration = Duration::from_mins(1);

both_engines!(
    a_process_that_drains_answers_who_waits_and_refuses_the_others,
    a_start_that_drains_does_what_is_due_and_ends,
    a_start_that_drains_acknowledges_what_was_paid,
);

async fn a_process_that_drains_answers_who_waits_and_refuses_the_others(database: Database) {
    let shop = Shop::open(database, &[], "");
    shop.hold("checkout", true).await;
    let mut served = shop.serve("a");
    let client = served.client();
    let first = client.post("guest", "cart-1").await;
    let waiting = tokio::spawn({
        let (client, first) = (client.clone(), first.clone());
        async move { client.order(&first, "30s").await }
    });
    until("the order at Klarna", PATIENCE, async || shop.stats().await.orders.total == 1).await;
    // Nothing tells when the request has begun to wait.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let drained = client.send_post("/v1/ops/drain").await;
    assert_eq!(drained.status(), 202);
    let drained: Value = serde_json::from_str(&drained.text().await.unwrap()).unwrap();
    assert_eq!((&drained["status"], &drained["waiting"]), (&"draining".into(), &1.into()), "{drained}");

    let (status, problem) = client.try_post("guest", "cart-2", &order()).await.unwrap();
    assert_eq!((status, &problem["type"]), (503, &"urn:klarna-order-worker:problem:draining".into()));
    let batch = client.send_post("/v1/orders/batch").await;
    assert_eq!((batch.status().as_u16(), &batch.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert!(client.readiness().await.contains("the process drains"));
    assert!(served.program.is_running());
    shop.hold("checkout", false).await;
    assert_eq!(waiting.await.unwrap()["status"], "submitted");
    assert!(served.program.end().await.success());
    assert_eq!(shop.stats().await.orders.total, 1);
}

async fn a_start_that_drains_does_what_is_due_and_ends(database: Database) {
    let shop = Shop::open(database, &["--checkout-latency", "300ms"], "");
    let lines = ["guest-1", "guest-2", "guest-3"]
        .map(|user| serde_json::json!({ "merchant": "shop", "user": user, "order": order() }).to_string());
    std::fs::write(shop.folder.path().join("orders.jsonl"), lines.join("\n")).unwrap();
    shop.run("a", &["enqueue", "orders.jsonl"]);
    let serve = |args: &'static [&'static str]| {
        let mut command = command(shop.folder.path());
        command.args(["--config", "a.toml", "serve", "--drain"]).args(args);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let refused = serve(&["--roles", "api"]).await.unwrap();
    assert_eq!(refused.status.code(), Some(2), "it would never end");
    let done = tokio::time::timeout(PATIENCE, serve(&[])).await.expect("it does not end").unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(shop.stats().await.orders.total, 3);
    let left = shop.run("a", &["orders", "list", "--status", "submitted"]);
    assert_eq!(left.len(), 3);
}

async fn a_start_that_drains_acknowledges_what_was_paid(database: Database) {
    const SECRET: &str = "9f2c4e7b1a6d8053c2b7e4f1";
    // Two calls of half a second each.
    let settings = format!("push_secret = \"{SECRET}\"");
    let shop = Shop::open(database, &["--checkout-latency", "500ms"], &settings);
    let served = shop.serve("a");
    let client = served.client();
    let ids = [client.post("guest-1", "cart-1").await, client.post("guest-2", "cart-2").await];
    let mut klarna_ids = Vec::new();
    for id in &ids {
        klarna_ids.push(client.ended(id, PATIENCE).await["klarna_order_id"].clone());
    }
    // A pause keeps the calls until later.
    shop.run("a", &["pause", "orders", "--merchant", "shop", "--reason", "a test"]);
    until("the pause", PATIENCE, async || {
        let message = "This process keeps to changed pauses from now on";
        shop.log_with("a", message).iter().any(|line| line["message"] == message)
    })
    .await;
    for klarna_id in &klarna_ids {
        shop.tell_sandbox("/sandbox/pay", serde_json::json!({ "klarna_id": klarna_id })).await;
        let path = format!("/v1/push/shop/{SECRET}?klarna_order_id={}", klarna_id.as_str().unwrap());
        assert_eq!(client.send_post(&path).await.status(), 204);
    }
    let metrics = async || client.get_text("/metrics").await;
    until("the gauge", PATIENCE, async || {
        metrics().await.contains("klarna_worker_follow_ups_waiting{merchant=\"shop\"} 2\n")
    })
    .await;
    let refused = client.change(&ids[0], "*", &order()).await;
    let kind = "urn:klarna-order-worker:problem:orders-paused";
    assert_eq!((refused.0, refused.1["type"].as_str()), (503, Some(kind)), "{}", refused.1);
    assert!(served.program.terminate().await.success());
    assert_eq!(acknowledged(&shop).await, 0);

    let drain = || {
        let mut command = command(shop.folder.path());
        command.args(["--config", "a.toml", "serve", "--drain"]);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let paused = tokio::time::timeout(PATIENCE, drain()).await.expect("it does not end").unwrap();
    assert!(paused.status.success() && acknowledged(&shop).await == 0);
    shop.run("a", &["resume", "orders", "--merchant", "shop"]);
    let done = tokio::time::timeout(PATIENCE, drain()).await.expect("it does not end").unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(acknowledged(&shop).await, 2);
}

/// Returns how many orders the sandbox was told are received.
async fn acknowledged(shop: &Shop) -> usize {
    let record = shop.sandbox_client().record().await;
    record.iter().filter(|event| matches!(event.what, What::Acknowledged { .. })).count()
}
