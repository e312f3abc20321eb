//! Which workers are alive, and whose orders are free again.

use std::time::Duration;

use klarna_order_worker::breaker::{BreakerState, Endpoint, WaitingBreaker};
use klarna_order_worker::ids::{ClaimNumber, WorkerId};
use klarna_order_worker::order::Status;
use klarna_order_worker::silence::HeartbeatCount;
use klarna_order_worker::store::{Claim, ProcessFacts, Reclaimed, ReloadFailure, Worker};
use uuid::Uuid;

use super::orders::{claim, insert, order};
use super::settling::failed;
use crate::support::stores::{Db, both_engines};

both_engines![
    a_heartbeat_adds_one_to_the_count,
    a_heartbeat_renews_only_the_living,
    what_a_worker_tells_of_its_breakers_is_read,
    what_a_worker_tells_of_its_troubles_is_read,
    a_new_start_ends_earlier_ones_of_its_own_folder,
    only_orders_of_the_gone_or_silent_are_freed,
    a_worker_that_comes_back_writes_nothing,
    the_fifth_lost_worker_fails_the_order,
    a_worker_thought_dead_may_begin_anew,
    an_order_held_by_its_row_alone_is_lost,
];

/// What an observer notes of these workers.
async fn noted(db: &Db, workers: &[WorkerId]) -> Vec<HeartbeatCount> {
    let heartbeats = db.store.heartbeats().await.unwrap().into_iter().map(|worker| worker.count);
    heartbeats.filter(|count| workers.contains(&count.worker)).collect()
}

async fn a_heartbeat_adds_one_to_the_count(db: Db) {
    let worker = db.begin_worker().await;
    let [first] = noted(&db, &[worker]).await[..] else { panic!("it has not ended") };
    // The clock stands still, as it seems to do when it is put back.
    let heartbeat = db.store.heartbeat(worker).await.unwrap().unwrap();
    assert_eq!((heartbeat.heartbeats, heartbeat.heartbeat_at), (first.heartbeats + 1, db.clock.now()));
    assert_eq!(noted(&db, &[worker]).await, [HeartbeatCount { worker, heartbeats: heartbeat.heartbeats }]);
    db.store.end_worker(worker).await.unwrap();
    assert_eq!(noted(&db, &[worker]).await, []);
}

async fn what_a_worker_tells_of_its_breakers_is_read(db: Db) {
    let worker = db.begin_worker().await;
    let told = async || {
        let mut workers = db.store.workers(Duration::from_secs(10)).await.unwrap();
        assert_eq!(workers.len(), 1);
        workers.remove(0).breakers
    };
    assert_eq!(told().await, []);
    let open = WaitingBreaker {
        endpoint: Endpoint::Checkout,
        merchant: "shop".into(),
        state: BreakerState::Open,
        cause: "HTTP 503".into(),
        since: db.clock.now(),
        next_try: db.clock.now(),
    };
    db.store.note_breakers(worker, std::slice::from_ref(&open)).await.unwrap();
    assert_eq!(told().await, [open]);
    assert!(db.store.heartbeat(worker).await.unwrap().is_some(), "a heartbeat keeps it");
    assert_eq!(told().await.len(), 1);
    db.store.note_breakers(worker, &[]).await.unwrap();
    assert_eq!(told().await, []);
}

async fn what_a_worker_tells_of_its_troubles_is_read(db: Db) {
    let worker = db.begin_worker().await;
    let told = async || {
        let mut workers = db.store.workers(Duration::from_secs(10)).await.unwrap();
        assert_eq!((workers.len(), workers[0].id), (1, worker));
        workers.remove(0).facts
    };
    assert_eq!(told().await, ProcessFacts::default());
    let at = db.clock.now();
    let facts = ProcessFacts {
        spool_files: 2,
        dropped_lines: 3,
        clock_off_seconds: 4,
        failed_reload: Some(ReloadFailure { at, reason: "wrong".into(), settings_read_at: at }),
    };
    db.store.note_facts(worker, &facts).await.unwrap();
    assert_eq!(told().await, facts);
    assert!(db.store.heartbeat(worker).await.unwrap().is_some(), "a heartbeat keeps it");
    assert_eq!(told().await, facts);
    db.store.note_facts(worker, &ProcessFacts::default()).await.unwrap();
    assert_eq!(told().await, ProcessFacts::default());
}

