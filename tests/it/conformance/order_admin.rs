//! Cancelling and retrying orders.

mod cancelled;

use std::time::Duration;

use chrono::TimeDelta;
use klarna_order_worker::history::numbered_attempts;
use klarna_order_worker::ids::{ClaimNumber, UserKey};
use klarna_order_worker::order::{
    Disposition, OrderAdminRefusal, OrderError, OrderId, Prefill, Status, TokenOutcome, Waits,
};
use klarna_order_worker::store::{
    ChangedOrders, ClaimedOrder, EventKind, OrderCount, OrderFilter, OrderRow, Signal, Unchanged,
};
use serde_json::{Value, json};

use super::orders::{claim, insert, order};
use super::webhooks::{list, open_endpoint};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_retry_starts_anew_but_for_what_klarna_may_know,
    an_order_without_its_body_is_not_tried_again,
    only_failed_orders_are_tried_again,
    a_filter_chooses_among_those_that_fit,
    orders_that_failed_lately_are_chosen_by_when_they_failed,
    of_named_orders_it_is_said_which_were_not_changed,
    times_count_by_the_database_not_by_ids,
    listeners_hear_of_it,
    many_are_asked_for_at_once,
];

const AGAIN: Duration = Duration::from_mins(7);

fn error(code: &str) -> OrderError {
    OrderError { code: code.into(), message: "No.".into(), ..OrderError::default() }
}

async fn fail(db: &Db, claimed: &ClaimedOrder, code: &str) {
    let failed = Disposition::Failed {
        error: error(code),
        token: Some(TokenOutcome::Unavailable),
        prefilled: Prefill::default(),
    };
    assert!(db.store.settle_order(&claimed.claim, &failed).await.unwrap().is_some());
}

/// Returns an order of `user` that has failed.
async fn failed(db: &Db, user: &str, code: &str) -> OrderId {
    let id = insert(db, order(db, user)).await;
    let worker = db.begin_worker().await;
    fail(db, &claim(db, worker, 1).await[0], code).await;
    id
}

async fn status(db: &Db, id: OrderId) -> Status {
    db.store.order(id).await.unwrap().unwrap().status
}

async fn cache(db: &Db, id: OrderId) {
    let id = id.to_string();
    let literal = if db.is_sqlite() { format!("x'{}'", id.replace('-', "")) } else { format!("'{id}'") };
    let (table, bytes, time) = if db.is_sqlite() {
        ("cached_tokens", "x'00'", "0")
    } else {
        ("klarna_worker.cached_tokens", "''", "now()")
    };
    let insert = "INSERT INTO {table} (purpose_ref, token_id, grant_generation, provider, sealed, received_at, good_until) VALUES";
    db.execute(&format!(
        "{} ({literal}, 1, 1, {bytes}, {bytes}, {time}, {time})",
        insert.replace("{table}", table)
    ))
    .await;
}

async fn a_retry_starts_anew_but_for_what_klarna_may_know(db: Db) {
    let row = OrderRow { idempotency_key: Some("k".into()), ..order(&db, "u") };
    let id = insert(&db, row.clone()).await;
    let worker = db.begin_worker().await;
    let first = claim(&db, worker, 1).await.remove(0);
    let retry = Disposition::Retry {
        after: Duration::ZERO,
        error: error("klarna_unavailable"),
        possible_duplicate: true,
        token_waited: Duration::ZERO,
    };
    assert!(db.store.settle_order(&first.claim, &retry).await.unwrap().is_some());
    let wait = Disposition::Snooze {
        after: Duration::ZERO,
        error: None,
        token_waited: Duration::from_secs(5),
        waits: Waits::default(),
    };
    let second = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.settle_order(&second.claim, &wait).await.unwrap().is_some());
    fail(&db, &claim(&db, worker, 1).await[0], "deadline_exceeded").await;
    let given_up = db.store.order(id).await.unwrap().unwrap();
    assert_eq!((given_up.status, given_up.attempts), (Status::Failed, 1), "to give up is no attempt");
    let history = db.store.order_history(id).await.unwrap();
    let numbers: Vec<_> = numbered_attempts(&history).map(|(number, _)| number).collect();
    assert_eq!(numbers, [Some(1), None]);
    db.advance(3600);
    let view = db.store.retry_order(id, AGAIN).await.unwrap().unwrap();
    assert_eq!((view.status, view.attempts, view.possible_duplicate), (Status::Queued, 0, true));
    assert_eq!((view.error.is_none(), view.token, view.ended_at), (true, None, None));
    assert_eq!((view.due_at, view.deadline_at), (db.clock.now(), db.clock.now() + TimeDelta::minutes(7)));
    // Its patience for a token begins again, and earlier claims no longer hold.
    let claimed = claim(&db, worker, 1).await.remove(0);
    assert_eq!((claimed.token_waited, claimed.claim.number), (Duration::ZERO, ClaimNumber(4)));
    assert_eq!((claimed.body, claimed.possible_duplicate), (row.body.clone(), true));
    assert!(db.store.settle_order(&first.claim, &retry).await.unwrap().is_none());
    let same = OrderRow { id: OrderId::new(db.clock.now()), ..row };
    assert_eq!(
        db.store.insert_orders(&[same]).await.unwrap(),
        [klarna_order_worker::store::Inserted::Same(id)]
    );
}

