//! A restored database: what it does not know, and what becomes uncertain.

use std::time::Duration;

use klarna_order_worker::ids::{InstanceId, TokenId, UserKey};
use klarna_order_worker::order::Status;
use klarna_order_worker::store::{ConfirmedHeartbeat, Installation};
use klarna_order_worker::token::TokenState;

use uuid::Uuid;

use super::orders::{claim, insert, order};
use super::tokens::{register, row};
use crate::support::stores::{Db, both_engines};

both_engines![
    a_heartbeat_is_remembered_and_a_later_one_is_not,
    who_was_removed_long_ago_raises_no_alarm,
    only_who_neither_ended_nor_is_known_was_left_open,
    the_last_end_is_told_to_a_folder_that_the_database_does_not_know,
    a_restore_that_was_declared_is_remembered_as_if_seen,
    active_tokens_are_doubted_in_batches,
    orders_that_have_not_ended_are_held_in_batches,
];

const KEPT: Duration = Duration::from_hours(24);

/// A heartbeat so many seconds later.
fn after(heartbeat: ConfirmedHeartbeat, seconds: u64) -> ConfirmedHeartbeat {
    ConfirmedHeartbeat {
        heartbeat_at: heartbeat.heartbeat_at + Duration::from_secs(seconds),
        heartbeats: heartbeat.heartbeats + 1,
    }
}

async fn a_heartbeat_is_remembered_and_a_later_one_is_not(db: Db) {
    db.advance(60);
    let worker = db.begin_worker().await;
    let heartbeat = db.store.heartbeat(worker).await.unwrap().unwrap();
    assert!(db.store.remembers(worker, heartbeat, KEPT).await.unwrap());
    assert!(!db.store.remembers(worker, after(heartbeat, 2), KEPT).await.unwrap());
    // The clock was put back between two heartbeats.
    let earlier =
        ConfirmedHeartbeat { heartbeat_at: heartbeat.heartbeat_at + Duration::from_hours(1), ..heartbeat };
    assert!(db.store.remembers(worker, earlier, KEPT).await.unwrap());
    let unknown = uuid::Uuid::now_v7().into();
    assert!(!db.store.remembers(unknown, heartbeat, KEPT).await.unwrap(), "a worker that it never saw");
}

async fn who_was_removed_long_ago_raises_no_alarm(db: Db) {
    db.advance(60);
    let worker = db.begin_worker().await;
    let heartbeat = db.store.heartbeat(worker).await.unwrap().unwrap();
    let removed = uuid::Uuid::now_v7().into();
    db.advance(24 * 3600);
    assert!(!db.store.remembers(removed, heartbeat, KEPT).await.unwrap(), "a day is not over");
    db.advance(1);
    assert!(db.store.remembers(removed, heartbeat, KEPT).await.unwrap());
    assert!(!db.store.remembers(worker, after(heartbeat, 1), KEPT).await.unwrap(), "its row is there");
}

async fn only_who_neither_ended_nor_is_known_was_left_open(db: Db) {
    db.store.found_installation(&Installation { name: "test".into(), hash_key: Vec::new() }).await.unwrap();
    let lost_after = Duration::from_secs(10);
    let left_open = async |known, beside| db.store.left_open(known, beside, lost_after).await.unwrap();
    assert_eq!(left_open(None, None).await, None, "nobody was ever here");
    let (one, two) = (InstanceId::from(Uuid::new_v4()), InstanceId::from(Uuid::new_v4()));
    db.advance(60);
    db.begin_worker_in(one).await;
    let silent_since = db.clock.now();
    assert_eq!(left_open(None, None).await, Some(silent_since));
    assert_eq!(left_open(Some(two), None).await, Some(silent_since), "a folder that it never saw");
    assert_eq!(left_open(Some(one), None).await, None, "its own folder");
    assert_eq!(left_open(Some(two), Some(one)).await, None, "the other folder of these settings");
    // Another process ends in order, at first too soon to know that this one is dead.
    for (seconds, expected) in [(9, Some(silent_since)), (2, None)] {
        db.advance(seconds);
        let orderly = db.begin_worker().await;
        db.store.end_worker(orderly).await.unwrap();
        assert_eq!(left_open(Some(two), None).await, expected, "{seconds} s");
    }
    // A later one dies, and a restore is declared.
    db.begin_worker_in(one).await;
    assert_eq!(left_open(Some(two), None).await, Some(db.clock.now()));
    db.advance(1);
    db.store.declare_restored().await.unwrap();
    assert_eq!(left_open(Some(two), None).await, None);
}