async fn a_heartbeat_renews_only_the_living(db: Db) {
    let worker = db.begin_worker().await;
    assert!(db.store.heartbeat(worker).await.unwrap().is_some());
    assert!(db.store.heartbeat(Uuid::now_v7().into()).await.unwrap().is_none());
    db.store.end_worker(worker).await.unwrap();
    assert!(db.store.heartbeat(worker).await.unwrap().is_none());
}

async fn a_new_start_ends_earlier_ones_of_its_own_folder(db: Db) {
    let (folder, other_folder) = (Uuid::new_v4().into(), Uuid::new_v4().into());
    let earlier = db.begin_worker_in(folder).await;
    let elsewhere = db.begin_worker_in(other_folder).await;
    let later = Worker { id: Uuid::now_v7().into(), instance: folder, name: "host/1".into() };
    db.store.begin_worker(&later).await.unwrap();
    assert!(db.store.heartbeat(earlier).await.unwrap().is_some(), "ended before its spool was stored");
    let open = db.store.heartbeats_of(folder).await.unwrap();
    assert_eq!(open.keys().copied().collect::<Vec<_>>(), [earlier, later.id]);
    db.store.end_earlier(&later).await.unwrap();
    assert_eq!(db.store.heartbeats_of(folder).await.unwrap().len(), 1);
    assert!(db.store.heartbeat(earlier).await.unwrap().is_none());
    assert!(db.store.heartbeat(elsewhere).await.unwrap().is_some());
    assert!(db.store.heartbeat(later.id).await.unwrap().is_some());
}

async fn only_orders_of_the_gone_or_silent_are_freed(db: Db) {
    let mut workers = Vec::new();
    for user in ["living", "silent", "gone"] {
        let id = insert(&db, order(&db, user)).await;
        let worker = db.begin_worker().await;
        let claim = claim(&db, worker, 1).await[0].claim;
        assert_eq!(claim.order, id);
        assert!(user == "gone" || db.store.announce_create(&claim).await.unwrap());
        workers.push((worker, id));
    }
    let [(living, _), (silent, silents), (gone, gones)] = workers[..] else { unreachable!() };
    db.store.end_worker(gone).await.unwrap();
    assert_eq!(db.store.reclaim(&[]).await.unwrap(), Reclaimed { requeued: 1, failed: 0 });
    assert!(db.store.running_orders(gone).await.unwrap().is_empty());

    // However long ago its heartbeat was by the database's clock: only who was watched is silent.
    let silence = noted(&db, &[living, silent]).await;
    db.advance(24 * 60 * 60);
    assert!(db.store.heartbeat(living).await.unwrap().is_some());
    assert_eq!(db.store.reclaim(&[]).await.unwrap(), Reclaimed::default(), "silence was counted unasked");
    assert_eq!(db.store.reclaim(&silence).await.unwrap(), Reclaimed { requeued: 1, failed: 0 });
    assert!(db.store.running_orders(silent).await.unwrap().is_empty());
    assert_eq!(db.store.running_orders(living).await.unwrap().len(), 1);
    // The one whose create call was announced may be at Klarna.
    for (freed, sent) in [(silents, true), (gones, false)] {
        let view = db.store.order(freed).await.unwrap().unwrap();
        assert_eq!((view.status, view.attempts, view.possible_duplicate), (Status::Queued, 0, sent));
    }
}

