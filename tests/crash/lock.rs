//! Blocks writes to a table while a value exists.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};
use test_support::engine::Database;
use test_support::shop::Shop;

/// A transaction that is never committed.
pub enum Lock {
    #[expect(dead_code, reason = "held, not used")]
    Sqlite(SqliteConnection),
    #[expect(dead_code, reason = "held, not used")]
    Postgres(PgConnection),
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
                let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
                Self::Sqlite(connection)
            }
            Database::Postgres { url } => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let lock = AssertSqlSafe(format!("BEGIN; SELECT id FROM klarna_worker.{table} FOR UPDATE"));
                sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
                Self::Postgres(connection)
            }
        }
    }
}
