//! Orders are found by what a shop or Klarna knows of them.

use klarna_order_worker::ids::{MerchantName, UserKey};
use klarna_order_worker::order::{Body, OrderId, Status, Summary};
use klarna_order_worker::store::{BEGINNING, Beginning, OrderFilter, OrderName, OrderRow};

use super::orders::{claim, insert, order};
use super::settling::submitted;
use crate::support::stores::{Db, both_engines};

both_engines![
    an_order_is_found_by_each_of_its_names,
    other_filters_count_for_a_name_too,
    a_name_of_many_orders_has_pages,
    a_name_chooses_what_is_changed,
    orders_are_found_by_how_a_name_begins,
    whole_names_come_before_beginnings,
    a_beginning_chooses_what_is_listed_counted_and_changed,
    of_very_many_names_the_last_are_found,
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

/// Searches as people do, at these merchants or at all.
async fn searched_at(db: &Db, text: &str, merchants: &[Option<MerchantName>]) -> Vec<OrderId> {
    let name = OrderName::of(&*db.store, text, merchants).await.unwrap();
    let mut orders = Vec::new();
    for merchant in merchants {
        let filter = OrderFilter {
            name: Some(name.clone()),
            merchant: merchant.clone(),
            limit: 10,
            ..Default::default()
        };
        orders.extend(found(db, filter).await);
    }
    orders
}

async fn searched(db: &Db, text: &str) -> Vec<OrderId> {
    searched_at(db, text, &[None]).await
}

async fn orders_are_found_by_how_a_name_begins(db: Db) {
    let row = referenced(&db, "customer-å1", "WEB-2026-0001", "B%1");
    let one = insert(&db, OrderRow { idempotency_key: Some("cart-77".into()), ..row }).await;
    let worker = db.begin_worker().await;
    let claimed = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.settle_order(&claimed.claim, &submitted()).await.unwrap().is_some());
    let klarna_id = "0f3c9d5a-klarna";
    let orders = if db.is_sqlite() { "orders" } else { "klarna_worker.orders" };
    db.execute(&format!("UPDATE {orders} SET klarna_id = '{klarna_id}'")).await;
    db.advance(3600);
    let two = insert(&db, referenced(&db, "customer-å2", "WEB-2026-0002", "B_2")).await;
    let id = one.to_string();
    for text in ["WEB-2026-000", "customer-å", "WEB"] {
        assert_eq!(searched(&db, text).await, [two, one], "{text}");
    }
    for text in
        ["cart", "cart-7", "B%1", "0f3", &klarna_id[..8], &id[..8], &id[..23], &id[..9].to_uppercase()]
    {
        assert_eq!(searched(&db, text).await, [one], "{text}");
    }
    // Too short; other letters; not the beginning; and nothing stands for other characters.
    for text in [
        "WE",
        "web",
        "Web-2026",
        "EB-2026",
        "customer-a",
        "customer-ä",
        "customer-å ",
        "cart_",
        "cart%",
        "B%2",
        "B_1",
        "%WE",
        "___",
        "' OR true --",
        &id[..7],
        &id[9..],
        "WEB-2026-0001x",
        "\u{10ffff}\u{10ffff}\u{10ffff}",
    ] {
        assert!(searched(&db, text).await.is_empty(), "{text}");
    }
    db.store.erase_user(&UserKey::new("shop", "customer-å1")).await.unwrap();
    for text in ["WEB", "cart", "0f3", "customer-å"] {
        assert!(!searched(&db, text).await.contains(&one), "{text}");
    }
}

