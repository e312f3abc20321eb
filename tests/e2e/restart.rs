//! The service is stopped during its work, by SIGTERM and by SIGKILL.

use std::time::Duration;

use serde_json::json;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::shop::{PATIENT, SLOW, Shop, assert_sums};

const PATIENCE: Duration = Duration::from_mins(3);

both_engines!(a_stop_in_the_middle_loses_and_repeats_nothing, a_kill_in_the_middle_loses_no_order);

async fn a_stop_in_the_middle_loses_and_repeats_nothing(database: Database) {
    let shop = Shop::open(database, &SLOW, "");
    let users = shop.sign_in(50).await;
    let served = shop.serve("a");
    served.client().register_all(&users).await;
    let ids = crate::pauses::post_during_pause(&shop, &served.client(), &users, 250).await;
    until("a part of the orders", PATIENCE, async || shop.stats().await.orders.total >= 60).await;
    assert!(served.program.terminate().await.success(), "the stop was not clean");
    let before = shop.stats().await.orders.total;
    assert!(before < 250, "all orders were done before the stop");

    let served = shop.serve("a");
    served.client().all_submitted_fresh(&ids, PATIENCE).await;
    assert_sums(&shop.stats().await, 250);
    assert!(served.program.terminate().await.success());
    shop.close().await;
}

async fn a_kill_in_the_middle_loses_no_order(database: Database) {
    // Tokens whose answer was lost are presented again soon, and not before a busy sandbox has answered.
    let shop = Shop::open(database, &SLOW, "");
    let waits = "exchange_timeout = \"5s\"\nreplay_after = \"2500ms\"";
    shop.change_settings("a", PATIENT, &format!("{PATIENT}\n{waits}"));
    let users = shop.sign_in(40).await;
    let mut ids = Vec::new();
    let mut served = shop.serve("a");
    served.client().register_all(&users).await;
    for round in 0..4_u64 {
        for (number, (user, _)) in users.iter().enumerate() {
            ids.push(served.client().post(user, &format!("cart-{round}-{number}")).await);
        }
        let least = 15 + round * 30;
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
    assert_eq!(stats.orders.distinct_references, 160, "{stats:?}");
    assert_eq!(stats.exchanges.concurrent, 0, "{stats:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
