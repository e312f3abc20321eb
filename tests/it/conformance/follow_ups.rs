//! Orders are found by their failing follow-ups, which operators retry.

use std::time::Duration;

use klarna_order_worker::order::{FollowUpState, OrderAdminRefusal, OrderId, Status};
use klarna_order_worker::store::{
    ChangedOrders, FOLLOW_UP_FOR, FailingFollowUp, FollowUp, OrderCount, OrderFilter, Retried, Unchanged,
};

use super::orders::{claim, insert, order};
use super::sessions::submitted;
use crate::support::stores::{Db, both_engines};

both_engines![
    orders_are_found_by_their_failing_follow_ups,
    failing_follow_ups_are_retried_at_once,
    a_follow_up_that_is_being_tried_is_retried_too,
];

const LEASE: Duration = Duration::from_mins(1);
const LONG: Duration = Duration::from_mins(30);

/// Returns two submitted orders: the first has a follow-up that failed and one that waits, the
/// second has one that was given up.
async fn failing(db: &Db) -> [OrderId; 2] {
    let mut ids = Vec::new();
    for klarna_id in ["k-1", "k-2"] {
        ids.push(insert(db, order(db, klarna_id)).await);
        let worker = db.begin_worker().await;
        let claimed = claim(db, worker, 1).await.remove(0);
        assert!(db.store.settle_order(&claimed.claim, &submitted(klarna_id)).await.unwrap().is_some());
        db.advance(1);
    }
    let shop = "shop".into();
    db.store.record_push(&shop, "k-1").await.unwrap();
    db.store.record_read(&shop, "k-2").await.unwrap();
    db.store.record_push(&shop, "unknown").await.unwrap();
    for follow_up in db.store.claim_follow_ups(&shop, 9, LEASE).await.unwrap() {
        let wait = if follow_up.klarna_id == "k-2" { FOLLOW_UP_FOR } else { LONG };
        let again = db.store.retry_follow_up(&follow_up, wait, "HTTP 401").await.unwrap();
        let is_over = follow_up.klarna_id == "k-2";
        assert_eq!(again, if is_over { Retried::GivenUp } else { Retried::Again });
    }
    db.store.record_read(&shop, "k-1").await.unwrap();
    [ids[0], ids[1]]
}

fn with(state: FollowUpState) -> OrderFilter {
    OrderFilter { follow_ups: Some(state), limit: 10, ..OrderFilter::default() }
}

async fn found(db: &Db, filter: OrderFilter) -> Vec<OrderId> {
    db.store.orders(&filter).await.unwrap().into_iter().map(|order| order.id).collect()
}

async fn orders_are_found_by_their_failing_follow_ups(db: Db) {
    use FollowUpState::{Failing, GivenUp};
    let [first, second] = failing(&db).await;
    insert(&db, order(&db, "k-1")).await;
    for merchant in [None, Some("shop".into())] {
        assert_eq!(
            found(&db, OrderFilter { merchant: merchant.clone(), ..with(Failing) }).await,
            [second, first]
        );
        assert_eq!(found(&db, OrderFilter { merchant, ..with(GivenUp) }).await, [second]);
    }
    let page = OrderFilter { limit: 1, ..with(Failing) };
    assert_eq!(found(&db, page.clone()).await, [second]);
    assert_eq!(found(&db, OrderFilter { before: Some(second), ..page }).await, [first]);
    for (filter, orders) in [
        (with(Failing), 2),
        (OrderFilter { status: Some(Status::Submitted), ..with(Failing) }, 2),
        (OrderFilter { user: Some("k-1".into()), ..with(Failing) }, 1),
        (OrderFilter { name: Some("k-2".into()), ..with(Failing) }, 1),
        (OrderFilter { status: Some(Status::Failed), ..with(Failing) }, 0),
        (OrderFilter { merchant: Some("other".into()), ..with(Failing) }, 0),
    ] {
        assert_eq!(found(&db, filter.clone()).await.len(), orders, "{filter:?}");
        let count = orders as u64;
        assert_eq!(
            db.store.count_orders(&filter).await.unwrap(),
            OrderCount { orders: count, with_body: count }
        );
        assert_eq!(db.store.count_orders_up_to(&filter, 5).await.unwrap(), count);
    }
    let history = db.store.order_history(second).await.unwrap().follow_ups;
    let [FailingFollowUp { kind: FollowUp::Read, attempts: 1, error, given_up: true, .. }] = &history[..]
    else {
        panic!("{history:?}");
    };
    assert_eq!(error, "HTTP 401");
    let history = db.store.order_history(first).await.unwrap().follow_ups;
    assert!(
        matches!(history[..], [FailingFollowUp { kind: FollowUp::Push, given_up: false, .. }]),
        "{history:?}"
    );
}

