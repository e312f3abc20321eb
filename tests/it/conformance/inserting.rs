//! Orders are inserted.

use std::time::Duration;

use futures::future::join_all;
use klarna_order_worker::store::{Inserted, OrderRow};

use super::orders::{TRACE, claim, insert, order};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_body_comes_back_byte_for_byte,
    a_repeated_key_makes_no_second_order,
    keys_count_by_merchant_and_orders_without_one_are_never_the_same,
    fifty_equal_inserts_at_once_make_one_order,
    several_inserts_stand_or_fall_together,
];

fn keyed(db: &Db, key: &str) -> OrderRow {
    OrderRow { idempotency_key: Some(key.into()), ..order(db, "u") }
}

async fn a_body_comes_back_byte_for_byte(db: Db) {
    let body = "{\n  \"order_amount\": 1.0e2,\t\"b\":1,\"a\":\"\\u00e5 å €\" , \"b\": 12345678901234567890 }";
    let id =
        insert(&db, OrderRow { body: body.into(), prefill: Some(false), ..order(&db, "å \"u\"'; --") }).await;
    let worker = db.begin_worker().await;
    let claimed = claim(&db, worker, 1).await.remove(0);
    assert_eq!((claimed.claim.order, claimed.body.as_str(), claimed.prefill), (id, body, Some(false)));
    assert_eq!(claimed.trace.as_deref(), Some(TRACE));
    assert_eq!(
        (claimed.user.as_str(), claimed.attempts, claimed.possible_duplicate),
        ("å \"u\"'; --", 0, false)
    );
    assert_eq!((claimed.claimed_at, claimed.token_waited), (db.clock.now(), Duration::ZERO));
}

async fn a_repeated_key_makes_no_second_order(db: Db) {
    let first = insert(&db, keyed(&db, "k")).await;
    let same = db.store.insert_orders(&[keyed(&db, "k")]).await.unwrap();
    assert_eq!(same, [Inserted::Same(first)]);
    let other = OrderRow { digest: [2; 32], body: "{\"other\":1}".into(), ..keyed(&db, "k") };
    assert_eq!(db.store.insert_orders(&[other]).await.unwrap(), [Inserted::Different(first)]);
    assert_eq!(db.value("body FROM orders").await.unwrap(), "{}");
}

async fn keys_count_by_merchant_and_orders_without_one_are_never_the_same(db: Db) {
    insert(&db, keyed(&db, "k")).await;
    insert(&db, OrderRow { merchant: "other".into(), ..keyed(&db, "k") }).await;
    insert(&db, order(&db, "u")).await;
    insert(&db, order(&db, "u")).await;
    assert_eq!(db.count("orders").await, 4);
}

pub async fn fifty_equal_inserts_at_once_make_one_order(db: Db) {
    let other_process = db.open().await;
    let inserts = (0..50).map(|n| {
        let (store, order) = (if n % 2 == 0 { &db.store } else { &other_process }, keyed(&db, "k"));
        async move { store.insert_orders(&[order]).await.unwrap()[0] }
    });
    let mut new = Vec::new();
    let mut same = Vec::new();
    for inserted in join_all(inserts).await {
        match inserted {
            Inserted::New(id) => new.push(id),
            Inserted::Same(id) => same.push(id),
            Inserted::Different(_) => panic!("{inserted:?}"),
        }
    }
    assert_eq!(new.len(), 1);
    assert_eq!(same, vec![new[0]; 49]);
    assert_eq!(db.count("orders").await, 1);
}

async fn several_inserts_stand_or_fall_together(db: Db) {
    let (first, twice) = (order(&db, "a"), order(&db, "b"));
    let error = db.store.insert_orders(&[first, twice.clone(), twice]).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    assert_eq!(db.count("orders").await, 0);
}