async fn whole_names_come_before_beginnings(db: Db) {
    let whole = insert(&db, referenced(&db, "u-1", "A-100", "x")).await;
    db.advance(1);
    let longer = insert(&db, referenced(&db, "A-1000", "A-1001", "y")).await;
    db.advance(1);
    let there =
        insert(&db, OrderRow { merchant: "other".into(), ..referenced(&db, "u-1", "A-100", "z") }).await;
    assert_eq!(searched(&db, "A-100").await, [there, whole]);
    assert_eq!(searched(&db, "A-10").await, [there, longer, whole]);
    assert_eq!(searched(&db, "A-1000").await, [longer], "one that has it as a whole, and as a beginning");
    let (shop, other) = (Some("shop".into()), Some("other".into()));
    assert_eq!(searched_at(&db, "A-10", std::slice::from_ref(&shop)).await, [longer, whole]);
    assert_eq!(searched_at(&db, "A-10", &[other.clone(), shop.clone()]).await, [there, longer, whole]);
    // What others have does not count.
    assert_eq!(searched_at(&db, "A-1000", std::slice::from_ref(&other)).await, []);
    db.store.erase_user(&UserKey::new("shop", "u-1")).await.unwrap();
    assert_eq!(searched_at(&db, "A-100", std::slice::from_ref(&shop)).await, [longer]);
    assert_eq!(searched_at(&db, "A-100", &[shop, other]).await, [there]);
}

async fn a_beginning_chooses_what_is_listed_counted_and_changed(db: Db) {
    let mut ids = Vec::new();
    for n in 0..5 {
        // In different columns.
        let (user, one) = if n % 2 == 0 { ("abc-1", "abc-2") } else { ("u", "abc-3") };
        ids.push(insert(&db, referenced(&db, user, one, "abc-4")).await);
        db.advance(1);
    }
    let other =
        insert(&db, OrderRow { merchant: "other".into(), ..referenced(&db, "abc", "abc", "x") }).await;
    ids.push(other);
    ids.reverse();
    let begins = || OrderFilter {
        name: Some(OrderName::Begins(Beginning::new("abc"))),
        limit: 2,
        ..OrderFilter::default()
    };
    let of_shop = || OrderFilter { merchant: Some("shop".into()), status: Some(Status::Queued), ..begins() };
    assert_eq!(found(&db, begins()).await, ids[..2]);
    assert_eq!(found(&db, OrderFilter { before: Some(ids[1]), ..begins() }).await, ids[2..4]);
    assert_eq!(found(&db, of_shop()).await, ids[1..3]);
    let of_user = OrderFilter { user: Some("abc-1".into()), limit: 9, ..of_shop() };
    assert_eq!(found(&db, of_user).await, [ids[1], ids[3], ids[5]]);
    assert!(found(&db, OrderFilter { status: Some(Status::Failed), ..begins() }).await.is_empty());
    assert_eq!(db.store.count_orders(&begins()).await.unwrap().orders, 6);
    assert_eq!(db.store.count_orders_up_to(&of_shop(), 100).await.unwrap(), 5);
    assert_eq!(db.store.count_orders_up_to(&of_shop(), 3).await.unwrap(), 3);
    assert_eq!(db.store.orders_by_code(&of_shop()).await.unwrap()[0].orders, 5);
    let changed = db.store.cancel_orders(&of_shop()).await.unwrap();
    assert_eq!((changed.orders, changed.next), (ids[1..3].to_vec(), Some(ids[2])));
    assert_eq!(found(&db, OrderFilter { limit: 9, ..of_shop() }).await, ids[3..]);
}

async fn of_very_many_names_the_last_are_found(db: Db) {
    let most = usize::try_from(BEGINNING).unwrap();
    let row = |number: usize| referenced(&db, "u", &format!("WEB-{number:05}"), "x");
    let rows: Vec<OrderRow> = (0..most + 2).map(row).collect();
    let first = rows[..2].iter().map(|row| row.id).collect::<Vec<_>>();
    db.store.insert_orders(&rows).await.unwrap();
    let begins = |text| OrderFilter {
        name: Some(OrderName::Begins(Beginning::new(text))),
        limit: BEGINNING + 9,
        ..OrderFilter::default()
    };
    let last = found(&db, begins("WEB")).await;
    assert!(last.len() == most && !last.contains(&first[0]) && !last.contains(&first[1]));
    assert_eq!(db.store.count_orders(&begins("WEB")).await.unwrap().orders, u64::from(BEGINNING));
    let few = found(&db, begins("WEB-0000")).await;
    assert!(few.len() == 10 && few.contains(&first[0]), "{few:?}");
}
