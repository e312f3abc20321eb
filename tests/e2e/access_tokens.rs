//! Access tokens that become too old before their order is sent.

use std::time::Duration;

use serde_json::json;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);

/// The lifetime of access tokens.
const LIFETIME: Duration = Duration::from_secs(6);

both_engines!(an_access_token_that_expires_while_its_order_waits_for_a_slot_is_replaced);

/// There is one slot. While the shopper's order waits for its exchange outside, a guest's order
/// takes the slot, and keeps it for longer than the access token lives.
async fn an_access_token_that_expires_while_its_order_waits_for_a_slot_is_replaced(database: Database) {
    let lifetime = ["--access-token-lifetime", "6s"];
    let shop = Shop::open(database, &lifetime, "[queue]\nconcurrency = 1\n[keeper]\nschedule = \"off\"");
    for endpoint in ["token", "checkout"] {
        shop.hold(endpoint, true).await;
    }
    let served = shop.serve("a");
    let client = served.client();
    let (user, token) = shop.sign_in(1).await.remove(0);
    client.register(&user, &token).await;
    let waiting = client.post(&user, "cart-1").await;
    let in_flight = "klarna_worker_exchange_permits_used 1\n";
    until("the exchange", PATIENCE, async || client.get_text("/metrics").await.contains(in_flight)).await;
    let guest = client.post("guest", "cart-2").await;
    until("the guest's order at Klarna", PATIENCE, async || shop.stats().await.orders.requests == 1).await;
    shop.hold("token", false).await;
    until("the access token", PATIENCE, async || client.token(&user).await["generation"] == 2).await;
    tokio::time::sleep(LIFETIME).await;
    shop.hold("checkout", false).await;

    let order = client.ended(&waiting, PATIENCE).await;
    assert_eq!((&order["status"], &order["token"]), (&json!("submitted"), &json!("fresh")), "{order}");
    assert_eq!(client.ended(&guest, PATIENCE).await["token"], "not_registered");
    let stats = shop.stats().await;
    assert_eq!((stats.orders.recognised, stats.orders.not_recognised), (1, 0), "{stats:?}");
    assert_eq!((stats.exchanges.rotated, stats.exchanges.spent_presented), (2, 0), "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
