//! Successors that the database did not accept at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use klarna_order_worker::ids::WorkerId;
use klarna_order_worker::vault::Vault;
use klarna_order_worker::vault::instance::{Replayed, Spool};
use klarna_order_worker::vault::sealing::Secrets;

use super::in_flight::{Gated, waiting};
use super::{ACTIVE, Shop, an_order, cipher, describe, ready};
use crate::support::klarna::rotated;
use crate::support::raw::Raw;
use crate::support::stores::{Db, both_engines};

both_engines![
    a_store_that_takes_too_long_is_spooled_and_the_order_goes_on,
    a_store_that_fails_is_spooled_and_written_again,
    tidying_replays_what_the_database_never_had,
    an_old_file_changes_nothing_after_two_more_rotations,
    a_file_that_is_ahead_of_a_restored_database_is_stored,
    a_file_of_a_user_unknown_to_a_restored_database_is_told_and_kept,
    strange_files_are_told_and_never_deleted,
    a_file_that_the_database_refuses_keeps_no_other_from_it,
];

/// A shop whose only exchange is in flight, and the task that waits for it.
pub struct InFlightGuard {
    pub shop: Shop,
    pub vault: Vault,
    pub spool: PathBuf,
    pub klarna: Gated,
    pub waiting: tokio::task::JoinHandle<klarna_order_worker::vault::Access>,
}

pub async fn in_flight(db: &Db) -> InFlightGuard {
    let klarna = Gated::start(rotated).await;
    let shop = Shop::new(db, &klarna.endpoint.url);
    let (vault, holder) = shop.process().await;
    shop.register("u", "rt-1").await;
    let waiting = waiting(&shop, &vault, "u", an_order());
    klarna.endpoint.reached(1).await;
    let spool = folder(db, holder);
    InFlightGuard { shop, vault, spool, klarna, waiting }
}

