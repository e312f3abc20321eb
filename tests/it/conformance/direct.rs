//! Orders that are claimed by their insert and start at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures::FutureExt as _;
use futures::future::join_all;
use klarna_order_worker::clock::since_boot;
use klarna_order_worker::ids::{ClaimNumber, MerchantName, WorkerId};
use klarna_order_worker::intake::InsertOrder as _;
use klarna_order_worker::order::{OrderId, Status};
use klarna_order_worker::pauses::{PauseKind, Pauses};
use klarna_order_worker::queue::{
    ClaimBatch, Handler, Load, Options, Queue, Running, Slot, Source, Stopped, Wake,
};
use klarna_order_worker::store::{
    Claim, ClaimedOrder, Inserted, InsertedOne, OrderRow, Reclaimed, StoreError,
};
use klarna_order_worker::worker::{DirectOrders, OrderSource};
use tokio::sync::{Semaphore, watch};

use super::orders::{TRACE, claim, insert, known, order};
use super::pauses::new as pause;
use crate::support::stores::{Db, both_engines};

both_engines![
    an_order_that_need_not_wait_is_claimed_by_its_insert,
    what_would_wait_for_a_claim_is_queued,
    an_order_of_a_user_waits_until_the_one_that_runs_has_its_token,
    a_repeated_request_starts_nothing,
    an_order_whose_process_dies_after_the_insert_is_taken_over,
    an_order_starts_in_the_process_that_accepts_it,
    a_full_queue_and_a_spent_share_start_nothing,
    of_many_orders_of_a_user_at_once_one_starts,
    a_caller_that_hangs_up_leaves_no_order_without_a_worker,
    a_queue_that_stopped_starts_nothing,
];

async fn insert_for(db: &Db, worker: WorkerId, order: &OrderRow) -> InsertedOne {
    let inserted = db.store.insert_order(order, Some(worker)).await.unwrap();
    if let InsertedOne::New(stored, _) = &inserted {
        let row = db.store.order(order.id).await.unwrap().unwrap();
        assert_eq!(format!("{stored:?}"), format!("{row:?}"));
    }
    inserted
}

#[track_caller]
fn claimed(inserted: InsertedOne) -> ClaimedOrder {
    match inserted {
        InsertedOne::New(_, Some(claimed)) => *claimed,
        _ => panic!("{inserted:?}"),
    }
}

/// Returns what became of an order that was not claimed.
#[track_caller]
fn queued(inserted: &InsertedOne) -> Inserted {
    match inserted {
        InsertedOne::New(order, None) => Inserted::New(order.id),
        InsertedOne::Known(inserted) => *inserted,
        InsertedOne::New(_, Some(_)) => panic!("{inserted:?}"),
    }
}

async fn an_order_that_need_not_wait_is_claimed_by_its_insert(db: Db) {
    let worker = db.begin_worker().await;
    let now = db.clock.now();
    // An order of another merchant waits.
    insert(&db, OrderRow { merchant: "other".into(), ..order(&db, "u") }).await;
    // So does one of this merchant, for its time.
    insert(&db, OrderRow { not_before: Some(now + TimeDelta::seconds(9)), ..order(&db, "u") }).await;
    let row = OrderRow { not_before: Some(now - TimeDelta::days(1)), ..order(&db, "å \"u\"'; --") };
    let mut direct = claimed(insert_for(&db, worker, &row).await);
    let view = db.store.order(row.id).await.unwrap().unwrap();
    assert_eq!(view.status, Status::Running);
    assert_eq!(format!("{:?}", direct.inserted.take()), format!("{:?}", Some(view)));
    assert_eq!(db.store.running_orders(worker).await.unwrap(), [direct.claim]);

    // It is the same as what a claim gives.
    db.store.give_back(&[direct.claim]).await.unwrap();
    db.advance(1);
    let again = claim(&db, worker, 1).await.remove(0);
    let number = again.claim.number;
    assert_eq!(number, ClaimNumber(2));
    let at_first = ClaimedOrder {
        claim: Claim { number: ClaimNumber::FIRST, ..again.claim },
        claimed_at: again.claimed_at - TimeDelta::seconds(1),
        ..again
    };
    assert_eq!(format!("{direct:?}"), format!("{at_first:?}"));
    assert_eq!((direct.trace.as_deref(), direct.claimed_at), (Some(TRACE), now));
}

