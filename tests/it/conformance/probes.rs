//! Tries of circuit breakers that operators order.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use klarna_order_worker::breaker::Endpoint;
use klarna_order_worker::store::OrderRow;

use super::orders::{claim, insert, order};
use super::settling::{error, retry, snooze};
use crate::support::stores::{Db, both_engines};

both_engines![a_try_that_was_ordered_is_known_for_ten_seconds, orders_that_wait_for_their_next_try_are_due];

async fn a_try_that_was_ordered_is_known_for_ten_seconds(db: Db) {
    let (shop, other) = ("shop".into(), "other".into());
    let first = db.store.probe(&shop, &[Endpoint::Checkout, Endpoint::Token]).await.unwrap();
    db.store.probe(&other, &[Endpoint::Payments]).await.unwrap();
    let read = async || -> Vec<_> {
        let asked = db.store.probes().await.unwrap();
        asked
            .iter()
            .map(|probe| (probe.merchant.as_str().to_owned(), probe.endpoint, probe.asked_at))
            .collect()
    };
    let named = |merchant: &str, endpoint, at| (merchant.to_owned(), endpoint, at);
    let told = [
        named("other", Endpoint::Payments, first),
        named("shop", Endpoint::Checkout, first),
        named("shop", Endpoint::Token, first),
    ];
    assert_eq!(read().await, told);
    db.advance(9);
    let second = db.store.probe(&shop, &[Endpoint::Token]).await.unwrap();
    assert_eq!(second, first + TimeDelta::seconds(9));
    assert_eq!(read().await, [&told[..2], &[named("shop", Endpoint::Token, second)]].concat());
    db.advance(1);
    assert_eq!(read().await, [named("shop", Endpoint::Token, second)]);
    db.advance(9);
    assert_eq!(read().await, []);
}

async fn orders_that_wait_for_their_next_try_are_due(db: Db) {
    let worker = db.begin_worker().await;
    for user in ["a", "b"] {
        insert(&db, order(&db, user)).await;
    }
    insert(&db, OrderRow { merchant: "other".into(), ..order(&db, "c") }).await;
    let shares = BTreeMap::from([("shop".into(), 9), ("other".into(), 9)]);
    for (number, claimed) in
        db.store.claim_orders(worker, &shares, None).await.unwrap().into_iter().enumerate()
    {
        let wait = if number == 0 { retry(600, false) } else { snooze(500, Some(error("klarna_paused"))) };
        db.store.settle_order(&claimed.claim, &wait).await.unwrap().unwrap();
    }
    // The shop wants this one later, and nobody has taken it before.
    insert(&db, OrderRow { not_before: Some(db.clock.now() + TimeDelta::seconds(60)), ..order(&db, "d") })
        .await;
    assert_eq!(claim(&db, worker, 9).await.len(), 0);
    assert_eq!(db.store.bring_orders_forward(&"no-such".into()).await.unwrap(), 0);
    assert_eq!(db.store.bring_orders_forward(&"shop".into()).await.unwrap(), 2);
    assert_eq!(db.store.bring_orders_forward(&"shop".into()).await.unwrap(), 0, "they are due");
    let claimed = db.store.claim_orders(worker, &shares, None).await.unwrap();
    let users: Vec<_> = claimed.iter().map(|order| order.user.as_str()).collect();
    assert_eq!(users.len(), 2, "{users:?}");
    assert!(users.contains(&"a") && users.contains(&"b"), "{users:?}");
}