pub fn folder(db: &Db, holder: WorkerId) -> PathBuf {
    db.folder().join(holder.to_string()).join("spool")
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Blocks writes to the tokens until the connection is dropped.
pub async fn block(db: &Db) -> Raw {
    let mut raw = db.raw().await;
    raw.execute(if db.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN; SELECT id FROM tokens FOR UPDATE" })
        .await;
    raw
}

/// Makes every write to the tokens fail, until [`allow`].
async fn refuse(db: &Db) {
    let trigger = if db.is_sqlite() {
        "CREATE TRIGGER refuse BEFORE UPDATE ON tokens BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
    } else {
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''refused by the test''; END';
         CREATE TRIGGER refuse BEFORE UPDATE ON tokens FOR EACH ROW EXECUTE FUNCTION refuse()"
    };
    db.execute(trigger).await;
}

async fn allow(db: &Db) {
    db.execute(if db.is_sqlite() { "DROP TRIGGER refuse" } else { "DROP TRIGGER refuse ON tokens" }).await;
}

/// Removes the end of the only exchange from the database.
async fn never_had(db: &Db) {
    db.execute("UPDATE tokens SET generation = 1, last_exchange = NULL; DELETE FROM cached_tokens").await;
    db.execute("UPDATE exchanges SET outcome = NULL, closed_at = NULL").await;
}

/// Returns the spool file of an exchange that is stored by now.
async fn spooled(db: &Db) -> (Shop, Vault, Vec<u8>, Gated) {
    let InFlightGuard { shop, vault, spool, klarna, waiting } = in_flight(db).await;
    let blocked = block(db).await;
    klarna.answer_one();
    assert_eq!(describe(&waiting.await.unwrap()), "at-rt-1");
    let file = std::fs::read(&files(&spool)[0]).unwrap();
    drop(blocked);
    vault.wait_until_idle().await;
    assert_eq!((shop.row("u").await, files(&spool).len()), (ACTIVE(2), 0));
    // Further requests are answered at once.
    for _ in 0..10 {
        klarna.answer_one();
    }
    (shop, vault, file, klarna)
}

async fn a_store_that_takes_too_long_is_spooled_and_the_order_goes_on(db: Db) {
    let InFlightGuard { shop, vault, spool, klarna, waiting } = in_flight(&db).await;
    let blocked = block(&db).await;
    klarna.answer_one();
    // The waiting task has its token although the database does not have the successor.
    assert_eq!(describe(&waiting.await.unwrap()), "at-rt-1");
    assert_eq!((shop.row("u").await, files(&spool).len()), (ACTIVE(1), 1));
    // The process may stop now. The user's lock is still taken.
    vault.wait_until_durable().await;
    assert_eq!((vault.in_flight(), describe(&shop.access(&vault, "u").await)), (1, "200ms".to_owned()));
    drop(blocked);
    vault.wait_until_idle().await;
    assert_eq!((shop.row("u").await, shop.ledger().await), (ACTIVE(2), vec!["rotated".to_owned()]));
    assert_eq!(files(&spool), Vec::<PathBuf>::new());
    assert_eq!(klarna.endpoint.presented(), ["rt-1"]);
}

async fn a_store_that_fails_is_spooled_and_written_again(db: Db) {
    let InFlightGuard { shop, vault, spool, klarna, waiting } = in_flight(&db).await;
    refuse(&db).await;
    klarna.answer_one();
    assert_eq!(describe(&waiting.await.unwrap()), "at-rt-1");
    assert_eq!((shop.row("u").await, files(&spool).len()), (ACTIVE(1), 1));
    allow(&db).await;
    vault.wait_until_idle().await;
    assert_eq!((shop.row("u").await, shop.ledger().await), (ACTIVE(2), vec!["rotated".to_owned()]));
    assert_eq!(files(&spool), Vec::<PathBuf>::new());
}

async fn tidying_replays_what_the_database_never_had(db: Db) {
    let (shop, _, file, _klarna) = spooled(&db).await;
    never_had(&db).await;
    let (vault, holder) = shop.process().await;
    let path = folder(&db, holder).join("found.successor");
    std::fs::write(&path, &file).unwrap();
    // A half-written file does not count.
    std::fs::write(path.with_extension("writing"), &file[..file.len() / 2]).unwrap();
    vault.tidy().await.unwrap();
    assert_eq!((shop.row("u").await, shop.ledger().await), (ACTIVE(2), vec!["rotated".to_owned()]));
    assert_eq!(db.count("cached_tokens").await, 1);
    assert!(!path.exists());
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-2");
}

async fn an_old_file_changes_nothing_after_two_more_rotations(db: Db) {
    let (shop, vault, file, _klarna) = spooled(&db).await;
    for _ in 0..2 {
        ready(shop.access(&vault, "u").await);
    }
    let (vault, holder) = shop.process().await;
    let path = folder(&db, holder).join("old.successor");
    std::fs::write(&path, file).unwrap();
    vault.tidy().await.unwrap();
    assert_eq!((shop.row("u").await, shop.ledger().await), (ACTIVE(4), vec!["rotated".to_owned(); 3]));
    assert!(!path.exists());
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-4");
}

/// The backup was made before the exchange, and before another one.
async fn a_file_that_is_ahead_of_a_restored_database_is_stored(db: Db) {
    let (shop, _, file, _klarna) = spooled(&db).await;
    db.execute("UPDATE tokens SET generation = 0, state = 'uncertain', last_exchange = NULL").await;
    db.execute("DELETE FROM exchanges; DELETE FROM cached_tokens; DELETE FROM known_tokens").await;
    let (vault, holder) = shop.process().await;
    let path = folder(&db, holder).join("ahead.successor");
    std::fs::write(&path, &file).unwrap();
    vault.tidy().await.unwrap();
    assert_eq!((shop.row("u").await, path.exists()), (ACTIVE(2), false));
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-2");
}

/// The backup was made before the user's first sign-in.
async fn a_file_of_a_user_unknown_to_a_restored_database_is_told_and_kept(db: Db) {
    let (shop, _, file, _klarna) = spooled(&db).await;
    db.execute(
        "DELETE FROM exchanges; DELETE FROM cached_tokens; DELETE FROM known_tokens; DELETE FROM tokens",
    )
    .await;
    let (vault, holder) = shop.process().await;
    let path = folder(&db, holder).join("ahead.successor");
    std::fs::write(&path, &file).unwrap();
    vault.tidy().await.unwrap();
    assert!(path.exists(), "the only good token was deleted");
    assert_eq!(db.count("tokens").await, 0);
    // After the user has signed in, the file is superseded.
    db.advance(60);
    shop.register("u", "rt-8").await;
    vault.tidy().await.unwrap();
    assert_eq!((shop.row("u").await, path.exists()), (ACTIVE(1), false));
    assert_eq!(describe(&shop.access(&vault, "u").await), "at-rt-8");
}

async fn strange_files_are_told_and_never_deleted(db: Db) {
    let (shop, _, file, _klarna) = spooled(&db).await;
    let instance = db.folder().join("instance");
    let hash_key = Secrets::found(&cipher("x2")).unwrap();
    let unknown_key = Arc::new(Secrets::open(cipher("x2"), &hash_key).unwrap());
    let other_installation = Spool::open(&instance, "elsewhere", Arc::clone(&shop.secrets)).unwrap();
    let other_key = Spool::open(&instance, "test", unknown_key).unwrap();
    let ours = Spool::open(&instance, "test", Arc::clone(&shop.secrets)).unwrap();
    let folder = instance.join("spool");
    std::fs::write(folder.join("a.successor"), &file).unwrap();
    let left = Replayed { left: 1, ..Replayed::default() };
    for spool in [&other_installation, &other_key] {
        assert_eq!((spool.replay(&*db.store).await.unwrap(), spool.waiting().await), (left, 1));
    }
    // An envelope that was changed to name this installation cannot be decrypted.
    let mine = String::from_utf8(file.clone()).unwrap().replace("\"test\"", "\"elsewhere\"");
    std::fs::write(folder.join("b.successor"), mine).unwrap();
    std::fs::write(folder.join("c.successor"), "rubbish").unwrap();
    assert_eq!(
        other_installation.replay(&*db.store).await.unwrap(),
        Replayed { left: 3, ..Replayed::default() }
    );
    assert_eq!(files(&folder).len(), 3);
    // The right installation stores it.
    assert_eq!(ours.replay(&*db.store).await.unwrap(), Replayed { stored: 1, superseded: 0, left: 2 });
    assert_eq!(ours.waiting().await, 2);
}

async fn a_file_that_the_database_refuses_keeps_no_other_from_it(db: Db) {
    let (shop, _, file, _klarna) = spooled(&db).await;
    let instance = db.folder().join("instance");
    let spool = Spool::open(&instance, "test", Arc::clone(&shop.secrets)).unwrap();
    let path = instance.join("spool/a.successor");
    std::fs::write(&path, file).unwrap();
    never_had(&db).await;
    refuse(&db).await;
    assert_eq!(spool.replay(&*db.store).await.unwrap(), Replayed { left: 1, ..Replayed::default() });
    assert!(path.exists());
    allow(&db).await;
    assert_eq!(spool.replay(&*db.store).await.unwrap(), Replayed { stored: 1, ..Replayed::default() });
    assert_eq!(shop.row("u").await, ACTIVE(2));
}
