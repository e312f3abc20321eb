//! A database for a test of the whole service, on either engine.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use crate::postgres::{TestDatabase, programs};
use crate::program::Build;

/// Where the service's rows are.
pub enum Database {
    /// In `data/worker.db` of the shop's folder.
    Sqlite,
    /// In a database on a server.
    Postgres {
        /// With a superuser.
        url: String,
    },
}

impl Database {
    /// Returns the URL for the settings.
    pub fn url(&self) -> &str {
        match self {
            Self::Sqlite => "sqlite://data/worker.db",
            Self::Postgres { url } => url,
        }
    }

    /// Returns the engine's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    /// Runs a statement beside the service. `{schema}` in it is replaced by the prefix of tables'
    /// names.
    pub async fn execute(&self, folder: &Path, statement: &str) {
        match self {
            Self::Sqlite => {
                let options = file(folder);
                let mut connection = options.connect().await.unwrap();
                let statement = AssertSqlSafe(statement.replace("{schema}", ""));
                sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Postgres { url } => drop(ask(url, &statement.replace("{schema}", "klarna_worker."))),
        }
    }

    /// Returns the only value of `SELECT {query}`, in which `{schema}` is replaced by the prefix of
    /// tables' names.
    pub async fn value(&self, folder: &Path, query: &str) -> String {
        match self {
            Self::Sqlite => {
                let options = file(folder);
                let mut connection = options.connect().await.unwrap();
                let query =
                    AssertSqlSafe(format!("SELECT CAST(({}) AS text)", query.replace("{schema}", "")));
                sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
            }
            Self::Postgres { url } => {
                ask(url, &format!("SELECT {}", query.replace("{schema}", "klarna_worker.")))
            }
        }
    }

    /// Returns the trace contexts that orders are stored with.
    pub async fn traces(&self, folder: &Path) -> Vec<String> {
        match self {
            Self::Sqlite => {
                let options = file(folder);
                let mut connection = options.connect().await.unwrap();
                let rows = sqlx::query("SELECT trace FROM orders WHERE trace IS NOT NULL")
                    .fetch_all(&mut connection);
                rows.await.unwrap().iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres { url } => {
                let told = ask(url, "SELECT trace FROM klarna_worker.orders WHERE trace IS NOT NULL");
                told.lines().map(str::to_owned).collect()
            }
        }
    }

    /// Returns whether it is a server's database without tables, which no start of a service makes.
    pub fn lacks_tables(&self) -> bool {
        let Self::Postgres { url } = self else { return false };
        ask(url, "SELECT to_regclass('klarna_worker.migrations') IS NULL") == "t"
    }

    /// Returns everything that can be read from it, as bytes: its files, which also contain deleted
    /// rows, and on PostgreSQL a dump.
    pub fn bytes(&self, folder: &Path) -> Vec<u8> {
        match self {
            Self::Sqlite => crate::leaks::files_in(&folder.join("data")),
            Self::Postgres { url } => {
                let dump =
                    Command::new(programs().join("pg_dump")).arg("--inserts").arg(url).output().unwrap();
                assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
                let server = PathBuf::from(ask(url, "SHOW data_directory"));
                let own = ask(url, "SELECT oid FROM pg_database WHERE datname = current_database()");
                // Writes to the files what is only in the server's memory.
                ask(url, "CHECKPOINT");
                [dump.stdout, crate::leaks::files_in(&server.join("base").join(own))].concat()
            }
        }
    }
}

/// A connection to the service's file, which waits for as long as the service writes.
fn file(folder: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(folder.join("data/worker.db")).busy_timeout(Duration::from_mins(1))
}

/// Returns the single value of a statement, as text.
pub fn ask(url: &str, statement: &str) -> String {
    let told = Command::new(programs().join("psql")).args(["-XAtqc", statement, url]).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

/// Runs a scenario on SQLite.
pub async fn on_sqlite<F: Future<Output = ()>>(scenario: impl FnOnce(Database) -> F) {
    scenario(Database::Sqlite).await;
}

/// Runs a scenario on a PostgreSQL database of its own. It has this program's tables, unless an
/// earlier release is to make its own.
pub async fn on_postgres<F: Future<Output = ()>>(scenario: impl FnOnce(Database) -> F) {
    let database =
        if Build::has_old() { TestDatabase::create().await } else { TestDatabase::create_migrated().await };
    scenario(Database::Postgres { url: database.url().to_owned() }).await;
    database.remove().await;
}

/// Makes the tests `name::sqlite` and `name::postgres` from each `async fn name(database:
/// Database)`.
#[macro_export]
macro_rules! both_engines {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::engine::on_sqlite(super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::engine::on_postgres(super::$name).await;
            }
        })+
    };
}
pub use both_engines;
