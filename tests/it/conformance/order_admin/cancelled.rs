//! Cancelling orders.

use super::*;

both_engines![
    a_queued_order_is_called_back_for_good,
    each_cancelled_order_is_told_once_and_none_of_an_erased_user,
    a_cancel_and_a_claim_never_both_win,
];

async fn a_queued_order_is_called_back_for_good(db: Db) {
    let id = insert(&db, order(&db, "u")).await;
    cache(&db, id).await;
    db.advance(5);
    let view = db.store.cancel_order(id).await.unwrap().unwrap();
    assert_eq!((view.status, view.ended_at), (Status::Cancelled, Some(db.clock.now())));
    assert_eq!(db.count("cached_tokens").await, 0, "its cached tokens are deleted");
    let worker = db.begin_worker().await;
    assert!(claim(&db, worker, 1).await.is_empty());
    assert!(
        matches!(db.store.cancel_order(id).await.unwrap(), Err(OrderAdminRefusal::NotCancelled(view)) if view.status == Status::Cancelled)
    );
    assert!(matches!(db.store.retry_order(id, AGAIN).await.unwrap(), Err(OrderAdminRefusal::NotRetried(_))));
    let none = OrderId::new(db.clock.now());
    assert!(matches!(db.store.cancel_order(none).await.unwrap(), Err(OrderAdminRefusal::Missing)));
    assert!(matches!(db.store.retry_order(none, AGAIN).await.unwrap(), Err(OrderAdminRefusal::Missing)));
}

async fn each_cancelled_order_is_told_once_and_none_of_an_erased_user(db: Db) {
    open_endpoint(&db, 1).await;
    let one = insert(&db, order(&db, "u")).await;
    let worker = db.begin_worker().await;
    let retry = Disposition::Retry {
        after: Duration::ZERO,
        error: error("klarna_unavailable"),
        possible_duplicate: true,
        token_waited: Duration::ZERO,
    };
    let claimed = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.settle_order(&claimed.claim, &retry).await.unwrap().is_some());
    db.advance(5);
    assert!(db.store.cancel_order(one).await.unwrap().is_ok());
    assert!(db.store.cancel_order(one).await.unwrap().is_err());
    let many = insert(&db, OrderRow { target: None, ..order(&db, "v") }).await;
    let of_user = OrderFilter { user: Some("v".into()), limit: 9, ..OrderFilter::default() };
    assert_eq!(db.store.cancel_orders(&of_user).await.unwrap().orders, [many]);
    assert_eq!(db.store.cancel_orders(&of_user).await.unwrap().orders, []);
    let by_sql = insert(&db, order(&db, "w")).await;
    db.execute("UPDATE orders SET status = 'cancelled', ended_at = due_at WHERE status = 'queued'").await;

    let told = db.raw().await.column("data FROM webhooks ORDER BY seq").await;
    let told: Vec<Value> =
        told.into_iter().map(|data| serde_json::from_str(&data.unwrap()).unwrap()).collect();
    let event = |id: OrderId, user: &str, target: Value, twice: bool| {
        json!({ "order_id": id, "merchant": "shop", "user": user,
            "target": target, "possible_duplicate": twice })
    };
    let checkout = json!("checkout");
    let expected = [
        event(one, "u", checkout.clone(), true),
        event(many, "v", Value::Null, false),
        event(by_sql, "w", checkout, false),
    ];
    assert_eq!(told, expected);
    let views = list(&db).await;
    assert!(views.iter().all(|view| view.kind == EventKind::OrderCancelled), "{views:?}");
    assert_eq!((views[2].order, views[2].occurred_at), (Some(one), db.clock.now()));
    insert(&db, order(&db, "x")).await;
    let erased = db.store.erase_user(&UserKey::new("shop", "x")).await.unwrap();
    assert_eq!((erased.cancelled, erased.webhooks), (1, 0));
}

async fn a_cancel_and_a_claim_never_both_win(db: Db) {
    let worker = db.begin_worker().await;
    for _ in 0..20 {
        let id = insert(&db, order(&db, "u")).await;
        let (cancelled, claimed) = tokio::join!(db.store.cancel_order(id), claim(&db, worker, 1));
        let cancelled = cancelled.unwrap().is_ok();
        assert_eq!(cancelled, claimed.is_empty());
        for claimed in claimed {
            fail(&db, &claimed, "x").await;
        }
    }
}
