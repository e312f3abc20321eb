//! Operators let circuit breakers try a call at once.

use std::time::Duration;

use serde_json::json;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);

both_engines!(a_command_ends_a_pause_that_klarna_asked_for);

async fn a_command_ends_a_pause_that_klarna_asked_for(database: Database) {
    let shop = Shop::open(database, &["--retry-after", "1h"], "");
    let served = shop.serve("a");
    let client = served.client();
    client.register_all(&shop.sign_in(1).await).await;
    let failing = |rate: u32| json!({ "checkout": { "failure_rate": rate, "failures": ["503"] } });
    shop.tell_sandbox("/sandbox/options", failing(1)).await;
    let order = client.post("u-1", "cart-1").await;
    let waits = async || client.order(&order, "100ms").await["error"]["code"] == "klarna_unavailable";
    until("the order waits", PATIENCE, waits).await;
    until("everybody is told", PATIENCE, async || {
        let told = shop.run("a", &["breakers", "list"]);
        told.iter().any(|row| (&row["merchant"], &row["endpoint"]) == (&json!("shop"), &json!("checkout")))
    })
    .await;

    // Klarna still fails: one call is tried, and the order waits on.
    let calls = async || shop.stats().await.orders.total;
    let attempts = async || client.order(&order, "100ms").await["attempts"].as_u64().unwrap();
    let before = attempts().await;
    shop.run("a", &["breakers", "probe", "--merchant", "shop", "--endpoint", "checkout"]);
    until("a call is tried", PATIENCE, async || attempts().await > before).await;
    assert_eq!(calls().await, 0);

    shop.tell_sandbox("/sandbox/options", failing(0)).await;
    shop.run("a", &["breakers", "probe", "--merchant", "shop"]);
    let ended = client.ended(&order, PATIENCE).await;
    assert_eq!(ended["status"], "submitted", "{ended}");
    until("the breaker is closed", PATIENCE, async || shop.run("a", &["breakers", "list"]).is_empty()).await;
    served.program.terminate().await;
    shop.close().await;
}
