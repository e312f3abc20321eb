//! Installations, and the program levels that a database accepts.

use std::time::Duration;

use futures::future::join_all;
use klarna_order_worker::config::{Database, Engine};
use klarna_order_worker::store::{self, Installation, OLDEST_PROGRAM, PROGRAM_LEVEL, StoreError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::stores::{Db, both_engines, postgres_alone};

const SOON: Duration = Duration::from_mins(1);

both_engines![
    a_database_is_founded_once,
    an_empty_database_lacks_every_migration,
    processes_that_migrate_at_once_do_it_once,
    a_database_of_a_newer_program_is_refused,
    a_database_with_another_text_of_a_migration_is_refused,
    migrations_of_a_newer_program_that_puts_up_with_this_one_are_none_of_its_business,
    a_store_answers_until_it_is_closed,
];
postgres_alone![what_is_no_server_is_told];

fn named(name: &str) -> Installation {
    Installation { name: name.into(), hash_key: name.as_bytes().to_vec() }
}

async fn a_database_is_founded_once(db: Db) {
    assert!(db.store.installation().await.unwrap().is_none());
    let other_process = db.open().await;
    let founders = ["a", "b", "c", "d"].map(named);
    let founded = founders.iter().zip([&db.store, &other_process].into_iter().cycle());
    for result in join_all(founded.map(|(name, store)| store.found_installation(name))).await {
        result.unwrap();
    }
    let first = db.store.installation().await.unwrap().unwrap();
    assert_eq!(first.hash_key, first.name.as_bytes());
    assert_eq!(db.value("minimum_program FROM installation").await.unwrap(), OLDEST_PROGRAM.to_string());
    db.store.found_installation(&named("late")).await.unwrap();
    assert_eq!(other_process.installation().await.unwrap().unwrap().name, first.name);
}

async fn an_empty_database_lacks_every_migration(db: Db) {
    assert_eq!(db.store.missing_migrations().await.unwrap(), [""; 0]);
    assert_eq!(db.store.migrate().await.unwrap(), 0);
    let empty = db.empty().await;
    let missing = empty.missing_migrations().await.unwrap();
    assert_eq!(missing[0], "0001_baseline");
    assert_eq!(empty.migrate().await.unwrap(), missing.len());
    assert_eq!(empty.missing_migrations().await.unwrap(), [""; 0]);
    assert!(empty.installation().await.unwrap().is_none());
}

pub async fn processes_that_migrate_at_once_do_it_once(db: Db) {
    let one = db.empty().await;
    let other = db.empty().await;
    let (first, second) = tokio::join!(one.migrate(), other.migrate());
    first.unwrap();
    second.unwrap();
    assert_eq!(one.missing_migrations().await.unwrap(), [""; 0]);
}

async fn a_database_of_a_newer_program_is_refused(db: Db) {
    db.store.found_installation(&named("a")).await.unwrap();
    db.execute(&format!("UPDATE installation SET minimum_program = {}", PROGRAM_LEVEL + 1)).await;
    let errors = [
        db.store.installation().await.map(drop),
        db.store.missing_migrations().await.map(drop),
        db.store.migrate().await.map(drop),
        db.store.health().await,
    ];
    for error in errors {
        let error = error.unwrap_err();
        assert!(matches!(error, StoreError::NeedsNewerProgram { needed: 2, has: 1 }), "{error}");
        assert!(!error.is_transient());
    }
    db.execute(&format!("UPDATE installation SET minimum_program = {PROGRAM_LEVEL}")).await;
    assert_eq!(db.store.installation().await.unwrap().unwrap().name, "a");
}

/// For example, an unreleased version of the program migrated it.
async fn a_database_with_another_text_of_a_migration_is_refused(db: Db) {
    let table = if db.is_sqlite() { "klarna_worker_migrations" } else { "migrations" };
    let checksum = if db.is_sqlite() { "x'00'" } else { "'\\x00'" };
    db.execute(&format!("UPDATE {table} SET checksum = {checksum} WHERE version = 1")).await;
    for error in [db.store.missing_migrations().await.map(drop), db.store.migrate().await.map(drop)] {
        let error = error.unwrap_err();
        assert!(matches!(&error, StoreError::OtherMigration(name) if name == "0001_baseline"), "{error}");
    }
}

async fn migrations_of_a_newer_program_that_puts_up_with_this_one_are_none_of_its_business(db: Db) {
    let table = if db.is_sqlite() { "klarna_worker_migrations" } else { "migrations" };
    db.execute(&format!(
        "INSERT INTO {table} (version, description, success, checksum, execution_time)
         SELECT version + 900, description, success, checksum, execution_time FROM {table}"
    ))
    .await;
    assert_eq!(db.store.missing_migrations().await.unwrap(), [""; 0]);
    assert_eq!(db.store.migrate().await.unwrap(), 0);
}

async fn a_store_answers_until_it_is_closed(db: Db) {
    db.store.health().await.unwrap();
    db.store.close().await;
    assert!(db.store.health().await.unwrap_err().is_transient());
}

async fn what_is_no_server_is_told(db: Db) {
    let open = |url: &str| {
        let database = Database { url: url.into(), engine: Engine::Postgres, ..db.database().clone() };
        let clock = db.clock.clone();
        async move { store::open(&database, 1, &clock).await.err().expect("no server, and it opened") }
    };
    let away = open("postgres://u:hidden@127.0.0.1:1/d").await;
    assert!(matches!(away, StoreError::Unavailable(_)) && away.is_transient(), "{away}");
    assert!(away.to_string().contains("refused"), "{away}");
    let nonsense = open("postgres://u:hidden@host:port/d").await;
    assert!(matches!(nonsense, StoreError::Location(_)) && !nonsense.is_transient(), "{nonsense}");
    assert!(!format!("{away}{away:?}{nonsense}{nonsense:?}").contains("hidden"));
    // A server, or somebody on the network, that refuses TLS. The address is not a loopback
    // address, but belongs to this machine.
    for (parameter, sends) in [("", false), ("?sslmode=require", false), ("?sslmode=prefer", true)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url =
            format!("postgres://u:hidden@0.0.0.0:{}/d{parameter}", listener.local_addr().unwrap().port());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 8];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(b"N").await.unwrap();
            stream.read(&mut request).await.unwrap_or_default()
        };
        let (refused, sent) =
            futures::join!(open(&url), async { tokio::time::timeout(SOON, server).await.unwrap() });
        assert_eq!(sent > 0, sends, "{parameter}: {refused}");
        assert!(!format!("{refused}{refused:?}").contains("hidden"));
    }
}