async fn the_last_end_is_told_to_a_folder_that_the_database_does_not_know(db: Db) {
    db.store.found_installation(&Installation { name: "test".into(), hash_key: Vec::new() }).await.unwrap();
    let (one, two) = (InstanceId::from(Uuid::new_v4()), InstanceId::from(Uuid::new_v4()));
    assert_eq!(db.store.last_end(Some(two)).await.unwrap(), None, "nobody was ever here");
    db.advance(60);
    let worker = db.begin_worker_in(one).await;
    assert_eq!(db.store.last_end(Some(two)).await.unwrap(), None, "it has not ended");
    db.store.end_worker(worker).await.unwrap();
    let ended_at = db.clock.now();
    db.advance(1);
    for (known, expected) in [(None, Some(ended_at)), (Some(two), Some(ended_at)), (Some(one), None)] {
        assert_eq!(db.store.last_end(known).await.unwrap(), expected, "{known:?}");
    }
    db.store.declare_restored().await.unwrap();
    assert_eq!(db.store.last_end(Some(two)).await.unwrap(), None);
}

async fn a_restore_that_was_declared_is_remembered_as_if_seen(db: Db) {
    db.store.found_installation(&Installation { name: "test".into(), hash_key: Vec::new() }).await.unwrap();
    db.advance(60);
    let worker = db.begin_worker().await;
    let ahead = after(db.store.heartbeat(worker).await.unwrap().unwrap(), 5);
    assert!(!db.store.remembers(worker, ahead, KEPT).await.unwrap());
    db.advance(10);
    db.store.declare_restored().await.unwrap();
    assert!(db.store.remembers(worker, ahead, KEPT).await.unwrap());
    assert!(!db.store.remembers(worker, after(ahead, 10), KEPT).await.unwrap(), "of later nothing is known");
}

async fn active_tokens_are_doubted_in_batches(db: Db) {
    for (user, byte) in [("a", 1), ("b", 2), ("c", 3)] {
        register(&db, user, byte).await;
    }
    db.store.forget_token(&UserKey::new("shop", "b")).await.unwrap();
    let (count, last) = db.store.doubt_tokens(TokenId::START, 1).await.unwrap().unwrap();
    assert_eq!(count, 1);
    let (count, last) = db.store.doubt_tokens(last, 10).await.unwrap().unwrap();
    assert_eq!(count, 1);
    assert_eq!(db.store.doubt_tokens(last, 10).await.unwrap(), None);
    for (user, state) in
        [("a", TokenState::Uncertain), ("b", TokenState::Forgotten), ("c", TokenState::Uncertain)]
    {
        assert_eq!(row(&db, user).await.0, state, "{user}");
    }
}

async fn orders_that_have_not_ended_are_held_in_batches(db: Db) {
    let worker = db.begin_worker().await;
    let running = insert(&db, order(&db, "a")).await;
    assert_eq!(claim(&db, worker, 1).await.len(), 1);
    let queued = insert(&db, order(&db, "b")).await;
    assert_eq!(db.store.hold_orders(1).await.unwrap(), 1);
    assert_eq!(db.store.hold_orders(10).await.unwrap(), 1);
    assert_eq!(db.store.hold_orders(10).await.unwrap(), 0);
    for id in [running, queued] {
        let held = db.store.order(id).await.unwrap().unwrap();
        assert_eq!((held.status, held.possible_duplicate), (Status::Failed, true));
        assert_eq!(held.error.unwrap().code, "database_restored");
    }
}