async fn what_would_wait_for_a_claim_is_queued(db: Db) {
    let worker = db.begin_worker().await;
    let later = OrderRow { not_before: Some(db.clock.now() + TimeDelta::seconds(1)), ..order(&db, "a") };
    assert_eq!(queued(&insert_for(&db, worker, &later).await), Inserted::New(later.id));
    claimed(insert_for(&db, worker, &order(&db, "b")).await);
    db.advance(1);
    // Now the first one is due, and it was there before.
    let behind = order(&db, "c");
    assert_eq!(queued(&insert_for(&db, worker, &behind).await), Inserted::New(behind.id));
    let order_of = |claimed: Vec<ClaimedOrder>| claimed[0].claim.order;
    assert_eq!(order_of(claim(&db, worker, 1).await), later.id);
    assert_eq!(order_of(claim(&db, worker, 1).await), behind.id);
    claimed(insert_for(&db, worker, &order(&db, "d")).await);
    for id in [later.id, behind.id] {
        assert_eq!(db.store.order(id).await.unwrap().unwrap().status, Status::Running);
    }
}

async fn an_order_of_a_user_waits_until_the_one_that_runs_has_its_token(db: Db) {
    let worker = db.begin_worker().await;
    let first = claimed(insert_for(&db, worker, &order(&db, "u")).await);
    let second = order(&db, "u");
    assert_eq!(queued(&insert_for(&db, worker, &second).await), Inserted::New(second.id));
    assert!(claim(&db, worker, 9).await.is_empty());
    db.execute("DELETE FROM orders WHERE status = 'queued'").await;
    super::tokens::exchange_for(&db, "u", first.claim.order).await;
    claimed(insert_for(&db, worker, &order(&db, "u")).await);
    // Two run now, and the second one does not have its token yet.
    queued(&insert_for(&db, worker, &order(&db, "u")).await);
}

async fn a_repeated_request_starts_nothing(db: Db) {
    let worker = db.begin_worker().await;
    let keyed = |user: &str| OrderRow { idempotency_key: Some("k".into()), ..order(&db, user) };
    let first = claimed(insert_for(&db, worker, &keyed("u")).await).claim;
    // Whoever repeats it, and whether the first one runs or waits.
    let repeated = keyed("u");
    assert_eq!(queued(&insert_for(&db, worker, &repeated).await), Inserted::Same(first.order));
    db.store.give_back(&[first]).await.unwrap();
    assert_eq!(queued(&insert_for(&db, worker, &repeated).await), Inserted::Same(first.order));
    let other = OrderRow { digest: [2; 32], ..keyed("v") };
    assert_eq!(queued(&insert_for(&db, worker, &other).await), Inserted::Different(first.order));
    assert_eq!(db.count("orders").await, 1);
    assert_eq!(db.value("claim_number FROM orders").await.as_deref(), Some("1"));
}

async fn an_order_whose_process_dies_after_the_insert_is_taken_over(db: Db) {
    let worker = db.begin_worker().await;
    let lost = claimed(insert_for(&db, worker, &order(&db, "u")).await).claim;
    assert_eq!(db.store.reclaim(&[]).await.unwrap(), Reclaimed::default());
    db.store.end_worker(worker).await.unwrap();
    assert_eq!(db.store.reclaim(&[]).await.unwrap(), Reclaimed { requeued: 1, failed: 0 });
    let again = claim(&db, db.begin_worker().await, 1).await.remove(0);
    assert_eq!(
        (again.claim.order, again.claim.number, again.possible_duplicate),
        (lost.order, ClaimNumber(2), false)
    );
}

/// A queue that finds no queued order by itself, with a handler that holds its jobs.
struct Started {
    direct: DirectOrders<Watched>,
    running: Running,
    worker: WorkerId,
    pauses: Pauses,
    handler: Arc<Held>,
}

