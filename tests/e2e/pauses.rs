//! Pauses, ordered by commands beside a running service.

use std::time::Duration;

use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::service::Client;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);

both_engines!(pauses_hold_over_a_restart_and_end_when_they_are_resumed_or_their_time_is_over);

/// Pauses or resumes, and waits until the service keeps to it.
pub async fn order_pause(shop: &Shop, args: &[&str]) {
    let message = "This process keeps to changed pauses from now on";
    let changes = || shop.log_with("a", message).iter().filter(|line| line["message"] == message).count();
    let before = changes();
    shop.run("a", args);
    until("the service follows", PATIENCE, async || changes() > before).await;
}

/// Hands in orders while none is worked at, so that they begin together however long that takes.
pub async fn post_during_pause(
    shop: &Shop,
    client: &Client,
    users: &[(String, String)],
    orders: usize,
) -> Vec<String> {
    order_pause(shop, &["pause", "orders", "--merchant", "shop", "--reason", "a test"]).await;
    let ids = client.post_all(users, orders).await;
    shop.run("a", &["resume", "orders", "--merchant", "shop"]);
    ids
}

async fn pauses_hold_over_a_restart_and_end_when_they_are_resumed_or_their_time_is_over(database: Database) {
    let shop = Shop::open(database, &[], "");
    shop.change_settings("a", "token_patience = \"10m\"", "token_patience = \"15s\"");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;

    order_pause(&shop, &["pause", "orders", "--merchant", "shop", "--reason", "a test"]).await;
    let order = client.post("u-1", "cart-1").await;
    assert_eq!(client.order(&order, "500ms").await["status"], "queued");
    let page = client.get_text(&format!("/orders/{order}")).await;
    assert!(page.contains("The order waits because the orders of shop have been paused"), "{page}");
    let ready: serde_json::Value = serde_json::from_str(&client.get_text("/readyz?verbose").await).unwrap();
    assert_eq!((&ready["status"], &ready["pauses"][0]["kind"]), (&"ok".into(), &"orders".into()));
    assert!(served.program.terminate().await.success());
    let served = shop.serve("a");
    let client = served.client();
    assert_eq!(client.order(&order, "500ms").await["status"], "queued", "after the restart");
    order_pause(&shop, &["resume", "orders", "--merchant", "shop"]).await;
    let ended = client.ended(&order, PATIENCE).await;
    assert_eq!((&ended["status"], &ended["token"]), (&"submitted".into(), &"fresh".into()), "{ended}");
    // Its history says what kept it waiting. A later pause does not concern it.
    order_pause(&shop, &["pause", "orders", "--merchant", "shop", "--reason", "another test"]).await;
    order_pause(&shop, &["resume", "orders", "--merchant", "shop"]).await;
    let shown = shop.run("a", &["orders", "show", &order]);
    let events = shown[0]["history"].as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap());
    let paused: Vec<&str> = events.filter(|what| what.contains("paused")).collect();
    let [told] = paused[..] else { panic!("{shown:?}") };
    assert!(told.contains(", the orders of shop were paused by ") && told.ends_with(": a test"), "{told}");
    let page = client.get_text(&format!("/orders/{order}")).await;
    assert_eq!(page.matches("the orders of shop were paused by ").count(), 1, "{page}");
    let pause = ["pause", "exchanges", "--all-merchants", "--for", "1h", "--reason", "a test"];
    order_pause(&shop, &pause).await;
    let order = client.post("u-1", "cart-2").await;
    let ended = client.ended(&order, PATIENCE).await;
    assert_eq!((&ended["status"], &ended["token"]), (&"submitted".into(), &"unavailable".into()), "{ended}");
    order_pause(&shop, &["resume", "exchanges", "--all-merchants"]).await;

    // Nobody ends this one.
    shop.run("a", &["pause", "orders", "--all-merchants", "--for", "2s", "--reason", "a test"]);
    let order = client.post("u-1", "cart-3").await;
    let ended = client.ended(&order, PATIENCE).await;
    assert_eq!((&ended["status"], &ended["token"]), (&"submitted".into(), &"fresh".into()), "{ended}");
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.rotated, stats.exchanges.spent_presented), (2, 0));

    let rows = shop.run("a", &["audit", "list", "--action", "ops.pause", "--outcome", "done"]);
    let objects: Vec<&str> = rows.iter().rev().map(|row| row["object"].as_str().unwrap()).collect();
    assert_eq!(
        objects,
        ["orders: a test", "orders: another test", "exchanges for 1h: a test", "orders for 2s: a test"]
    );
    served.program.terminate().await;
    shop.close().await;
}