async fn an_order_without_its_body_is_not_tried_again(db: Db) {
    let id = failed(&db, "u", "x").await;
    let table = if db.is_sqlite() { "orders" } else { "klarna_worker.orders" };
    db.execute(&format!("UPDATE {table} SET body = NULL")).await;
    assert!(matches!(db.store.retry_order(id, AGAIN).await.unwrap(), Err(OrderAdminRefusal::BodyGone)));
    assert!(matches!(db.store.cancel_order(id).await.unwrap(), Err(OrderAdminRefusal::NotCancelled(_))));
    let all = OrderFilter { limit: 10, ..OrderFilter::default() };
    let unchanged = [(Unchanged::BodyDeleted, 1)].into();
    let none = ChangedOrders { unchanged, ..ChangedOrders::default() };
    assert_eq!(db.store.retry_orders(&all, AGAIN).await.unwrap(), none);
    let count = OrderCount { orders: 1, with_body: 0 };
    assert_eq!((db.store.count_orders(&all).await.unwrap(), status(&db, id).await), (count, Status::Failed));
}

async fn only_failed_orders_are_tried_again(db: Db) {
    let id = insert(&db, order(&db, "u")).await;
    assert!(
        matches!(db.store.retry_order(id, AGAIN).await.unwrap(), Err(OrderAdminRefusal::NotRetried(view)) if view.status == Status::Queued)
    );
    let worker = db.begin_worker().await;
    claim(&db, worker, 1).await;
    for changed in [db.store.retry_order(id, AGAIN).await.unwrap(), db.store.cancel_order(id).await.unwrap()]
    {
        assert!(
            matches!(changed, Err(OrderAdminRefusal::NotRetried(view) | OrderAdminRefusal::NotCancelled(view)) if view.status == Status::Running)
        );
    }
}

