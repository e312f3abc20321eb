//! Runs one case on both engines.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use futures::FutureExt as _;
use klarna_order_worker::clock::Clock;
use klarna_order_worker::config::{Database, Engine};
use klarna_order_worker::ids::{InstanceId, WorkerId};
use klarna_order_worker::store::{self, Store, Worker};
use tempfile::TempDir;
use test_support::pooler::Pooler;
use test_support::postgres::{TestDatabase, errors_in};
use uuid::Uuid;

use super::raw::Raw;

/// Makes the tests `name::sqlite` and `name::postgres` from each `async fn name(db: Db)`.
macro_rules! both_engines {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[tokio::test]
            async fn sqlite() {
                $crate::support::stores::on_sqlite(super::$name).await;
            }

            #[tokio::test]
            async fn postgres() {
                $crate::support::stores::on_postgres(super::$name).await;
            }
        })+
    };
}
pub(crate) use both_engines;

/// Makes the test `name::postgres` from each `async fn name(db: Db)`.
macro_rules! postgres_alone {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[tokio::test]
            async fn postgres() {
                $crate::support::stores::on_postgres(super::$name).await;
            }
        })+
    };
}
pub(crate) use postgres_alone;

/// The time limit of a case, long enough for a busy machine.
const HANGS: Duration = Duration::from_mins(3);

/// Exchanges of a vault that may be in flight.
pub const MAX_IN_FLIGHT: u32 = 4;

/// Connections for their claims in a store that [`Db::open`] opens: fewer, so that exchanges share
/// them.
pub const CLAIM_SESSIONS: u32 = 2;

/// A migrated database of the test's own, with a clock that the test advances.
#[derive(Clone)]
pub struct Db {
    /// The store of one process on this database.
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    database: Database,
    direct_url: String,
    folder: Arc<TempDir>,
    opened: Arc<Mutex<Vec<Arc<dyn Store>>>>,
}

pub async fn on_sqlite<F: Future<Output = ()>>(case: impl FnOnce(Db) -> F) {
    on_sqlite_within(HANGS, case).await;
}

/// Runs a case on SQLite with a time limit of its own.
pub async fn on_sqlite_within<F: Future<Output = ()>>(limit: Duration, case: impl FnOnce(Db) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.db");
    let engine = Engine::Sqlite { path: path.clone() };
    run(settings(engine, &format!("sqlite:{}", path.display())), String::new(), folder, limit, case).await;
}

pub async fn on_postgres<F: Future<Output = ()>>(case: impl FnOnce(Db) -> F) {
    on_postgres_within(HANGS, case).await;
}

/// Runs a case on PostgreSQL with a time limit of its own.
pub async fn on_postgres_within<F: Future<Output = ()>>(limit: Duration, case: impl FnOnce(Db) -> F) {
    // `tests/pooler.sh` plays all cases so.
    if std::env::var_os("KLARNA_WORKER_TEST_POOLER").is_some() {
        return on_pooler_within(limit, case).await;
    }
    let database = TestDatabase::create_migrated().await;
    let settings = settings(Engine::Postgres, database.url());
    run_on(database, settings, limit, case).await;
}

/// Runs a case on PostgreSQL through `PgBouncer` in transaction mode, as a role with odd defaults.
pub async fn on_pooler<F: Future<Output = ()>>(case: impl FnOnce(Db) -> F) {
    on_pooler_within(HANGS, case).await;
}

async fn on_pooler_within<F: Future<Output = ()>>(limit: Duration, case: impl FnOnce(Db) -> F) {
    let mut database = TestDatabase::create().await;
    let odd = database.odd_role().await;
    let pooler = Pooler::start(&odd);
    let url = pooler.url(&odd);
    let settings =
        Database { listen_url: Some(odd.into()), statement_cache: 0, ..settings(Engine::Postgres, &url) };
    run_on(database, settings, limit, case).await;
}