async fn failing_follow_ups_are_retried_at_once(db: Db) {
    let [first, second] = failing(&db).await;
    let queued = insert(&db, order(&db, "k-1")).await;
    let shop = "shop".into();
    assert_eq!(
        db.store.claim_follow_ups(&shop, 9, LEASE).await.unwrap().len(),
        1,
        "the one that did not fail"
    );
    let other = OrderFilter { merchant: Some("other".into()), limit: 10, ..OrderFilter::default() };
    assert_eq!(db.store.retry_follow_ups(&other).await.unwrap(), ChangedOrders::default());

    let given_up = db.store.retry_follow_ups(&with(FollowUpState::GivenUp)).await.unwrap();
    assert_eq!(given_up.orders, [second]);
    let due = db.store.claim_follow_ups(&shop, 9, LEASE).await.unwrap();
    assert_eq!((due.len(), due[0].klarna_id.as_str(), due[0].attempts), (1, "k-2", 0));
    assert_eq!(found(&db, with(FollowUpState::Failing)).await, [first], "the other has not failed since");

    // Of orders that are named, it is said which have none.
    let ids = Some(vec![first, second, queued, OrderId::new(db.clock.now())]);
    let changed =
        db.store.retry_follow_ups(&OrderFilter { ids, limit: 10, ..OrderFilter::default() }).await.unwrap();
    let unchanged =
        [(Unchanged::NotFound, 1), (Unchanged::NoFollowUp, 1), (Unchanged::Status(Status::Queued), 1)];
    assert_eq!(changed, ChangedOrders { orders: vec![first], unchanged: unchanged.into(), next: None });
    assert_eq!(db.store.claim_follow_ups(&shop, 9, LEASE).await.unwrap()[0].klarna_id, "k-1");
    let none = db.store.retry_follow_ups_of(first).await.unwrap();
    assert!(matches!(none, Err(OrderAdminRefusal::NoFollowUp)), "{none:?}");
}

async fn a_follow_up_that_is_being_tried_is_retried_too(db: Db) {
    let [first, _] = failing(&db).await;
    let shop = "shop".into();
    db.advance(1800);
    let mut running = db.store.claim_follow_ups(&shop, 9, LEASE).await.unwrap();
    running.retain(|follow_up| follow_up.kind == FollowUp::Push && follow_up.klarna_id == "k-1");
    db.store.retry_follow_ups_of(first).await.unwrap().unwrap();
    // Its attempt knows only what was so before: it says nothing any more.
    let late = db.store.retry_follow_up(&running[0], LONG, "HTTP 401").await.unwrap();
    assert_eq!(late, Retried::ClaimLost);
    let due = db.store.claim_follow_ups(&shop, 9, LEASE).await.unwrap();
    assert_eq!((due.len(), due[0].klarna_id.as_str(), due[0].attempts), (1, "k-1", 0));
    db.store.end_follow_up(&running[0], None).await.unwrap();
    assert_eq!(db.count("follow_ups").await, 4);

    // It is tried for two days from then on.
    db.advance(47 * 3600 + 1800);
    let mut due = db.store.claim_follow_ups(&shop, 9, LEASE).await.unwrap();
    due.retain(|follow_up| follow_up.kind == FollowUp::Push && follow_up.klarna_id == "k-1");
    assert_eq!(db.store.retry_follow_up(&due[0], LEASE, "HTTP 401").await.unwrap(), Retried::Again);
}