async fn a_filter_chooses_among_those_that_fit(db: Db) {
    let began = db.clock.now();
    // Ids of the same millisecond are in random order.
    let first = failed(&db, "a", "x").await;
    db.advance(1);
    let second = failed(&db, "b", "y").await;
    db.advance(60);
    let third = failed(&db, "a", "y").await;
    db.advance(1);
    let queued = insert(&db, order(&db, "c")).await;
    let all = OrderFilter { limit: 10, ..OrderFilter::default() };
    let list = async |filter: OrderFilter| {
        let ids =
            db.store.orders(&filter).await.unwrap().into_iter().map(|order| order.id).collect::<Vec<_>>();
        assert_eq!(db.store.count_orders(&filter).await.unwrap().with_body, ids.len() as u64);
        ids
    };
    let with = |codes: &[&str]| OrderFilter {
        errors: codes.iter().map(|&code| code.into()).collect(),
        ..all.clone()
    };
    assert_eq!(list(with(&["y"])).await, [third, second]);
    assert_eq!(list(with(&["y", "none", "x"])).await, [third, second, first]);
    assert_eq!(list(OrderFilter { due_by: Some(db.clock.now()), ..all.clone() }).await, [queued]);
    let earlier = Some(db.clock.now() - TimeDelta::seconds(1));
    assert!(list(OrderFilter { due_by: earlier, ..all.clone() }).await.is_empty());
    assert_eq!(
        list(OrderFilter { since: Some(began + TimeDelta::seconds(60)), ..all.clone() }).await,
        [queued, third]
    );
    assert_eq!(
        list(OrderFilter { until: Some(began + TimeDelta::seconds(60)), ..all.clone() }).await,
        [second, first]
    );

    // Each status is searched by itself, and the results are merged.
    let shop = OrderFilter { merchant: Some("shop".into()), ..all.clone() };
    assert_eq!(list(shop.clone()).await, [queued, third, second, first]);
    let newest = db.store.orders(&OrderFilter { limit: 2, ..shop.clone() }).await.unwrap();
    assert_eq!(newest.iter().map(|order| order.id).collect::<Vec<_>>(), [queued, third]);
    let without = OrderFilter { token: Some(TokenOutcome::Unavailable), ..all.clone() };
    assert_eq!(list(without).await, [third, second, first]);
    assert_eq!(list(OrderFilter { status: Some(Status::Failed), ..shop }).await, [third, second, first]);
    for none in [
        OrderFilter { duplicates: Some(true), ..all.clone() },
        OrderFilter { token: Some(TokenOutcome::Cached), ..all.clone() },
        OrderFilter { merchant: Some("other".into()), ..all.clone() },
    ] {
        assert!(list(none).await.is_empty());
    }

    let of_a = OrderFilter { user: Some("a".into()), ..all.clone() };
    assert_eq!(
        db.store.cancel_orders(&of_a).await.unwrap(),
        ChangedOrders::default(),
        "none of them is queued"
    );
    let one = OrderFilter { limit: 1, ..of_a };
    let changed = db.store.retry_orders(&one, AGAIN).await.unwrap();
    assert_eq!((changed.orders, changed.next), (vec![third], Some(third)));
    let rest =
        db.store.retry_orders(&OrderFilter { limit: 5, before: changed.next, ..one }, AGAIN).await.unwrap();
    assert_eq!((rest.orders, rest.next), (vec![first], None));
    assert_eq!(status(&db, second).await, Status::Failed);

    assert_eq!(db.store.cancel_orders(&all).await.unwrap().orders, [queued, third, first]);
    assert_eq!(db.store.retry_orders(&all, AGAIN).await.unwrap().orders, [second]);
}

