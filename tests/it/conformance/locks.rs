//! PostgreSQL only: locks of other sessions. What the shop's guests need goes on, and so do
//! heartbeats and results.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use klarna_order_worker::config::Merchants;
use klarna_order_worker::ids::{ClaimNumber, UserKey, WorkerId};
use klarna_order_worker::order::Disposition;
use klarna_order_worker::pauses::Pauses;
use klarna_order_worker::queue::{Load, Source as _};
use klarna_order_worker::store::{Claim, Moved, OrderRow, Orders, Reclaimed, Renamed, Store, StoreError};
use klarna_order_worker::worker::OrderSource;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::orders::{claim, insert, known, order};
use super::settling::{failed, retry, snooze, submitted};
use super::tokens::{end, intended, new_token, register, successor};
use crate::support::raw::Raw;
use crate::support::stores::{Db, postgres_alone};

postgres_alone![
    heartbeats_and_creates_wait_for_no_store,
    a_locked_order_keeps_no_other_result_waiting,
    a_locked_order_keeps_no_other_order_of_a_lost_worker,
    a_locked_order_keeps_no_other_from_being_given_back,
    a_locked_order_is_no_lost_claim,
    a_failed_claim_takes_no_claimed_order_back,
    an_announcement_counts_for_its_claim_alone,
    a_locked_table_of_orders_is_no_outage_of_the_queue,
    a_locked_table_of_orders_is_named_soon,
    a_locked_token_delays_no_result_and_no_note,
    sign_ins_that_wait_leave_connections_for_guests,
    a_repeated_rename_waits_for_the_first_one,
];

/// Shorter than a wait for a lock, which lasts 1 s and ends with an error. For what waits behind
/// others that wait, and then succeeds; elsewhere, the result tells of a wait.
const AT_ONCE: Duration = Duration::from_millis(900);
/// More callers than any pool here has connections.
const CROWD: usize = 16;

/// A session that holds a lock.
struct Lock(Raw);

impl Lock {
    async fn hold(db: &Db, lock: &str) -> Self {
        let mut session = db.raw().await;
        session.execute(&format!("BEGIN; {lock}")).await;
        Self(session)
    }

    async fn release(mut self) {
        self.0.execute("ROLLBACK").await;
    }
}

