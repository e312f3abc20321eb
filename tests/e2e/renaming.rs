//! Users who are renamed by HTTP while their token is at Klarna.

use std::time::Duration;

use serde_json::json;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::service::Client;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(1);
both_engines!(a_rename_waits_for_the_exchange_of_an_order, a_rename_waits_for_no_exchange_of_the_keeper,);

async fn in_flight(client: &Client) {
    let used = "klarna_worker_exchange_permits_used 1\n";
    until("the exchange", PATIENCE, async || client.get_text("/metrics").await.contains(used)).await;
}

async fn a_rename_waits_for_the_exchange_of_an_order(database: Database) {
    let shop = Shop::open(database, &[], "[keeper]\nschedule = \"off\"");
    shop.hold("token", true).await;
    let served = shop.serve("a");
    let client = served.client();
    let (user, token) = shop.sign_in(1).await.remove(0);
    client.register(&user, &token).await;
    let order = client.post(&user, "cart-1").await;
    in_flight(&client).await;
    let renaming = client.rename(&user, "renamed");
    tokio::pin!(renaming);
    // It would be over by then, if it did not wait.
    let early = tokio::time::timeout(Duration::from_secs(1), &mut renaming).await;
    assert!(early.is_err(), "it did not wait: {early:?}");
    shop.hold("token", false).await;
    let (code, moved) = renaming.await;
    assert_eq!((code, &moved["token"], &moved["orders"]), (200, &json!(true), &json!(1)), "{moved}");
    // It had its token when it was renamed, or later.
    assert_eq!(client.token("renamed").await["generation"], 2);
    let order = client.ended(&order, PATIENCE).await;
    assert_eq!((&order["status"], &order["token"]), (&json!("submitted"), &json!("fresh")), "{order}");
    assert_eq!(order["user"], "renamed", "{order}");
    let next = client.post("renamed", "cart-2").await;
    assert_eq!(client.ended(&next, PATIENCE).await["token"], "fresh");
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.rotated, stats.exchanges.spent_presented), (2, 0), "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_rename_waits_for_no_exchange_of_the_keeper(database: Database) {
    let shop = Shop::open(database, &[], "[keeper]\nschedule = \"* * * * * *\"");
    shop.change_settings("a", "[vault]", "[vault]\nexchange_timeout = \"25s\"\nreplay_after = \"15s\"");
    shop.hold("token", true).await;
    let due = crate::keeper::import(&shop, 1, "due-", "45d").await.remove(0);
    let served = shop.serve("a");
    let client = served.client();
    in_flight(&client).await;
    let (code, moved) = client.rename(&due, "renamed").await;
    assert_eq!((code, &moved["token"]), (200, &json!(true)), "{moved}");
    assert_eq!(client.token("renamed").await["generation"], 1, "the rename waited");
    shop.hold("token", false).await;
    until("the successor", PATIENCE, async || client.token("renamed").await["generation"] == 2).await;
    let next = client.post("renamed", "cart-1").await;
    assert_eq!(client.ended(&next, PATIENCE).await["token"], "fresh");
    let stats = shop.stats().await;
    assert_eq!((stats.exchanges.rotated, stats.exchanges.spent_presented), (2, 0), "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