async fn run_on<F: Future<Output = ()>>(
    database: TestDatabase,
    settings: Database,
    limit: Duration,
    case: impl FnOnce(Db) -> F,
) {
    let result = run(settings, database.url().to_owned(), tempfile::tempdir().unwrap(), limit, case);
    let result = std::panic::AssertUnwindSafe(result).catch_unwind().await;
    database.remove().await;
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

fn settings(engine: Engine, url: &str) -> Database {
    Database {
        engine,
        url: url.into(),
        listen_url: None,
        read_url: None,
        statement_cache: 100,
        max_connections: 4,
    }
}

async fn run<F: Future<Output = ()>>(
    database: Database,
    direct_url: String,
    folder: TempDir,
    limit: Duration,
    case: impl FnOnce(Db) -> F,
) {
    let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
    let store = store::open(&database, CLAIM_SESSIONS, &clock).await.unwrap();
    store.migrate().await.unwrap();
    let opened = Arc::new(Mutex::new(vec![Arc::clone(&store)]));
    let case = case(Db {
        store,
        clock,
        database,
        direct_url,
        folder: Arc::new(folder),
        opened: Arc::clone(&opened),
    });
    tokio::time::timeout(limit, case).await.expect("the case hangs");
    let opened = std::mem::take(&mut *opened.lock().unwrap());
    for store in opened {
        store.close().await;
    }
}

impl Db {
    /// Opens the store of another process on the same database.
    pub async fn open(&self) -> Arc<dyn Store> {
        self.open_with(&self.clock).await
    }

    /// Like [`Db::open`], with another clock.
    pub async fn open_with(&self, clock: &Clock) -> Arc<dyn Store> {
        self.open_as(CLAIM_SESSIONS, clock).await
    }

    /// Like [`Db::open`], with one connection for all claims.
    pub async fn open_with_one_session(&self) -> Arc<dyn Store> {
        self.open_as(1, &self.clock).await
    }

    async fn open_as(&self, claim_sessions: u32, clock: &Clock) -> Arc<dyn Store> {
        let store = store::open(&self.database, claim_sessions, clock).await.unwrap();
        self.opened.lock().unwrap().push(Arc::clone(&store));
        store
    }

    /// Returns a store on a database that was never migrated.
    pub async fn empty(&self) -> Arc<dyn Store> {
        let mut database = self.database.clone();
        if self.is_sqlite() {
            database.engine = Engine::Sqlite { path: self.folder().join("new/empty.db") };
        } else {
            self.execute("DROP SCHEMA IF EXISTS klarna_worker CASCADE").await;
        }
        let store = store::open(&database, CLAIM_SESSIONS, &self.clock).await.unwrap();
        self.opened.lock().unwrap().push(Arc::clone(&store));
        store
    }

    /// Opens a connection of the test.
    pub async fn raw(&self) -> Raw {
        match &self.database.engine {
            Engine::Sqlite { path } => Raw::sqlite(path).await,
            Engine::Postgres => Raw::postgres(self.direct_url()).await,
        }
    }

    /// The URL of the server itself, with a superuser who has usual defaults; PostgreSQL only.
    pub fn direct_url(&self) -> &str {
        &self.direct_url
    }

    /// The errors in the server's log about this database; PostgreSQL only.
    pub async fn errors(&self) -> Vec<String> {
        errors_in(self.direct_url()).await
    }

    /// Returns the only value of `SELECT {query}`.
    pub async fn value(&self, query: &str) -> Option<String> {
        let mut values = self.raw().await.column(query).await;
        assert_eq!(values.len(), 1, "{query}");
        values.remove(0)
    }

    /// Returns the result of `SELECT count(*) FROM {rest}`.
    pub async fn count(&self, rest: &str) -> u64 {
        self.value(&format!("count(*) FROM {rest}")).await.unwrap().parse().unwrap()
    }

    pub async fn execute(&self, sql: &str) {
        self.raw().await.execute(sql).await;
    }

    pub fn is_sqlite(&self) -> bool {
        self.database.engine != Engine::Postgres
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Returns a folder for the test's files. On SQLite, the database is in it.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Registers a process in an instance folder of its own.
    pub async fn begin_worker(&self) -> WorkerId {
        self.begin_worker_in(Uuid::new_v4().into()).await
    }

    /// Registers a process.
    pub async fn begin_worker_in(&self, instance: InstanceId) -> WorkerId {
        let worker = Worker { id: Uuid::now_v7().into(), instance, name: "host/1".into() };
        self.store.begin_worker(&worker).await.unwrap();
        worker.id
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}