async fn orders_that_failed_lately_are_chosen_by_when_they_failed(db: Db) {
    let long_ago = insert(&db, order(&db, "a")).await;
    let worker = db.begin_worker().await;
    let claimed = claim(&db, worker, 1).await.remove(0);
    db.advance(1);
    let before = failed(&db, "b", "x").await;
    db.advance(100);
    let outage = db.clock.now();
    fail(&db, &claimed, "x").await;
    db.advance(1);
    let submitted = insert(&db, order(&db, "c")).await;
    db.store.cancel_order(submitted).await.unwrap().unwrap();
    let since = OrderFilter { ended_since: Some(outage), limit: 10, ..OrderFilter::default() };
    let ids = async |filter: OrderFilter| {
        db.store.orders(&filter).await.unwrap().into_iter().map(|order| order.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(since.clone()).await, [submitted, long_ago]);
    assert_eq!(ids(OrderFilter { status: Some(Status::Failed), ..since.clone() }).await, [long_ago]);
    let until = |at| OrderFilter {
        ended_until: Some(at),
        status: Some(Status::Failed),
        limit: 10,
        ..OrderFilter::default()
    };
    assert_eq!(ids(until(outage)).await, [before]);
    assert_eq!(ids(OrderFilter { ended_since: Some(outage), ..until(outage) }).await, []);
    let second = outage + TimeDelta::seconds(1);
    assert_eq!(ids(OrderFilter { ended_since: Some(outage), ..until(second) }).await, [long_ago]);
    let others = OrderFilter { duplicates: Some(false), ..since.clone() };
    assert_eq!(ids(others).await, [submitted, long_ago]);
    assert_eq!(db.store.retry_orders(&since, AGAIN).await.unwrap().orders, [long_ago]);
    assert_eq!(status(&db, before).await, Status::Failed);
}

async fn of_named_orders_it_is_said_which_were_not_changed(db: Db) {
    let bad = failed(&db, "a", "x").await;
    let table = if db.is_sqlite() { "orders" } else { "klarna_worker.orders" };
    db.execute(&format!("UPDATE {table} SET body = NULL")).await;
    let good = failed(&db, "b", "x").await;
    let queued = insert(&db, order(&db, "c")).await;
    let theirs = insert(&db, OrderRow { merchant: "other".into(), ..order(&db, "c") }).await;
    let none = OrderId::new(db.clock.now());
    let ids = Some(vec![bad, good, queued, theirs, none, good]);
    let named = OrderFilter { ids, merchant: Some("shop".into()), limit: 100, ..OrderFilter::default() };
    let retried = db.store.retry_orders(&named, AGAIN).await.unwrap();
    let unchanged =
        [(Unchanged::NotFound, 2), (Unchanged::BodyDeleted, 1), (Unchanged::Status(Status::Queued), 1)];
    assert_eq!(retried, ChangedOrders { orders: vec![good], unchanged: unchanged.into(), next: None });
    let cancelled = db.store.cancel_orders(&named).await.unwrap();
    assert_eq!(cancelled.orders.len(), 2);
    let unchanged = [(Unchanged::NotFound, 2), (Unchanged::Status(Status::Failed), 1)];
    assert_eq!(cancelled.unchanged, unchanged.into());
    assert_eq!(status(&db, theirs).await, Status::Queued);

    // Page by page: what is not found is known at the end.
    let (mut before, mut pages) = (None, Vec::new());
    loop {
        let page = OrderFilter { before, limit: 2, ..named.clone() };
        let done = db.store.cancel_orders(&page).await.unwrap();
        pages.push(done.unchanged.get(&Unchanged::NotFound).copied());
        before = done.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(pages, [None, Some(2)]);
}

async fn times_count_by_the_database_not_by_ids(db: Db) {
    let now = db.clock.now();
    let ahead = OrderRow { id: OrderId::new(now + TimeDelta::minutes(30)), ..order(&db, "u") };
    let id = insert(&db, ahead).await;
    let soon = Some(now + TimeDelta::seconds(10));
    let all = OrderFilter { limit: 10, ..OrderFilter::default() };
    for (filter, found) in [
        (OrderFilter { since: Some(now), until: soon, ..all.clone() }, true),
        (OrderFilter { since: soon, ..all.clone() }, false),
        (OrderFilter { until: Some(now), ..all }, false),
    ] {
        let ids: Vec<_> = db.store.orders(&filter).await.unwrap().into_iter().map(|order| order.id).collect();
        assert_eq!(ids, if found { vec![id] } else { vec![] }, "{filter:?}");
    }
}

async fn listeners_hear_of_it(db: Db) {
    let id = failed(&db, "u", "x").await;
    let mut signals = db.store.listen().await.unwrap();
    db.store.retry_order(id, AGAIN).await.unwrap().unwrap();
    assert_eq!(signals.next().await.unwrap(), Signal::Due);
    db.store.cancel_order(id).await.unwrap().unwrap();
    assert_eq!(signals.next().await.unwrap(), Signal::Settled(id));
    let id = insert(&db, order(&db, "u")).await;
    assert_eq!(signals.next().await.unwrap(), Signal::Due);
    // Changes by another process are notified too; SQLite only says that there was one.
    let other = db.open().await;
    other.cancel_orders(&OrderFilter { limit: 5, ..OrderFilter::default() }).await.unwrap();
    let expected = if db.is_sqlite() { Signal::Changed } else { Signal::Settled(id) };
    assert_eq!(signals.next().await.unwrap(), expected);
}

async fn many_are_asked_for_at_once(db: Db) {
    let rows: Vec<OrderRow> = (0..2000).map(|n| order(&db, &n.to_string())).collect();
    db.store.insert_orders(&rows).await.unwrap();
    let ids: Vec<OrderId> = rows.iter().map(|row| row.id).collect();
    assert_eq!(db.store.settled(&ids).await.unwrap(), []);
    db.store.cancel_order(ids[7]).await.unwrap().unwrap();
    assert_eq!(db.store.settled(&ids).await.unwrap(), [ids[7]]);
    assert_eq!(db.store.settled(&[]).await.unwrap(), []);
}