/// The source of the orders. It tells when the queue's first poll is over, which takes all slots:
/// nothing is due, and nobody wakes the queue for another one.
struct Watched {
    source: OrderSource,
    polled: watch::Sender<bool>,
}

#[async_trait]
impl Source for Watched {
    type Job = ClaimedOrder;
    type Id = Claim;
    type Error = StoreError;

    fn id(job: &ClaimedOrder) -> Claim {
        OrderSource::id(job)
    }

    fn may_start(&self, merchant: &MerchantName) -> bool {
        self.source.may_start(merchant)
    }

    async fn claim(
        &self,
        free: usize,
        load: &Load,
        recent: Option<Duration>,
    ) -> Result<ClaimBatch<ClaimedOrder>, StoreError> {
        self.source.claim(free, load, recent).await
    }

    /// A queue asks this when it has freed the slots that it has no order for.
    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        let due = self.source.next_due().await?;
        self.polled.send_replace(true);
        Ok(due)
    }

    async fn give_back(&self, jobs: Vec<ClaimedOrder>) -> Result<(), StoreError> {
        self.source.give_back(jobs).await
    }

    async fn claims(&self) -> Result<Vec<Claim>, StoreError> {
        self.source.claims().await
    }

    async fn recover(&self, lost: &[Claim]) -> Result<usize, StoreError> {
        self.source.recover(lost).await
    }
}

struct Held {
    started: watch::Sender<BTreeSet<OrderId>>,
    gate: Semaphore,
}

#[async_trait]
impl Handler<ClaimedOrder> for Held {
    async fn run(&self, job: ClaimedOrder, _: &mut Slot) {
        self.started.send_modify(|started| {
            started.insert(job.claim.order);
        });
        self.gate.acquire().await.unwrap().forget();
    }
}

impl Held {
    /// Waits until this many orders have started since the last call, and returns them.
    async fn started(&self, count: usize) -> BTreeSet<OrderId> {
        let mut started = self.started.subscribe();
        let ids = started.wait_for(|started| started.len() >= count).await.unwrap().clone();
        self.started.send_replace(BTreeSet::new());
        ids
    }
}

impl Started {
    async fn open(db: &Db, concurrency: usize, merchants: &[&str]) -> Self {
        let (worker, pauses) = (db.begin_worker().await, Pauses::default());
        let source = OrderSource::new(db.store.clone(), known(merchants), pauses.clone(), worker);
        let (polled, mut over) = watch::channel(false);
        let source = Arc::new(Watched { source, polled });
        let handler = Arc::new(Held { started: watch::Sender::default(), gate: Semaphore::new(0) });
        let lone = (merchants.len() == 1).into();
        let options = Options { poll: Duration::from_hours(1), lone, ..Options::new("test", concurrency) };
        let (running, starts) = Queue::start_with_direct(source, Arc::clone(&handler), options, &Wake::new());
        over.wait_for(|over| *over).await.unwrap();
        let direct = DirectOrders::new(db.store.clone(), starts, worker);
        Self { direct, running, worker, pauses, handler }
    }

    async fn insert(&self, order: &OrderRow) -> OrderId {
        let inserted = self.direct.insert(order.clone()).await.unwrap();
        assert!(matches!(inserted, InsertedOne::New(..)), "{inserted:?}");
        order.id
    }

    /// Lets all jobs end. Nothing is settled here, so the rows stay as they are.
    async fn end(self) {
        self.handler.gate.add_permits(100);
        assert_eq!(self.running.stop(Duration::from_secs(30)).await, Stopped::Clean);
    }
}

async fn status(db: &Db, id: OrderId) -> Status {
    db.store.order(id).await.unwrap().unwrap().status
}

