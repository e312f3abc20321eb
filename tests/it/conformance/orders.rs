//! Orders: due, claimed and shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use klarna_order_worker::config::{Live, Merchant, Merchants};
use klarna_order_worker::ids::{ClaimNumber, WorkerId};
use klarna_order_worker::order::{OrderId, Status, Summary, Target};
use klarna_order_worker::pauses::Pauses;
use klarna_order_worker::queue::{Load, Source as _};
use klarna_order_worker::store::{ClaimedOrder, Inserted, OrderFilter, OrderRow, Signal};
use klarna_order_worker::worker::OrderSource;
use test_support::merchant::merchant;

use crate::support::stores::{Db, both_engines};

both_engines![
    nothing_is_due_before_its_time,
    the_deadline_counts_from_when_an_order_may_first_run,
    next_due_looks_at_the_future_alone,
    the_longest_due_is_claimed_first_and_no_more_than_the_share,
    each_merchant_has_its_own_share,
    of_one_user_one_order_runs_until_it_has_its_token,
    however_many_users_orders_run_none_has_a_second,
    a_look_at_recent_orders_passes_older_ones_over,
    slots_that_one_merchant_cannot_use_are_anothers,
    what_is_claimed_is_run_although_another_claim_fails,
    a_process_leaves_the_orders_of_merchants_that_it_does_not_know,
    orders_of_a_lone_merchant_are_claimed_until_none_is_free,
    concurrent_workers_never_claim_the_same_order,
    what_is_given_back_is_claimed_anew_under_another_number,
    lists_go_from_new_to_old_by_page_and_filter,
    listeners_hear_of_orders_and_ends,
];

pub const DEADLINE: Duration = Duration::from_hours(1);

/// The trace context of every order here.
pub const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Returns an order of `user` that is due at once.
pub fn order(db: &Db, user: &str) -> OrderRow {
    OrderRow {
        id: OrderId::new(db.clock.now()),
        merchant: "shop".into(),
        user: user.into(),
        idempotency_key: None,
        digest: [1; 32],
        body: "{}".into(),
        summary: Summary::default(),
        target: Some(Target::Checkout),
        prefill: None,
        not_before: None,
        deadline: None,
        order_deadline: DEADLINE,
        trace: Some(TRACE.into()),
    }
}

pub async fn insert(db: &Db, order: OrderRow) -> OrderId {
    assert_eq!(
        db.store.insert_orders(std::slice::from_ref(&order)).await.unwrap(),
        [Inserted::New(order.id)]
    );
    order.id
}

pub async fn claim(db: &Db, worker: WorkerId, share: usize) -> Vec<ClaimedOrder> {
    let shares = BTreeMap::from([("shop".into(), share)]);
    db.store.claim_orders(worker, &shares, None).await.unwrap()
}

fn ids(claimed: &[ClaimedOrder]) -> BTreeSet<OrderId> {
    claimed.iter().map(|order| order.claim.order).collect()
}

async fn nothing_is_due_before_its_time(db: Db) {
    let at = db.clock.now() + TimeDelta::seconds(30);
    insert(&db, OrderRow { not_before: Some(at), ..order(&db, "u") }).await;
    let worker = db.begin_worker().await;
    db.advance(29);
    assert!(db.store.due_merchants().await.unwrap().is_empty());
    assert!(claim(&db, worker, 1).await.is_empty());
    db.advance(1);
    assert_eq!(db.store.due_merchants().await.unwrap(), ["shop"]);
    assert_eq!(claim(&db, worker, 1).await.len(), 1);
    assert!(db.store.due_merchants().await.unwrap().is_empty());
}

