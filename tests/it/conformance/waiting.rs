//! Requests that wait for an order, in the process that runs it.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use klarna_order_worker::delivery::Waiters;
use klarna_order_worker::ids::WorkerId;
use klarna_order_worker::order::{
    Disposition, OrderError, OrderResult, OrderView, PaymentsSession, Prefill, Status, Target, TokenOutcome,
};
use klarna_order_worker::store::{Claim, ClaimedOrder, InsertedOne, OrderEnd, Store, StoredEnd};
use serde_json::json;
use tokio::sync::Notify;

use super::orders::order;
use super::settling::{error, failed, submitted};
use crate::support::stores::{Db, both_engines};

both_engines![
    an_end_is_told_as_the_row_has_it,
    who_waits_is_told_without_the_database,
    an_order_that_runs_since_its_insert_need_not_be_read,
    what_may_have_changed_is_read,
    who_comes_after_the_end_reads_the_row,
    who_began_to_wait_before_the_run_reads_the_row,
    a_notification_waits_for_the_run_and_not_for_ever,
];

/// Longer than any test.
const PATIENCE: Duration = Duration::from_mins(5);

async fn claimed(db: &Db, worker: WorkerId, user: &str) -> Claim {
    inserted(db, worker, user).await.claim
}

/// An order whose insert claimed it.
async fn inserted(db: &Db, worker: WorkerId, user: &str) -> ClaimedOrder {
    match db.store.insert_order(&order(db, user), Some(worker)).await.unwrap() {
        InsertedOne::New(_, Some(claimed)) => *claimed,
        inserted => panic!("{inserted:?}"),
    }
}

async fn view(store: &dyn Store, claim: &Claim) -> OrderView {
    store.order(claim.order).await.unwrap().unwrap()
}

#[track_caller]
fn assert_same(told: &OrderView, row: &OrderView) {
    assert_eq!(format!("{told:?}"), format!("{row:?}"));
    // Its `Debug` shows nothing of it.
    assert_eq!(told.result, row.result);
}

fn ends() -> Vec<Disposition> {
    let session = PaymentsSession {
        client_token: "secret \"å\"\0".to_owned(),
        payment_method_categories: json!([{"identifier": "klarna\0", "new": 1.5}]),
    };
    let end = |target, result| Disposition::Submitted {
        klarna_id: "k\0".into(),
        target,
        result,
        correlation_id: Some("c\0".into()),
        token: TokenOutcome::Cached,
        prefilled: vec!["/a\0".to_owned()].into(),
    };
    let html_snippet = "<div>\0</div>".to_owned();
    let why = OrderError { message: "no\0".into(), correlation_id: Some("c".into()), ..error("bad_order") };
    vec![
        submitted(),
        end(Target::Checkout, Some(OrderResult::Checkout { html_snippet })),
        end(Target::Payments, Some(OrderResult::Payments(session))),
        end(Target::Checkout, None),
        failed(),
        Disposition::Failed { error: why, token: None, prefilled: vec!["/b".to_owned()].into() },
    ]
}

/// Alone and together with others.
async fn an_end_is_told_as_the_row_has_it(db: Db) {
    let worker = db.begin_worker().await;
    for round in 0..2 {
        let mut running = Vec::new();
        for (number, end) in ends().into_iter().enumerate() {
            let claim = claimed(&db, worker, &format!("u-{round}-{number}")).await;
            let before = view(&*db.store, &claim).await;
            assert_eq!(before.status, Status::Running);
            running.push((claim, end, before));
        }
        db.advance(1);
        let mut stored: Vec<StoredEnd> = Vec::new();
        if round == 0 {
            for (claim, end, _) in &running {
                stored.push(db.store.settle_order(claim, end).await.unwrap().unwrap());
            }
        } else {
            let all = join_all(running.iter().map(|(claim, end, _)| db.store.settle_order(claim, end))).await;
            stored.extend(all.into_iter().map(|stored| stored.unwrap().unwrap()));
        }
        for ((claim, end, before), stored) in running.into_iter().zip(stored) {
            let told = OrderEnd::new(&end, &stored).unwrap().of(before);
            assert_same(&told, &view(&*db.store, &claim).await);
        }
    }
    // What is tried again has not ended.
    let claim = claimed(&db, worker, "u").await;
    let retry = Disposition::Retry {
        after: Duration::ZERO,
        error: error("away"),
        possible_duplicate: true,
        token_waited: Duration::ZERO,
    };
    let stored = db.store.settle_order(&claim, &retry).await.unwrap().unwrap();
    assert_eq!(stored, StoredEnd { user: "u".into(), ended_at: None });
    assert!(OrderEnd::new(&retry, &stored).is_none());
}

/// A process of which a request waits for an order.
struct Waiting {
    waiters: Waiters,
    /// The store that the request reads.
    store: Arc<dyn Store>,
    read: Arc<Notify>,
}

impl Waiting {
    async fn open(db: &Db) -> Self {
        let store = db.open().await;
        Self { waiters: Waiters::new(store.clone()), store, read: Arc::default() }
    }

    /// Waits for the order. Notifies once it is known that the caller may see it.
    async fn wait(&self, claim: &Claim) -> OrderView {
        let seen = |_: &OrderView| {
            self.read.notify_one();
            true
        };
        self.waiters.wait(claim.order, PATIENCE, seen).await.unwrap().unwrap()
    }
}

