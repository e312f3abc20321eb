//! Blocks writes to a table while a value exists.

use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};

use crate::engine::Database;
use crate::shop::Shop;

/// A transaction that is never committed.
pub struct Lock {
    _session: Session,
}

enum Session {
    Sqlite { _connection: SqliteConnection },
    Postgres { _connection: PgConnection },
}

impl Lock {
    /// Blocks writes to the tokens; on SQLite all writes.
    pub async fn take(shop: &Shop) -> Self {
        Self::take_table(shop, "tokens").await
    }

    /// Blocks writes to the orders; on SQLite all writes.
    pub async fn take_orders(shop: &Shop) -> Self {
        Self::take_table(shop, "orders").await
    }

    async fn take_table(shop: &Shop, table: &str) -> Self {
        match &shop.database {
            Database::Sqlite => {
                let path = shop.folder.path().join("data/worker.db");
                let file = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_mins(1));
                let mut connection = file.connect().await.unwrap();
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
                Self { _session: Session::Sqlite { _connection: connection } }
            }
            Database::Postgres { url } => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let lock = AssertSqlSafe(format!("BEGIN; SELECT id FROM klarna_worker.{table} FOR UPDATE"));
                sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
                Self { _session: Session::Postgres { _connection: connection } }
            }
        }
    }
}