async fn the_deadline_counts_from_when_an_order_may_first_run(db: Db) {
    let now = db.clock.now();
    let deadline = |id| {
        let db = db.clone();
        async move { db.store.order(id).await.unwrap().unwrap().deadline_at }
    };
    let plain = insert(&db, order(&db, "u")).await;
    assert_eq!(deadline(plain).await, now + DEADLINE);
    let later = now + TimeDelta::days(2);
    let late = insert(&db, OrderRow { not_before: Some(later), ..order(&db, "u") }).await;
    assert_eq!(deadline(late).await, later + DEADLINE);
    let past = insert(&db, OrderRow { not_before: Some(now - TimeDelta::days(2)), ..order(&db, "u") }).await;
    assert_eq!(deadline(past).await, now + DEADLINE);
    let own = insert(&db, OrderRow { deadline: Some(later), ..order(&db, "u") }).await;
    assert_eq!(deadline(own).await, later);
}

async fn next_due_looks_at_the_future_alone(db: Db) {
    assert_eq!(db.store.next_due().await.unwrap(), None);
    insert(&db, order(&db, "u")).await;
    assert_eq!(db.store.next_due().await.unwrap(), None);
    for seconds in [90, 70, 80] {
        let at = db.clock.now() + TimeDelta::seconds(seconds);
        insert(&db, OrderRow { not_before: Some(at), ..order(&db, "u") }).await;
    }
    assert_eq!(db.store.next_due().await.unwrap(), Some(Duration::from_secs(70)));
    db.advance(70);
    assert_eq!(db.store.next_due().await.unwrap(), Some(Duration::from_secs(10)));
}

async fn the_longest_due_is_claimed_first_and_no_more_than_the_share(db: Db) {
    let now = db.clock.now();
    let mut by_age = BTreeMap::new();
    for seconds in [2, 3, 1] {
        let at = now + TimeDelta::seconds(seconds);
        let row = OrderRow { not_before: Some(at), ..order(&db, &format!("u{seconds}")) };
        by_age.insert(seconds, insert(&db, row).await);
    }
    db.advance(3);
    let worker = db.begin_worker().await;
    assert_eq!(ids(&claim(&db, worker, 2).await), BTreeSet::from([by_age[&1], by_age[&2]]));
    assert_eq!(ids(&claim(&db, worker, 2).await), BTreeSet::from([by_age[&3]]));
    assert!(claim(&db, worker, 2).await.is_empty());
}

async fn a_look_at_recent_orders_passes_older_ones_over(db: Db) {
    let old = insert(&db, order(&db, "old")).await;
    db.advance(10);
    let new = insert(&db, order(&db, "new")).await;
    let worker = db.begin_worker().await;
    let shares = BTreeMap::from([("shop".into(), 2)]);
    let recent = |seconds| db.store.claim_orders(worker, &shares, Some(Duration::from_secs(seconds)));
    assert_eq!(ids(&recent(5).await.unwrap()), BTreeSet::from([new]));
    assert!(recent(10).await.unwrap().is_empty());
    assert_eq!(ids(&recent(11).await.unwrap()), BTreeSet::from([old]));
}

async fn slots_that_one_merchant_cannot_use_are_anothers(db: Db) {
    insert(&db, order(&db, "u")).await;
    let worker = db.begin_worker().await;
    assert_eq!(claim(&db, worker, 1).await.len(), 1);
    // This order waits for the one that runs and does not have its token yet.
    insert(&db, order(&db, "u")).await;
    for user in ["a", "b", "c"] {
        insert(&db, OrderRow { merchant: "other".into(), ..order(&db, user) }).await;
    }
    let source = OrderSource::new(db.store.clone(), known(&["shop", "other"]), Pauses::default(), worker);
    let running = BTreeMap::from([("shop".into(), 1), ("other".into(), 5)]);
    let running = Load { running, lone: true, ..Load::default() };
    let look = source.claim(2, &running, None).await.unwrap();
    assert_eq!(
        look.claimed.iter().map(|claimed| claimed.group.as_str()).collect::<Vec<_>>(),
        ["other", "other"]
    );
    let look = source.claim(2, &running, None).await.unwrap();
    assert_eq!((look.claimed.len(), look.blocked), (1, false));
    let look = source.claim(2, &running, None).await.unwrap();
    assert_eq!((look.claimed.len(), look.blocked), (0, true), "the one behind is due, and blocked");
}

