//! Migrations of later releases, on a database in use.

use std::cell::Cell;

use test_support::postgres::TestDatabase;

use super::*;
use crate::clock::Clock;
use crate::config::{self, Database};
use crate::store::engine::SqlStore;
use crate::store::{Connections as _, Schema as _};

/// Short limits.
const SHORT: LockTimeouts = LockTimeouts {
    first: Duration::from_millis(150),
    longest: Duration::from_millis(300),
    tries: 4,
    beside: Duration::from_millis(700),
    turn: Duration::from_millis(700),
};

/// Limits that no test reaches.
const LONG: LockTimeouts =
    LockTimeouts { tries: 1, beside: Duration::from_secs(30), turn: Duration::from_secs(30), ..SHORT };

const COLUMN: &str = "ALTER TABLE klarna_worker.orders ADD COLUMN later text";
const INDEX: &str = "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS orders_later ON klarna_worker.orders (user_id)";

/// Returns a migrator for this program's migrations and one more.
fn with(sql: &'static str) -> Migrator {
    let mut migrator = Postgres::migrator();
    migrator.migrations.to_mut().push(migrations::migration(&migrations::File {
        number: 9001,
        name: "later",
        sql,
    }));
    migrator
}

async fn database() -> (TestDatabase, SqlStore<Postgres>) {
    let database = TestDatabase::create().await;
    let url = database.url();
    let settings = Database {
        engine: config::Engine::Postgres,
        url: url.into(),
        listen_url: None,
        read_url: None,
        statement_cache: 100,
        max_connections: 4,
    };
    let store = SqlStore::new(Postgres::open(&settings, 4, Clock::system()).await.unwrap());
    assert!(store.migrate().await.unwrap() > 0);
    (database, store)
}

async fn close(database: TestDatabase, store: SqlStore<Postgres>) {
    store.close().await;
    database.remove().await;
}

/// Runs migrations, within a time limit for the test.
async fn migrated(
    store: &SqlStore<Postgres>,
    patience: &LockTimeouts,
    migrator: Migrator,
) -> Result<usize, StoreError> {
    let ran = run(&store.engine.pools, patience, migrator);
    tokio::time::timeout(Duration::from_mins(1), ran).await.expect("it waits without an end")
}

/// Opens a transaction that has read from the table of orders.
async fn reader(store: &SqlStore<Postgres>) -> PgConnection {
    let mut session = store.engine.pools.session().await.unwrap();
    session.execute("BEGIN; SELECT count(*) FROM klarna_worker.orders").await.unwrap();
    session
}

async fn count(store: &SqlStore<Postgres>, of: &'static str) -> i64 {
    let mut session = store.engine.pools.session().await.unwrap();
    let counted = sqlx::query_scalar(of).fetch_one(&mut session).await.unwrap();
    session.close().await.unwrap();
    counted
}

const COLUMNS: &str = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'later'";
const VALID: &str = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('klarna_worker.orders_later') AND indisvalid";
const INVALID: &str = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('klarna_worker.orders_later') AND NOT indisvalid";