async fn a_worker_that_comes_back_writes_nothing(db: Db) {
    let id = insert(&db, order(&db, "u")).await;
    let worker = db.begin_worker().await;
    let lost = claim(&db, worker, 1).await.remove(0).claim;
    assert!(db.store.announce_create(&lost).await.unwrap());
    db.store.reclaim(&noted(&db, &[worker]).await).await.unwrap();
    assert!(!db.store.announce_create(&lost).await.unwrap(), "announced under a claim that was lost");
    assert!(db.store.settle_order(&lost, &failed()).await.unwrap().is_none());
    // The same worker can send heartbeats and claim again. Only its new claim holds.
    assert!(db.store.heartbeat(worker).await.unwrap().is_some());
    let again = claim(&db, worker, 1).await.remove(0);
    assert!(again.possible_duplicate);
    assert!(db.store.settle_order(&lost, &failed()).await.unwrap().is_none());
    assert!(db.store.settle_order(&again.claim, &failed()).await.unwrap().is_some());
    assert!(db.store.order(id).await.unwrap().unwrap().possible_duplicate);
}

pub async fn the_fifth_lost_worker_fails_the_order(db: Db) {
    let id = insert(&db, order(&db, "u")).await;
    for lost in 1..=5 {
        let worker = db.begin_worker().await;
        let claimed = claim(&db, worker, 1).await.remove(0);
        assert!(lost > 1 || db.store.announce_create(&claimed.claim).await.unwrap());
        super::tokens::exchange_for(&db, "u", id).await;
        db.store.end_worker(worker).await.unwrap();
        let expected = if lost < 5 {
            Reclaimed { requeued: 1, failed: 0 }
        } else {
            Reclaimed { requeued: 0, failed: 1 }
        };
        assert_eq!(db.store.reclaim(&[]).await.unwrap(), expected, "lost worker {lost}");
    }
    let view = db.store.order(id).await.unwrap().unwrap();
    assert_eq!((view.status, view.possible_duplicate, view.attempts), (Status::Failed, true, 0));
    assert_eq!(view.error.unwrap().code, "crashed_worker");
    assert_eq!(view.ended_at, Some(db.clock.now()));
    assert!(super::tokens::cached_for(&db, "u", id.into()).await.is_none());
}

async fn a_worker_thought_dead_may_begin_anew(db: Db) {
    let worker = Worker { id: Uuid::now_v7().into(), instance: Uuid::new_v4().into(), name: "host/1".into() };
    db.store.begin_worker(&worker).await.unwrap();
    insert(&db, order(&db, "u")).await;
    let held = claim(&db, worker.id, 1).await.remove(0).claim;
    db.store.end_worker(worker.id).await.unwrap();
    assert_eq!(db.store.reclaim(&[]).await.unwrap(), Reclaimed { requeued: 1, failed: 0 });
    db.store.begin_worker(&worker).await.unwrap();
    assert!(db.store.heartbeat(worker.id).await.unwrap().is_some());
    assert!(db.store.settle_order(&held, &failed()).await.unwrap().is_none(), "what it held before is gone");
    assert_eq!(db.count("workers").await, 1);
}

async fn an_order_held_by_its_row_alone_is_lost(db: Db) {
    let id = insert(&db, order(&db, "u")).await;
    let worker = db.begin_worker().await;
    for lost in 1..=5 {
        let held = claim(&db, worker, 1).await.remove(0).claim;
        assert!(lost > 1 || db.store.announce_create(&held).await.unwrap());
        let stale = Claim { number: ClaimNumber(held.number.0 - 1), ..held };
        assert_eq!(db.store.lose_order(&stale).await.unwrap(), Reclaimed::default());
        let expected = if lost < 5 {
            Reclaimed { requeued: 1, failed: 0 }
        } else {
            Reclaimed { requeued: 0, failed: 1 }
        };
        assert_eq!(db.store.lose_order(&held).await.unwrap(), expected);
        assert_eq!(db.store.lose_order(&held).await.unwrap(), Reclaimed::default());
    }
    let view = db.store.order(id).await.unwrap().unwrap();
    assert_eq!((view.status, view.possible_duplicate), (Status::Failed, true));
    assert_eq!(view.error.unwrap().code, "crashed_worker");
}