async fn an_order_starts_in_the_process_that_accepts_it(db: Db) {
    let process = Started::open(&db, 4, &["shop"]).await;
    let id = process.insert(&order(&db, "u")).await;
    assert_eq!(process.handler.started(1).await, BTreeSet::from([id]));
    let claim = Claim { order: id, worker: process.worker, number: ClaimNumber::FIRST };
    assert_eq!(db.store.running_orders(process.worker).await.unwrap(), [claim]);
    // The second order of the user does not start beside it, that of another user does.
    let second = process.insert(&order(&db, "u")).await;
    assert_eq!(status(&db, second).await, Status::Queued);
    // A due order waits now, so the next one of the merchant is queued behind it.
    let behind = process.insert(&order(&db, "v")).await;
    assert_eq!(status(&db, behind).await, Status::Queued);
    assert!(process.handler.started.borrow().is_empty());
    process.end().await;
}

async fn a_full_queue_and_a_spent_share_start_nothing(db: Db) {
    let process = Started::open(&db, 4, &["shop", "other"]).await;
    // A merchant that is not in the settings of this process is left to others.
    let unknown = process.insert(&OrderRow { merchant: "unknown".into(), ..order(&db, "a") }).await;
    assert_eq!(status(&db, unknown).await, Status::Queued);
    // So is one whose orders are paused, until they are resumed.
    db.store.pause(&pause(Some("other"), PauseKind::Orders, None)).await.unwrap();
    process.pauses.replace(db.store.pauses().await.unwrap(), since_boot());
    let paused = OrderRow { merchant: "other".into(), ..order(&db, "paused") };
    assert_eq!(status(&db, process.insert(&paused).await).await, Status::Queued);
    db.store.resume(Some(&"other".into()), PauseKind::Orders).await.unwrap();
    process.pauses.replace(db.store.pauses().await.unwrap(), since_boot());
    db.execute("DELETE FROM orders").await;
    let mut ids = Vec::new();
    for user in ["a", "b", "c", "d"] {
        ids.push(process.insert(&order(&db, user)).await);
    }
    let first_three = ids[..3].iter().copied().collect();
    assert_eq!(process.handler.started(3).await, first_three, "a quarter is left to others");
    assert_eq!(status(&db, ids[3]).await, Status::Queued);
    let of_other = |user: &str| OrderRow { merchant: "other".into(), ..order(&db, user) };
    let other = process.insert(&of_other("a")).await;
    assert_eq!(process.handler.started(1).await, BTreeSet::from([other]));
    let full = process.insert(&of_other("b")).await;
    assert_eq!(status(&db, full).await, Status::Queued);
    process.end().await;
}

async fn of_many_orders_of_a_user_at_once_one_starts(db: Db) {
    let process = Started::open(&db, 32, &["shop"]).await;
    let rows: Vec<OrderRow> = (0..12).map(|_| order(&db, "u")).collect();
    join_all(rows.iter().map(|row| process.insert(row))).await;
    assert_eq!(process.handler.started(1).await.len(), 1);
    assert_eq!(db.count("orders WHERE status = 'running'").await, 1);
    assert_eq!(db.count("orders WHERE status = 'queued'").await, 11);
    process.end().await;
}

async fn a_caller_that_hangs_up_leaves_no_order_without_a_worker(db: Db) {
    let process = Started::open(&db, 4, &["shop"]).await;
    for user in ["a", "b", "c"] {
        let row = order(&db, user);
        // The insert is under way, and nobody waits for it any more.
        assert!(process.direct.insert(row.clone()).now_or_never().is_none());
        assert_eq!(process.handler.started(1).await, BTreeSet::from([row.id]));
    }
    assert_eq!(db.value("max(lost_workers) FROM orders").await.as_deref(), Some("0"));
    process.end().await;
}

async fn a_queue_that_stopped_starts_nothing(db: Db) {
    let Started { direct, running, handler, .. } = Started::open(&db, 4, &["shop"]).await;
    assert_eq!(running.stop(Duration::from_secs(30)).await, Stopped::Clean);
    let row = order(&db, "u");
    assert!(matches!(direct.insert(row.clone()).await.unwrap(), InsertedOne::New(_, None)));
    assert_eq!(status(&db, row.id).await, Status::Queued);
    assert!(handler.started.borrow().is_empty());
}
