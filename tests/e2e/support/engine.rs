//! A database for a test of the whole service, on either engine.

use std::future::Future;
use std::path::Path;
use std::process::Command;

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

    /// Everything that can be read out of it, as bytes: its files, or its dump.
    pub fn bytes(&self, folder: &Path) -> Vec<u8> {
        match self {
            Self::Sqlite => super::leaks::files_in(&folder.join("data")),
            Self::Postgres { url } => {
                let dump = Command::new(programs().join("pg_dump")).arg("--inserts").arg(url).output().unwrap();
                assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
                dump.stdout
            }
        }
    }
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
