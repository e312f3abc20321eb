//! The service is stopped during its work, by SIGTERM and by SIGKILL.

use std::time::Duration;

use serde_json::json;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::{PATIENT, SLOW, Shop, assert_sums};

use crate::few_or;

const PATIENCE: Duration = Duration::from_mins(3);

both_engines!(a_stop_in_the_middle_loses_and_repeats_nothing, a_kill_in_the_middle_loses_no_order);

async fn a_stop_in_the_middle_loses_and_repeats_nothing(database: Database) {
    let shop = Shop::open(database, &SLOW, "");
    let orders = few_or(100, 250);
    let users = shop.sign_in(orders / 5).await;
    let served = shop.serve("a");
    served.client().register_all(&users).await;
    let ids = crate::pauses::post_during_pause(&shop, &served.client(), &users, orders).await;
    let (orders, part) = (orders as u64, orders as u64 / 5);
    until("a part of the orders", PATIENCE, async || shop.stats().await.orders.total >= part).await;
    assert!(served.program.terminate().await.success(), "the stop was not clean");
    let before = shop.stats().await.orders.total;
    assert!(before < orders, "all orders were done before the stop");

    let served = shop.serve("a");
    served.client().all_submitted_fresh(&ids, PATIENCE).await;
    assert_sums(&shop.stats().await, orders);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_kill_in_the_middle_loses_no_order(database: Database) {
    // Tokens whose answer was lost are presented again soon, and not before a busy sandbox has
    // answered.
    let shop = Shop::open(database, &SLOW, "");
    let waits = "exchange_timeout = \"5s\"\nreplay_after = \"2500ms\"";
    shop.change_settings("a", PATIENT, &format!("{PATIENT}\n{waits}"));
    let users = shop.sign_in(few_or(16, 40)).await;
    let mut ids = Vec::new();
    let mut served = shop.serve("a");
    served.client().register_all(&users).await;
    for round in 0..few_or(3, 4) as u64 {
        for (number, (user, _)) in users.iter().enumerate() {
            ids.push(served.client().post(user, &format!("cart-{round}-{number}")).await);
        }
        let least = users.len() as u64 * (3 + round * 6) / 8;
        until("orders at the sandbox", PATIENCE, async || shop.stats().await.orders.requests >= least).await;
        served.program.kill();
        served = shop.serve("a");
    }
    let mut with_token = 0;
    for id in &ids {
        let order = served.client().ended(id, PATIENCE).await;
        // If the kill lost the answer, the token is lost and its row says so. The order is
        // submitted anyway.
        assert_eq!(order["status"], "submitted", "{order}");
        with_token += u32::from(["fresh", "cached"].map(|word| json!(word)).contains(&order["token"]));
    }
    assert!(with_token > 0);
    let stats = shop.stats().await;
    assert_eq!(stats.orders.distinct_references, ids.len() as u64, "{stats:?}");
    assert_eq!(stats.exchanges.concurrent, 0, "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