async fn what_is_claimed_is_run_although_another_claim_fails(db: Db) {
    insert(&db, order(&db, "u")).await;
    for user in ["a", "b", "refused"] {
        insert(&db, OrderRow { merchant: "other".into(), ..order(&db, user) }).await;
        db.advance(1);
    }
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.user_id = 'refused')";
    db.execute(&if db.is_sqlite() {
        format!("{refuse} BEGIN SELECT RAISE(ABORT, 'refused by the test'); END")
    } else {
        format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''refused by the test''; END';
             {refuse} EXECUTE FUNCTION refuse()"
        )
    })
    .await;
    let worker = db.begin_worker().await;
    let source = OrderSource::new(db.store.clone(), known(&["shop", "other"]), Pauses::default(), worker);
    let load = Load { lone: true, ..Load::default() };
    // Each merchant gets two slots. The one that `shop` cannot use goes to `other` afterwards.
    let batch = source.claim(4, &load, None).await.unwrap();
    let claimed: BTreeSet<_> = batch.claimed.iter().map(|claimed| claimed.job.user.as_str()).collect();
    assert_eq!((claimed, batch.in_doubt), (BTreeSet::from(["a", "b", "u"]), true));
    assert!(source.claim(4, &load, None).await.is_err(), "the next claim says why");
}

/// The merchants in a process's settings.
pub fn known(names: &[&str]) -> Live<Merchants> {
    let merchant = |name: &&str| Merchant { name: (*name).into(), ..merchant("http://127.0.0.1:1") };
    let merchants: Merchants = names.iter().map(|name| ((*name).into(), Arc::new(merchant(name)))).collect();
    merchants.into()
}

async fn a_process_leaves_the_orders_of_merchants_that_it_does_not_know(db: Db) {
    let (ours, theirs) = (insert(&db, order(&db, "u")).await, OrderId::new(db.clock.now()));
    insert(&db, OrderRow { id: theirs, merchant: "other".into(), ..order(&db, "u") }).await;
    let worker = db.begin_worker().await;
    let source = OrderSource::new(db.store.clone(), known(&["shop"]), Pauses::default(), worker);
    let batch = source.claim(9, &Load { lone: true, ..Load::default() }, None).await.unwrap();
    assert_eq!(batch.claimed.iter().map(|claimed| claimed.job.claim.order).collect::<Vec<_>>(), [ours]);
    assert!(!batch.blocked && !batch.held_back);
    let batch = source.claim(9, &Load::default(), None).await.unwrap();
    assert!(
        batch.claimed.is_empty() && !batch.blocked && !batch.held_back,
        "what is left keeps nobody looking"
    );
    let seen = db.store.order(theirs).await.unwrap().unwrap();
    assert_eq!((seen.status, seen.error.is_none()), (Status::Queued, true));
    assert_eq!(db.value("claim_number FROM orders WHERE merchant = 'other'").await.as_deref(), Some("0"));

    // A process that knows the merchant takes it.
    let source =
        OrderSource::new(db.store.clone(), known(&["other"]), Pauses::default(), db.begin_worker().await);
    let batch = source.claim(9, &Load::default(), None).await.unwrap();
    assert_eq!(batch.claimed.iter().map(|claimed| claimed.job.claim.order).collect::<Vec<_>>(), [theirs]);
}

async fn orders_of_a_lone_merchant_are_claimed_until_none_is_free(db: Db) {
    for user in ["a", "b", "c"] {
        insert(&db, order(&db, user)).await;
    }
    let worker = db.begin_worker().await;
    let source = OrderSource::new(db.store.clone(), known(&["shop"]), Pauses::default(), worker);
    let claim = async || {
        let load = Load { lone: true, ..Load::default() };
        let batch = source.claim(2, &load, None).await.unwrap();
        (batch.claimed.len(), batch.blocked)
    };
    for expected in [2, 1, 0] {
        assert_eq!(claim().await, (expected, false));
    }
    // It waits for the order that runs and does not have its token yet.
    insert(&db, order(&db, "a")).await;
    insert(&db, order(&db, "d")).await;
    assert_eq!(claim().await, (1, false));
    assert_eq!(claim().await, (0, true));
}