/// Waits until so many sessions wait for a lock.
async fn until_waiting(db: &Db, sessions: usize) {
    let waiting =
        "count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut watch = db.raw().await;
    let full = async {
        while watch.column(waiting).await[0].as_deref().unwrap().parse::<usize>().unwrap() < sessions {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_mins(1), full).await.expect("nobody waits for the lock");
}

/// Claimed orders, each of its own user.
async fn claimed(db: &Db, worker: WorkerId, count: usize) -> Vec<Claim> {
    for n in 0..count {
        insert(db, order(db, &format!("guest-{n}"))).await;
    }
    claim(db, worker, count).await.iter().map(|order| order.claim).collect()
}

/// Whether a locked row was not waited for. The text tells it from a wait that has ended with an
/// error.
fn is_skipped(ended: &Result<bool, StoreError>) -> bool {
    matches!(ended, Err(StoreError::Busy(why)) if why.contains("it has locked the order's row"))
}

/// Stores a result of each order, all at once.
async fn settle_all(db: &Db, orders: &[Claim]) -> Vec<Result<bool, StoreError>> {
    let result = submitted();
    let settle = async |claim: &Claim| Ok(db.store.settle_order(claim, &result).await?.is_some());
    join_all(orders.iter().map(settle)).await
}

/// Ends of exchanges that wait for locked tokens take half of the connections for intents.
async fn heartbeats_and_creates_wait_for_no_store(db: Db) {
    let worker = db.begin_worker().await;
    let orders = claimed(&db, worker, 1).await;
    let mut late = Vec::new();
    for n in 0..CROWD {
        let user = format!("u{n}");
        register(&db, &user, 1).await;
        let (held, intent) = intended(&db, &user, worker).await;
        held.release().await;
        late.push(end(&db, &intent, successor(&db, 2)));
    }
    let lock = Lock::hold(&db, "LOCK TABLE tokens IN SHARE MODE").await;
    let mut stores = JoinSet::new();
    for end in late {
        let store = Arc::clone(&db.store);
        stores.spawn(async move { store.settle_exchange(&end).await });
    }
    until_waiting(&db, 4).await;
    assert!(
        timeout(AT_ONCE, db.store.heartbeat(worker)).await.expect("a heartbeat waited").unwrap().is_some()
    );
    assert!(
        !timeout(AT_ONCE, db.store.heartbeats())
            .await
            .expect("a poll of the others waited")
            .unwrap()
            .is_empty()
    );
    let announced =
        timeout(AT_ONCE, db.store.announce_create(&orders[0])).await.expect("a create call waited");
    assert!(announced.unwrap());
    lock.release().await;
    while let Some(stored) = stores.join_next().await {
        match stored.unwrap() {
            Ok(_) | Err(StoreError::Busy(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn a_locked_order_keeps_no_other_result_waiting(db: Db) {
    let worker = db.begin_worker().await;
    let orders = claimed(&db, worker, CROWD).await;
    let (locked, free) = orders.split_at(CROWD / 2);
    let ids: Vec<String> = locked.iter().map(|claim| format!("'{}'", claim.order)).collect();
    let lock =
        Lock::hold(&db, &format!("SELECT 1 FROM orders WHERE id IN ({}) FOR UPDATE", ids.join(", "))).await;

    let settle = async |claim: &Claim, end: &Disposition| {
        db.store.settle_order(claim, end).await.map(|stored| stored.is_some())
    };
    let (result, failure) = (submitted(), failed());
    let ends = orders.iter().map(|claim| settle(claim, if *claim == locked[1] { &failure } else { &result }));
    let all = join_all(ends).await;
    let skipped = all[..CROWD / 2].iter().all(is_skipped);
    assert!(skipped && all[CROWD / 2..].iter().all(|ended| matches!(ended, Ok(true))), "{all:?}");
    // Alone, it is not waited for either, whatever the end is.
    for end in [submitted(), failed(), retry(1, false), snooze(1, None)] {
        let alone = settle(&locked[0], &end).await;
        assert!(is_skipped(&alone), "{end:?}: {alone:?}");
    }

    lock.release().await;
    assert!(settle(&locked[0], &result).await.unwrap());
    assert!(!settle(&free[0], &result).await.unwrap(), "a claim that is over is no locked row");
}

async fn a_locked_order_keeps_no_other_from_being_given_back(db: Db) {
    let worker = db.begin_worker().await;
    let orders = claimed(&db, worker, 3).await;
    let lock =
        Lock::hold(&db, &format!("SELECT 1 FROM orders WHERE id = '{}' FOR UPDATE", orders[0].order)).await;
    db.store.give_back(&orders).await.expect("a locked order was waited for");
    assert_eq!(db.store.running_orders(worker).await.unwrap(), [orders[0]]);

    let store: Arc<dyn Orders> = db.store.clone();
    let source = OrderSource::new(store, Merchants::new().into(), Pauses::default(), worker);
    assert_eq!(source.recover(&[orders[0]]).await.expect("a locked order was waited for"), 0);
    lock.release().await;
    assert_eq!(source.claims().await.unwrap(), [orders[0]]);
    assert_eq!(source.recover(&[orders[0]]).await.unwrap(), 1);
    assert_eq!(db.count("orders WHERE status = 'queued'").await, 3);
}

async fn a_locked_order_is_no_lost_claim(db: Db) {
    let worker = db.begin_worker().await;
    let orders = claimed(&db, worker, 2).await;
    let (locked, free) = (&orders[0], &orders[1]);
    let lock =
        Lock::hold(&db, &format!("SELECT 1 FROM orders WHERE id = '{}' FOR UPDATE", locked.order)).await;
    let (announced, other) = tokio::join!(db.store.announce_create(locked), db.store.announce_create(free));
    assert!(is_skipped(&announced), "{announced:?}");
    assert!(other.unwrap());
    let lost = Claim { number: locked.number.next(), ..*locked };
    assert!(!db.store.announce_create(&lost).await.unwrap(), "a lost claim does not come back");
    lock.release().await;
    assert!(db.store.announce_create(locked).await.unwrap());
    db.store.give_back(&[*locked]).await.unwrap();
    assert!(!db.store.announce_create(locked).await.unwrap());
}

/// Both are in one commit.
async fn an_announcement_counts_for_its_claim_alone(db: Db) {
    let (gone, worker) = (db.begin_worker().await, db.begin_worker().await);
    let lost = claimed(&db, gone, 1).await[0];
    db.store.give_back(&[lost]).await.unwrap();
    let again = claim(&db, worker, 1).await.remove(0).claim;
    assert_eq!((again.order, again.number), (lost.order, ClaimNumber(2)));
    for _ in 0..3 {
        let (of_lost, of_other) =
            tokio::join!(db.store.announce_create(&lost), db.store.announce_create(&again));
        assert_eq!((of_lost.unwrap(), of_other.unwrap()), (false, true));
    }
}

async fn a_locked_table_of_orders_is_no_outage_of_the_queue(db: Db) {
    let worker = db.begin_worker().await;
    let store: Arc<dyn Orders> = db.store.clone();
    let source = OrderSource::new(store, Merchants::new().into(), Pauses::default(), worker);
    let lock = Lock::hold(&db, "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").await;
    let batch = source.claim(1, &Load::default(), None).await.unwrap();
    assert!(batch.blocked && batch.claimed.is_empty(), "{batch:?}");
    assert!(source.claims().await.unwrap().is_empty());
    lock.release().await;
    assert!(!source.claim(1, &Load::default(), None).await.unwrap().blocked);
}

async fn a_locked_order_keeps_no_other_order_of_a_lost_worker(db: Db) {
    let worker = db.begin_worker().await;
    let orders = claimed(&db, worker, 3).await;
    db.store.end_worker(worker).await.unwrap();
    let lock =
        Lock::hold(&db, &format!("SELECT 1 FROM orders WHERE id = '{}' FOR UPDATE", orders[1].order)).await;
    let reclaimed = db.store.reclaim(&[]).await.expect("a locked order was waited for");
    assert_eq!(reclaimed.requeued, 2);
    lock.release().await;
    assert_eq!(db.store.reclaim(&[]).await.unwrap().requeued, 1);
}

async fn a_locked_table_of_orders_is_named_soon(db: Db) {
    let worker = db.begin_worker().await;
    let orders = claimed(&db, worker, CROWD).await;
    let lock = Lock::hold(&db, "LOCK TABLE orders IN SHARE MODE").await;
    let all = settle_all(&db, &orders).await;
    assert!(all.iter().all(|ended| matches!(ended, Err(StoreError::Busy(_)))), "{all:?}");
    assert!(db.store.heartbeat(worker).await.expect("a heartbeat waited").is_some());
    lock.release().await;
    let all = settle_all(&db, &orders).await;
    assert!(all.iter().all(|ended| matches!(ended, Ok(true))), "{all:?}");
}

async fn a_locked_token_delays_no_result_and_no_note(db: Db) {
    let worker = db.begin_worker().await;
    let orders = claimed(&db, worker, CROWD).await;
    for user in ["u", "v"] {
        register(&db, user, 1).await;
    }
    let lock = Lock::hold(&db, "SELECT 1 FROM tokens WHERE user_id = 'u' FOR UPDATE").await;
    let note = async |user: &str| db.store.note_subject(&UserKey::new("shop", user), b"subject").await;
    let (u, v, ends) = tokio::join!(note("u"), note("v"), settle_all(&db, &orders));
    assert!(u.and(v).is_ok() && ends.iter().all(|ended| matches!(ended, Ok(true))), "{ends:?}");
    assert_eq!(db.count("tokens WHERE subject IS NOT NULL").await, 1);
    lock.release().await;
    note("u").await.unwrap();
    assert_eq!(db.count("tokens WHERE subject IS NOT NULL").await, 2);

    // The whole table: a note waits, a result does not.
    let orders = claimed(&db, worker, CROWD).await;
    register(&db, "w", 1).await;
    let lock = Lock::hold(&db, "LOCK TABLE tokens IN SHARE MODE").await;
    let noted = async {
        let noted = note("w").await;
        assert!(matches!(noted, Err(StoreError::Busy(_))), "{noted:?}");
    };
    let ends = async {
        until_waiting(&db, 1).await;
        let ends = settle_all(&db, &orders);
        timeout(AT_ONCE, ends).await.expect("results waited for a note")
    };
    let ((), ends) = tokio::join!(noted, ends);
    assert!(ends.iter().all(|ended| matches!(ended, Ok(true))), "{ends:?}");
    // Nor one that is written together with the note.
    let orders = claimed(&db, worker, CROWD).await;
    let (noted, ends) = tokio::join!(note("w"), settle_all(&db, &orders));
    assert!(matches!(noted, Ok(()) | Err(StoreError::Busy(_))), "{noted:?}");
    assert!(ends.iter().all(|ended| matches!(ended, Ok(true))), "{ends:?}");
    lock.release().await;
}

async fn sign_ins_that_wait_leave_connections_for_guests(db: Db) {
    let worker = db.begin_worker().await;
    let lock = Lock::hold(&db, "LOCK TABLE tokens IN SHARE MODE").await;
    let mut sign_ins = JoinSet::new();
    for n in 0..CROWD {
        let (store, token) = (Arc::clone(&db.store), new_token(&db, &format!("u{n}"), 1));
        sign_ins.spawn(async move { store.register_token(&token).await });
    }
    // Half of the queue's four connections.
    until_waiting(&db, 2).await;
    let guest = async {
        insert(&db, order(&db, "guest")).await;
        assert_eq!(db.store.due_merchants().await.unwrap().len(), 1);
        let claimed = claim(&db, worker, 1).await.remove(0).claim;
        assert!(db.store.announce_create(&claimed).await.unwrap());
        assert!(db.store.settle_order(&claimed, &submitted()).await.unwrap().is_some());
        assert_eq!(db.store.reclaim(&[]).await.unwrap(), Reclaimed::default());
        db.begin_worker().await;
    };
    timeout(AT_ONCE, guest).await.expect("a guest waited for sign-ins");
    lock.release().await;
    sign_ins.abort_all();
}

async fn a_repeated_rename_waits_for_the_first_one(db: Db) {
    register(&db, "old", 1).await;
    let rename = |store: Arc<dyn Store>| {
        tokio::spawn(async move {
            store.rename_user(&UserKey::new("shop", "old"), &"new".into(), Duration::ZERO).await
        })
    };
    let (one, other) = (db.open().await, db.open().await);
    // The first one waits in its last transaction, after it has locked its marks.
    let lock = Lock::hold(&db, "LOCK TABLE webhooks IN SHARE MODE").await;
    let first = rename(one);
    until_waiting(&db, 1).await;
    let repeated = rename(other);
    until_waiting(&db, 2).await;
    lock.release().await;
    let moved = |token| Renamed::Done(Moved { token, ..Moved::default() });
    assert_eq!(first.await.unwrap().unwrap(), moved(true));
    assert_eq!(repeated.await.unwrap().unwrap(), moved(false));
    assert_eq!(db.count("user_changes").await, 0);
}

/// A worker would wait for a minute until it noticed orders that it has claimed and does not run.
pub async fn a_failed_claim_takes_no_claimed_order_back(db: Db) {
    let worker = db.begin_worker().await;
    let source = OrderSource::new(db.store.clone(), known(&["shop", "their"]), Pauses::default(), worker);
    let load = Load { lone: true, ..Load::default() };
    for (user, code, in_doubt) in [("u", "lock_not_available", false), ("v", "raise_exception", true)] {
        let id = insert(&db, order(&db, user)).await;
        insert(&db, OrderRow { merchant: "their".into(), ..order(&db, user) }).await;
        db.execute(&format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN RAISE ''refused by the test'' USING ERRCODE = ''{code}''; END';
             CREATE OR REPLACE TRIGGER refuse BEFORE UPDATE ON orders FOR EACH ROW
                 WHEN (OLD.merchant = 'their') EXECUTE FUNCTION refuse()"
        ))
        .await;
        let batch = source.claim(4, &load, None).await;
        if db.database().goes_through_pooler() {
            // Behind a pooler, all statements of a claim are one transaction.
            assert_eq!(batch.is_err(), in_doubt, "{batch:?}");
            assert_eq!(db.count("orders WHERE status = 'running'").await, 0);
            continue;
        }
        let batch = batch.unwrap();
        let claimed: Vec<_> = batch.claimed.iter().map(|claimed| claimed.job.claim.order).collect();
        assert_eq!((claimed, batch.in_doubt), (vec![id], in_doubt), "{code}");
    }
}
