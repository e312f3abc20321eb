//! A disk of the instance folder that hangs, and a database that has forgotten a user.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use klarna_order_worker::queue::{HeartbeatOutcome, WorkerRows as _};
use klarna_order_worker::store::Worker;
use klarna_order_worker::vault::instance::{Disk, Replayed};
use klarna_order_worker::worker::WorkerLease;
use uuid::Uuid;

use super::in_flight::{Gated, waiting};
use super::spool::{block, files, folder, in_flight};
use super::{ACTIVE, Shop, an_order, describe, watch};
use crate::support::klarna::rotated;
use crate::support::stores::{Db, both_engines};

both_engines![
    a_spool_that_hangs_does_not_keep_an_answer_that_the_database_takes,
    a_file_that_cannot_be_read_to_its_end_holds_up_no_other,
    heartbeats_go_on_although_their_record_hangs,
    a_successor_of_a_forgotten_user_holds_no_lock,
];

/// As many as a disk has threads.
const THREADS: usize = 64;

/// Makes all work with the disk hang until the value is dropped.
async fn hang(disk: &Disk) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let (tell, mut told_begun) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..THREADS {
        let (disk, held, tell) = (disk.clone(), Arc::clone(&held), tell.clone());
        tokio::spawn(async move {
            let hanging = move || {
                tell.send(()).unwrap();
                let _ = held.lock().unwrap().recv();
                Ok(())
            };
            disk.run(hanging).await
        });
    }
    for _ in 0..THREADS {
        told_begun.recv().await.unwrap();
    }
    release
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

async fn a_spool_that_hangs_does_not_keep_an_answer_that_the_database_takes(db: Db) {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(&db, &klarna.endpoint.url);
    let (store, holder) = (db.open().await, db.begin_worker().await);
    store.prove_provider(&shop.merchant.name, shop.merchant.provider()).await.unwrap();
    let spool = shop.spool(&holder.to_string());
    let vault = shop.vault(store, holder, spool.clone(), &watch());
    shop.register("u", "rt-1").await;
    let waiting = waiting(&shop, &vault, "u", an_order());
    klarna.endpoint.reached(1).await;
    let release = hang(spool.disk()).await;
    let blocked = block(&db).await;
    klarna.answer_one();
    // Neither has the successor.
    assert!(tokio::time::timeout(Duration::from_millis(500), vault.wait_until_durable()).await.is_err());
    assert!(!waiting.is_finished(), "an access token without a safe successor");
    drop(blocked);
    assert_eq!(describe(&waiting.await.unwrap()), "at-rt-1");
    vault.wait_until_idle().await;
    assert_eq!(shop.row("u").await, ACTIVE(2));
    drop(release);
    assert_eq!(
        (spool.waiting().await, files(&folder(&db, holder)).len()),
        (0, 0),
        "a late write was not undone"
    );
}

async fn a_file_that_cannot_be_read_to_its_end_holds_up_no_other(db: Db) {
    let shop = Shop::new(&db, "http://127.0.0.1:1");
    let spool = shop.spool("instance");
    make_fifo(&db.folder().join("instance/spool/a.successor"));
    assert_eq!(spool.replay(&*db.store).await.unwrap(), Replayed { left: 1, ..Replayed::default() });
}

async fn heartbeats_go_on_although_their_record_hangs(db: Db) {
    let worker = Worker { id: Uuid::now_v7().into(), instance: Uuid::new_v4().into(), name: "host/1".into() };
    db.store.begin_worker(&worker).await.unwrap();
    let folder = db.folder().join("instance");
    std::fs::create_dir(&folder).unwrap();
    make_fifo(&folder.join("seen.writing"));
    let lease = WorkerLease::new(db.store.clone(), worker, folder);
    for _ in 0..5 {
        assert_eq!(lease.heartbeat().await.unwrap(), HeartbeatOutcome::Alive);
    }
}

/// The database is restored to a time before the user's first sign-in while the request is in
/// flight.
async fn a_successor_of_a_forgotten_user_holds_no_lock(db: Db) {
    let going = in_flight(&db).await;
    db.execute(
        "DELETE FROM exchanges; DELETE FROM cached_tokens; DELETE FROM known_tokens; DELETE FROM tokens",
    )
    .await;
    going.klarna.answer_one();
    assert_eq!(describe(&going.waiting.await.unwrap()), "at-rt-1");
    going.vault.wait_until_idle().await;
    assert_eq!(files(&going.spool).len(), 1, "the only copy of the successor");
}