async fn who_waits_is_told_without_the_database(db: Db) {
    let claim = claimed(&db, db.begin_worker().await, "u").await;
    let process = Waiting::open(&db).await;
    let run = process.waiters.run_here(claim.order, None);
    let end = async {
        process.read.notified().await;
        process.store.close().await;
        assert!(process.store.order(claim.order).await.is_err(), "it can still read");
        let stored = db.store.settle_order(&claim, &submitted()).await.unwrap().unwrap();
        run.ended(|| OrderEnd::new(&submitted(), &stored));
        drop(run);
    };
    let (told, ()) = futures::join!(process.wait(&claim), end);
    assert_same(&told, &view(&*db.store, &claim).await);
    assert_eq!((told.status, process.waiters.count()), (Status::Submitted, 0));
}

async fn an_order_that_runs_since_its_insert_need_not_be_read(db: Db) {
    let order = inserted(&db, db.begin_worker().await, "u").await;
    let claim = order.claim;
    let process = Waiting::open(&db).await;
    let run = process.waiters.run_here(claim.order, order.inserted);
    process.store.close().await;
    assert!(process.store.order(claim.order).await.is_err(), "it can still read");
    let end = async {
        process.read.notified().await;
        let stored = db.store.settle_order(&claim, &submitted()).await.unwrap().unwrap();
        run.ended(|| OrderEnd::new(&submitted(), &stored));
        drop(run);
    };
    let (told, ()) = futures::join!(process.wait(&claim), end);
    assert_same(&told, &view(&*db.store, &claim).await);

    // The caller must not see it, so it is not told that it runs.
    let order = inserted(&db, db.begin_worker().await, "v").await;
    let _run = process.waiters.run_here(order.claim.order, order.inserted);
    let seen = process.waiters.wait(order.claim.order, PATIENCE, |_| false).await.unwrap();
    assert!(seen.is_none());
}

/// Who does not wait, who has waited as long as allowed, and who comes after a notification, get
/// what the row has.
async fn what_may_have_changed_is_read(db: Db) {
    let order = inserted(&db, db.begin_worker().await, "u").await;
    let claim = order.claim;
    let process = Waiting::open(&db).await;
    let _run = process.waiters.run_here(claim.order, order.inserted);
    // Another process has ended the order. This one does not know it yet.
    db.store.settle_order(&claim, &submitted()).await.unwrap().unwrap();
    for longest in [Duration::ZERO, Duration::from_millis(1)] {
        let seen = process.waiters.wait(claim.order, longest, |_| true).await.unwrap().unwrap();
        assert_eq!(seen.status, Status::Submitted);
    }
    process.waiters.notify_ended(claim.order);
    let told = tokio::time::timeout(Duration::from_mins(1), process.wait(&claim)).await.expect("it waited");
    assert_eq!(told.status, Status::Submitted);
}

async fn who_comes_after_the_end_reads_the_row(db: Db) {
    let order = inserted(&db, db.begin_worker().await, "u").await;
    let claim = order.claim;
    let process = Waiting::open(&db).await;
    let run = process.waiters.run_here(claim.order, order.inserted);
    let stored = db.store.settle_order(&claim, &submitted()).await.unwrap().unwrap();
    run.ended(|| OrderEnd::new(&submitted(), &stored));
    // The run goes on for a moment.
    let told = tokio::time::timeout(Duration::from_mins(1), process.wait(&claim)).await.expect("it waited");
    assert_same(&told, &view(&*db.store, &claim).await);
    drop(run);
}

async fn who_began_to_wait_before_the_run_reads_the_row(db: Db) {
    let claim = claimed(&db, db.begin_worker().await, "u").await;
    let process = Waiting::open(&db).await;
    let end = async {
        process.read.notified().await;
        let run = process.waiters.run_here(claim.order, None);
        let stored = db.store.settle_order(&claim, &failed()).await.unwrap().unwrap();
        // Not what the row has, so that it can be seen that the row was read.
        let another =
            Disposition::Failed { error: error("other"), token: None, prefilled: Prefill::default() };
        run.ended(|| OrderEnd::new(&another, &stored));
    };
    let (told, ()) = futures::join!(process.wait(&claim), end);
    assert_same(&told, &view(&*db.store, &claim).await);
}

async fn a_notification_waits_for_the_run_and_not_for_ever(db: Db) {
    let claim = claimed(&db, db.begin_worker().await, "u").await;
    let process = Waiting::open(&db).await;
    let run = process.waiters.run_here(claim.order, None);
    let mut wait = Box::pin(process.wait(&claim));
    let read = futures::future::select(&mut wait, Box::pin(process.read.notified())).await;
    assert!(matches!(read, futures::future::Either::Right(_)), "it did not wait");
    drop(read);
    // Another process has ended the order.
    db.store.settle_order(&claim, &submitted()).await.unwrap().unwrap();
    process.waiters.notify_ended(claim.order);
    assert!((&mut wait).now_or_never().is_none(), "the run may have the answer soon");
    drop(run);
    let told = tokio::time::timeout(Duration::from_mins(1), wait).await.expect("nobody told it");
    assert_same(&told, &view(&*db.store, &claim).await);

    // A row that was found ended is reported at once, whoever runs the order.
    let claim = claimed(&db, db.begin_worker().await, "v").await;
    let run = process.waiters.run_here(claim.order, None);
    let end = async {
        process.read.notified().await;
        db.store.settle_order(&claim, &submitted()).await.unwrap().unwrap();
        process.waiters.poll_once().await;
    };
    let (told, ()) = futures::join!(process.wait(&claim), end);
    assert_eq!(told.status, Status::Submitted);
    drop(run);
}
