//! A database for a test of the whole service, on either engine.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};

use crate::postgres::{TestDatabase, programs};

/// Where the service's rows lie.
pub enum Database {
    Sqlite,
    Postgres { url: String },
}

impl Database {
    pub fn url(&self) -> &str {
        match self {
            Self::Sqlite => "sqlite://data/worker.db",
            Self::Postgres { url } => url,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    /// Where in a trace orders were taken in, as their rows have it.
    pub async fn traces(&self, folder: &Path) -> Vec<String> {
        match self {
            Self::Sqlite => {
                let options = SqliteConnectOptions::new().filename(folder.join("data/worker.db"));
                let mut connection = options.connect().await.unwrap();
                let rows = sqlx::query("SELECT trace FROM orders WHERE trace IS NOT NULL").fetch_all(&mut connection);
                rows.await.unwrap().iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres { url } => {
                let told = ask(url, "SELECT trace FROM klarna_worker.orders WHERE trace IS NOT NULL");
                told.lines().map(str::to_owned).collect()
            }
        }
    }

    /// Everything that can be read out of it, as bytes: its files (which hold rows that are gone, too), and on PostgreSQL
    /// its dump.
    pub fn bytes(&self, folder: &Path) -> Vec<u8> {
        match self {
            Self::Sqlite => super::leaks::files_in(&folder.join("data")),
            Self::Postgres { url } => {
                let dump = Command::new(programs().join("pg_dump")).arg("--inserts").arg(url).output().unwrap();
                assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
                let server = PathBuf::from(ask(url, "SHOW data_directory"));
                let own = ask(url, "SELECT oid FROM pg_database WHERE datname = current_database()");
                // What is still in the server's memory alone goes to its files first.
                ask(url, "CHECKPOINT");
                [dump.stdout, super::leaks::files_in(&server.join("base").join(own))].concat()
            }
        }
    }
}

/// One statement's one value, as text.
pub fn ask(url: &str, statement: &str) -> String {
    let told = Command::new(programs().join("psql")).args(["-XAtqc", statement, url]).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

/// Runs a scenario on SQLite.
pub async fn on_sqlite<F: Future<Output = ()>>(scenario: impl FnOnce(Database) -> F) {
    scenario(Database::Sqlite).await;
}

/// Runs a scenario on a PostgreSQL database of its own.
pub async fn on_postgres<F: Future<Output = ()>>(scenario: impl FnOnce(Database) -> F) {
    let database = TestDatabase::create().await;
    scenario(Database::Postgres { url: database.url().to_owned() }).await;
    database.remove().await;
}

/// Makes `name::sqlite` and `name::postgres` of each `async fn name(database: Database)`.
macro_rules! both_engines {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::support::engine::on_sqlite(super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::support::engine::on_postgres(super::$name).await;
            }
        })+
    };
}
pub(crate) use both_engines;