#[tokio::test]
async fn a_lock_is_waited_for_within_bounds_and_others_pass_meanwhile() {
    let (database, store) = database().await;
    let mut holder = reader(&store).await;
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut holder).await.unwrap();
    let ended = Cell::new(false);
    // A session that comes while the migration waits is blocked until that wait ends.
    let mut other = store.engine.pools.session().await.unwrap();
    let others = async {
        let mut waited = 0;
        while !ended.get() {
            let asked = Instant::now();
            other.execute("SELECT count(*) FROM klarna_worker.orders").await.unwrap();
            waited += u32::from(asked.elapsed() >= SHORT.first / 2);
        }
        waited
    };
    let migrating = async {
        let ran = migrated(&store, &SHORT, with(COLUMN)).await;
        ended.set(true);
        ran
    };
    let (ran, waited) = tokio::join!(migrating, others);
    let error = ran.unwrap_err();
    let StoreError::Locked { migration, tries, holders } = &error else { panic!("{error}") };
    assert_eq!((migration.as_str(), *tries), ("9001_later", SHORT.tries));
    assert!(
        holders.starts_with(&format!("process {pid} (klarna-order-worker), in a transaction for ")),
        "{holders}"
    );
    // Each try keeps one statement waiting, which passes before the next try.
    assert!(waited >= 2, "{waited} passed after a wait: one try after the other kept them out");
    assert_eq!(count(&store, COLUMNS).await, 0);

    holder.execute("COMMIT").await.unwrap();
    assert_eq!(migrated(&store, &SHORT, with(COLUMN)).await.unwrap(), 1);
    assert_eq!(migrated(&store, &SHORT, with(COLUMN)).await.unwrap(), 0);
    assert_eq!(count(&store, COLUMNS).await, 1);
    close(database, store).await;
}

#[tokio::test]
async fn a_lock_that_comes_free_is_taken_by_a_later_try() {
    let (database, store) = database().await;
    let mut holder = reader(&store).await;
    let freeing = async {
        sleep(SHORT.first * 2).await;
        holder.execute("COMMIT").await.unwrap();
    };
    let patient = LockTimeouts { tries: 40, ..SHORT };
    let (ran, ()) = tokio::join!(migrated(&store, &patient, with(COLUMN)), freeing);
    assert_eq!(ran.unwrap(), 1);
    close(database, store).await;
}

#[tokio::test]
async fn an_index_that_was_cut_off_is_built_anew() {
    let (database, store) = database().await;
    let mut holder = reader(&store).await;
    // The transaction has also written, so building the index must wait for it.
    holder.execute("DELETE FROM klarna_worker.orders").await.unwrap();
    let once = LockTimeouts { tries: 1, ..SHORT };
    let error = migrated(&store, &once, with(INDEX)).await.unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert_eq!((count(&store, INVALID).await, count(&store, VALID).await), (1, 0));

    holder.execute("COMMIT").await.unwrap();
    assert_eq!(migrated(&store, &LONG, with(INDEX)).await.unwrap(), 1);
    assert_eq!((count(&store, INVALID).await, count(&store, VALID).await), (0, 1));
    close(database, store).await;
}

#[tokio::test]
async fn one_migrate_waits_for_another_and_not_for_ever() {
    let (database, store) = database().await;
    let mut other = store.engine.pools.session().await.unwrap();
    Migrate::lock(&mut other).await.unwrap();
    let begun = Instant::now();
    let error = migrated(&store, &SHORT, with(COLUMN)).await.unwrap_err();
    assert!(matches!(error, StoreError::MigratedElsewhere(_)), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let ending = async {
        sleep(POLL_INTERVAL).await;
        other.close().await.unwrap();
    };
    let (ran, ()) = tokio::join!(migrated(&store, &LONG, with(COLUMN)), ending);
    assert_eq!(ran.unwrap(), 1);
    close(database, store).await;
}

/// Building an index concurrently waits for every session with a snapshot.
#[tokio::test]
async fn one_migrate_that_waits_does_not_hold_up_another_that_builds_an_index() {
    let (database, store) = database().await;
    let mut holder = reader(&store).await;
    holder.execute("DELETE FROM klarna_worker.orders").await.unwrap();
    let freeing = async {
        sleep(Duration::from_secs(3)).await;
        holder.execute("COMMIT").await.unwrap();
    };
    let second = async {
        sleep(Duration::from_millis(500)).await;
        migrated(&store, &LONG, with(INDEX)).await
    };
    let (first, second, ()) = tokio::join!(migrated(&store, &LONG, with(INDEX)), second, freeing);
    assert_eq!(first.unwrap() + second.unwrap(), 1);
    assert_eq!(count(&store, VALID).await, 1);
    close(database, store).await;
}
