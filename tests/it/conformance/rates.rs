//! Rates that processes share.

use klarna_order_worker::breaker::{Endpoint, RateAsk};

use crate::support::stores::{Db, both_engines};

both_engines![
    calls_are_handed_out_by_the_clock_of_the_database,
    each_endpoint_of_each_merchant_has_its_own_rate
];

fn ask(used: u32, wanted: u32) -> RateAsk {
    RateAsk { merchant: "shop".into(), endpoint: Endpoint::Checkout, rate: 8.0, used, wanted }
}

async fn calls_are_handed_out_by_the_clock_of_the_database(db: Db) {
    let other = db.open().await;
    // Half a second's calls are free at first. Each asker gets at most half of what is left.
    assert_eq!(db.store.lease_rate(&ask(0, 100)).await.unwrap(), 2);
    assert_eq!(other.lease_rate(&ask(0, 100)).await.unwrap(), 1);
    assert_eq!(other.lease_rate(&ask(0, 100)).await.unwrap(), 1);
    assert_eq!(db.store.lease_rate(&ask(0, 100)).await.unwrap(), 0);
    db.advance(1);
    assert_eq!(db.store.lease_rate(&ask(0, 1)).await.unwrap(), 1, "no more than it wants");
    // What was made without asking counts too: a second of calls takes a second to be free again.
    assert_eq!(other.lease_rate(&ask(8, 100)).await.unwrap(), 0);
    db.advance(1);
    assert_eq!(db.store.lease_rate(&ask(0, 100)).await.unwrap(), 2);
    // A debt is forgotten in the end.
    assert_eq!(other.lease_rate(&ask(1_000_000, 0)).await.unwrap(), 0);
    db.advance(2);
    assert_eq!(db.store.lease_rate(&ask(0, 1)).await.unwrap(), 0);
    db.advance(1);
    assert_eq!(db.store.lease_rate(&ask(0, 1)).await.unwrap(), 1);
}

async fn each_endpoint_of_each_merchant_has_its_own_rate(db: Db) {
    for (merchant, endpoint) in
        [("shop", Endpoint::Token), ("shop", Endpoint::Payments), ("other", Endpoint::Token)]
    {
        let ask = RateAsk { merchant: merchant.into(), endpoint, ..ask(0, 9) };
        assert_eq!(db.store.lease_rate(&ask).await.unwrap(), 2, "{ask:?}");
    }
    assert_eq!(db.count("rates").await, 3);
}
