//! Orders are found by what a shop or Klarna knows of them.

use klarna_order_worker::ids::UserKey;
use klarna_order_worker::order::{Body, OrderId, Status, Summary};
use klarna_order_worker::store::{OrderFilter, OrderRow};

use super::orders::{claim, insert, order};
use super::settling::submitted;
use crate::support::stores::{Db, both_engines};

both_engines![
    an_order_is_found_by_each_of_its_names,
    other_filters_count_for_a_name_too,
    a_name_of_many_orders_has_pages,
    a_name_chooses_what_is_changed,
];

/// An order with a body of this kind, as every way in makes it.
fn referenced(db: &Db, user: &str, one: &str, two: &str) -> OrderRow {
    let body =
        format!(r#"{{"merchant_reference1":"{one}","merchant_reference2":"{two}","order_amount":100}}"#);
    let summary = Summary::of(&Body::parse(&body).unwrap());
    OrderRow { body, summary, ..order(db, user) }
}

fn named(name: &str) -> OrderFilter {
    OrderFilter { name: Some(name.into()), limit: 10, ..OrderFilter::default() }
}

async fn found(db: &Db, filter: OrderFilter) -> Vec<OrderId> {
    db.store.orders(&filter).await.unwrap().into_iter().map(|order| order.id).collect()
}

async fn an_order_is_found_by_each_of_its_names(db: Db) {
    let row = OrderRow { idempotency_key: Some("cart-1".into()), ..referenced(&db, "u-1", "A-1", "B-1") };
    let one = insert(&db, row).await;
    let worker = db.begin_worker().await;
    let claimed = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.settle_order(&claimed.claim, &submitted()).await.unwrap().is_some());
    let other = insert(&db, referenced(&db, "u-2", "A-2", "B-2")).await;
    let klarna_id = db.store.order(one).await.unwrap().unwrap().klarna_id.unwrap();
    for name in ["cart-1", "A-1", "B-1", "u-1", &klarna_id, &one.to_string(), &one.to_string().to_uppercase()]
    {
        assert_eq!(found(&db, named(name)).await, [one], "{name}");
    }
    assert_eq!(found(&db, named("A-2")).await, [other]);
    for name in ["a-1", "A-", "A-1 ", "%", "shop", "' OR true --", &OrderId::new(db.clock.now()).to_string()]
    {
        assert!(found(&db, named(name)).await.is_empty(), "{name}");
    }
    let view = db.store.order(one).await.unwrap().unwrap();
    assert_eq!(view.idempotency_key.as_deref(), Some("cart-1"));
    assert_eq!(
        (view.summary.merchant_reference1.as_deref(), view.summary.order_amount),
        (Some("A-1"), Some(100))
    );

    // Retention deletes the body and leaves what the order is found by.
    db.execute(&format!(
        "UPDATE {} SET body = NULL",
        if db.is_sqlite() { "orders" } else { "klarna_worker.orders" }
    ))
    .await;
    assert_eq!(found(&db, named("B-1")).await, [one]);
    // An erasure does not.
    db.store.erase_user(&UserKey::new("shop", "u-1")).await.unwrap();
    for name in ["cart-1", "A-1", "B-1", "u-1", &klarna_id] {
        assert!(found(&db, named(name)).await.is_empty(), "{name}");
    }
    assert_eq!(found(&db, named(&one.to_string())).await, [one], "the row itself stays");
}

async fn other_filters_count_for_a_name_too(db: Db) {
    let here = insert(&db, referenced(&db, "u", "A-1", "same")).await;
    db.advance(1);
    let there =
        insert(&db, OrderRow { merchant: "other".into(), ..referenced(&db, "u", "A-1", "same") }).await;
    db.store.cancel_order(there).await.unwrap().unwrap();
    for name in ["A-1", "same", "u"] {
        assert_eq!(found(&db, named(name)).await, [there, here], "{name}");
        let shop = OrderFilter { merchant: Some("shop".into()), ..named(name) };
        assert_eq!(found(&db, shop).await, [here], "{name}");
        let queued = OrderFilter { status: Some(Status::Queued), ..named(name) };
        assert_eq!(found(&db, queued).await, [here], "{name}");
        let neither =
            OrderFilter { status: Some(Status::Cancelled), merchant: Some("shop".into()), ..named(name) };
        assert!(found(&db, neither).await.is_empty(), "{name}");
    }
}

async fn a_name_of_many_orders_has_pages(db: Db) {
    let mut ids = Vec::new();
    for n in 0..5 {
        // The same name in different columns.
        ids.push(insert(&db, referenced(&db, if n % 2 == 0 { "x" } else { "u" }, "x", "x")).await);
        db.advance(1);
    }
    ids.reverse();
    assert_eq!(found(&db, OrderFilter { limit: 2, ..named("x") }).await, ids[..2]);
    let next = OrderFilter { limit: 2, before: Some(ids[1]), ..named("x") };
    assert_eq!(found(&db, next).await, ids[2..4]);
}

async fn a_name_chooses_what_is_changed(db: Db) {
    let first = insert(&db, referenced(&db, "u", "A-1", "x")).await;
    db.advance(1);
    let second = insert(&db, referenced(&db, "v", "x", "A-1")).await;
    let other = insert(&db, referenced(&db, "w", "A-2", "x")).await;
    let queued = OrderFilter { status: Some(Status::Queued), ..named("A-1") };
    assert_eq!(db.store.count_orders(&queued).await.unwrap().orders, 2);
    let changed = db.store.cancel_orders(&OrderFilter { limit: 1, ..named("A-1") }).await.unwrap();
    assert_eq!((changed.orders, changed.next), (vec![second], Some(second)));
    let changed =
        db.store.cancel_orders(&OrderFilter { before: Some(second), ..named("A-1") }).await.unwrap();
    assert_eq!((changed.orders, changed.next), (vec![first], None));
    assert_eq!(db.store.order(other).await.unwrap().unwrap().status, Status::Queued);
}
