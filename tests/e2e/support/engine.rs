//! A database for a test of the whole service, on either engine.

use std::future::Future;
use std::path::Path;

use crate::postgres::TestDatabase;

/// Where the service's rows lie.
pub enum Database {
    Sqlite,
    Postgres(TestDatabase),
}

impl Database {
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite => "sqlite://data/worker.db".to_owned(),
            Self::Postgres(database) => database.url().to_owned(),
        }
    }

    /// Everything that can be read out of it, as bytes: its files, and its dump.
    pub fn bytes(&self, folder: &Path) -> Vec<u8> {
        match self {
            Self::Sqlite => super::leaks::files_in(&folder.join("data")),
            Self::Postgres(database) => database.dump(),
        }
    }
}

/// Runs a scenario on SQLite.
pub async fn on_sqlite<F: Future<Output = Database>>(scenario: impl FnOnce(Database) -> F) {
    scenario(Database::Sqlite).await;
}

/// Runs a scenario on a PostgreSQL database of its own.
pub async fn on_postgres<F: Future<Output = Database>>(scenario: impl FnOnce(Database) -> F) {
    let database = Database::Postgres(TestDatabase::create().await);
    if let Database::Postgres(database) = scenario(database).await {
        database.remove().await;
    }
}

/// Makes `name::sqlite` and `name::postgres` of each `async fn name(database: Database) -> Database`.
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