async fn each_merchant_has_its_own_share(db: Db) {
    for user in ["a", "b", "c"] {
        insert(&db, order(&db, user)).await;
        insert(&db, OrderRow { merchant: "other".into(), ..order(&db, user) }).await;
        insert(&db, OrderRow { merchant: "unasked".into(), ..order(&db, user) }).await;
    }
    assert_eq!(db.store.due_merchants().await.unwrap(), ["other", "shop", "unasked"]);
    let worker = db.begin_worker().await;
    let shares = BTreeMap::from([("shop".into(), 1), ("other".into(), 2), ("unknown".into(), 9)]);
    let mut claimed: Vec<_> = db
        .store
        .claim_orders(worker, &shares, None)
        .await
        .unwrap()
        .into_iter()
        .map(|order| order.merchant)
        .collect();
    claimed.sort();
    assert_eq!(claimed, ["other", "other", "shop"]);
}

async fn of_one_user_one_order_runs_until_it_has_its_token(db: Db) {
    let first = insert(&db, order(&db, "u")).await;
    db.advance(1);
    let second = insert(&db, order(&db, "u")).await;
    let other = insert(&db, order(&db, "v")).await;
    let same_name = insert(&db, OrderRow { merchant: "other".into(), ..order(&db, "u") }).await;
    let worker = db.begin_worker().await;
    let shares = BTreeMap::from([("shop".into(), 9), ("other".into(), 9)]);
    let claimed = ids(&db.store.claim_orders(worker, &shares, None).await.unwrap());
    assert_eq!(claimed, BTreeSet::from([first, other, same_name]));
    assert!(claim(&db, worker, 9).await.is_empty());
    super::tokens::exchange_for(&db, "u", first).await;
    assert_eq!(ids(&claim(&db, worker, 9).await), BTreeSet::from([second]));
}

async fn however_many_users_orders_run_none_has_a_second(db: Db) {
    let worker = db.begin_worker().await;
    for round in [99, 100, 101, 230] {
        for user in 0..round {
            insert(&db, order(&db, &format!("{round}-{user}"))).await;
        }
        let running = claim(&db, worker, 500).await;
        assert_eq!(running.len(), round);
        for user in 0..round {
            insert(&db, order(&db, &format!("{round}-{user}"))).await;
        }
        let other = insert(&db, order(&db, &format!("other-{round}"))).await;
        assert_eq!(ids(&claim(&db, worker, 500).await), BTreeSet::from([other]), "beside {round}");
        db.execute("DELETE FROM orders").await;
    }
}

pub async fn concurrent_workers_never_claim_the_same_order(db: Db) {
    for n in 0..40 {
        insert(&db, order(&db, &format!("u{n}"))).await;
    }
    let mut claims = Vec::new();
    for _ in 0..8 {
        let (store, worker) = (db.open().await, db.begin_worker().await);
        claims.push(async move {
            let mut claimed = Vec::new();
            loop {
                let shares = BTreeMap::from([("shop".into(), 3)]);
                let some = store.claim_orders(worker, &shares, None).await.unwrap();
                if some.is_empty() {
                    return claimed;
                }
                claimed.extend(some);
            }
        });
    }
    let claimed: Vec<_> = join_all(claims).await.into_iter().flatten().collect();
    assert!(claimed.iter().all(|order| order.claim.number == ClaimNumber::FIRST));
    assert_eq!(ids(&claimed).len(), claimed.len(), "an order was claimed twice");
    assert_eq!(db.count("orders WHERE status = 'running'").await, claimed.len() as u64);
    // A claim skips rows that another one has locked, so no order is claimed twice.
    assert_eq!(claimed.len(), 40);
}

async fn what_is_given_back_is_claimed_anew_under_another_number(db: Db) {
    let id = insert(&db, order(&db, "u")).await;
    let (worker, other) = (db.begin_worker().await, db.begin_worker().await);
    let first = claim(&db, worker, 1).await.remove(0);
    assert_eq!(db.store.running_orders(worker).await.unwrap(), [first.claim]);
    db.advance(5);
    db.store.give_back(&[first.claim]).await.unwrap();
    assert!(db.store.running_orders(worker).await.unwrap().is_empty());
    let second = claim(&db, other, 1).await.remove(0);
    assert_eq!(
        (second.claim.order, second.claim.worker, second.claim.number),
        (id, other, first.claim.number.next())
    );
    assert_eq!((second.attempts, second.token_waited), (0, Duration::ZERO));
    assert_eq!(second.claimed_at, db.clock.now());
    db.store.give_back(&[second.claim]).await.unwrap();
    let third = claim(&db, worker, 1).await.remove(0);
    for stale in [first.claim, second.claim] {
        db.store.give_back(&[stale]).await.unwrap();
        assert_eq!(
            db.store.running_orders(worker).await.unwrap(),
            [third.claim],
            "given back by a stale claim"
        );
    }
}

async fn lists_go_from_new_to_old_by_page_and_filter(db: Db) {
    let mut newest_first = Vec::new();
    for n in 0..5 {
        db.advance(1);
        let row =
            OrderRow { merchant: ["shop", "other"][n % 2].into(), ..order(&db, ["a", "b", "c"][n % 3]) };
        newest_first.insert(0, insert(&db, row).await);
    }
    let worker = db.begin_worker().await;
    let running = claim(&db, worker, 1).await.remove(0).claim.order;
    let list = |filter: OrderFilter| {
        let db = db.clone();
        async move {
            db.store.orders(&filter).await.unwrap().into_iter().map(|order| order.id).collect::<Vec<_>>()
        }
    };
    let all = OrderFilter { limit: 100, ..OrderFilter::default() };
    assert_eq!(list(all.clone()).await, newest_first);
    assert_eq!(list(OrderFilter { limit: 2, ..all.clone() }).await, newest_first[..2]);
    let next = OrderFilter { limit: 2, before: Some(newest_first[1]), ..all.clone() };
    assert_eq!(list(next).await, newest_first[2..4]);
    let shop = OrderFilter { merchant: Some("shop".into()), ..all.clone() };
    assert_eq!(list(shop).await, [newest_first[0], newest_first[2], newest_first[4]]);
    let of = |target| OrderFilter { target: Some(target), ..all.clone() };
    let payments = insert(&db, OrderRow { target: Some(Target::Payments), ..order(&db, "d") }).await;
    assert_eq!(list(of(Target::Payments)).await, [payments]);
    assert_eq!(list(of(Target::Checkout)).await, newest_first);
    let user = OrderFilter { user: Some("b".into()), ..all.clone() };
    assert_eq!(list(user).await, [newest_first[0], newest_first[3]]);
    assert_eq!(list(OrderFilter { status: Some(Status::Running), ..all.clone() }).await, [running]);
    assert_eq!(list(OrderFilter { status: Some(Status::Queued), ..all }).await.len(), 5);
}

async fn listeners_hear_of_orders_and_ends(db: Db) {
    let worker = db.begin_worker().await;
    let mut signals = db.store.listen().await.unwrap();
    let id = insert(&db, order(&db, "u")).await;
    assert_eq!(signals.next().await.unwrap(), Signal::Due);
    let claimed = claim(&db, worker, 1).await.remove(0);
    assert!(db.store.settle_order(&claimed.claim, &super::settling::failed()).await.unwrap().is_some());
    assert_eq!(signals.next().await.unwrap(), Signal::Settled(id));
}
