//! A connection of the test: for rows that no storage trait shows, and for killing connections.

use std::path::Path;
use std::time::Duration;

use klarna_order_worker::store::OrderTx;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};

/// A connection to either engine. The same SQL serves both: PostgreSQL's search path names the
/// schema.
pub enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    pub async fn sqlite(path: &Path) -> Self {
        let file = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_mins(1));
        Self::Sqlite(file.connect().await.unwrap())
    }

    pub async fn postgres(url: &str) -> Self {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql("SET search_path = klarna_worker").execute(&mut connection).await.unwrap();
        Self::Postgres(connection)
    }

    /// Returns the connection for orders inside the test's own transaction.
    pub fn orders(&mut self) -> &mut dyn OrderTx {
        match self {
            Self::Sqlite(connection) => connection,
            Self::Postgres(connection) => connection,
        }
    }

    /// Runs statements.
    pub async fn execute(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Sqlite(connection) => drop(sql.execute(connection).await.unwrap()),
            Self::Postgres(connection) => drop(sql.execute(connection).await.unwrap()),
        }
    }

    /// Runs statements, which may fail.
    pub async fn try_execute(&mut self, sql: &str) -> sqlx::Result<()> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Sqlite(connection) => sql.execute(connection).await.map(drop),
            Self::Postgres(connection) => sql.execute(connection).await.map(drop),
        }
    }

    /// Returns the only column of `SELECT {query}`, as text.
    pub async fn column(&mut self, query: &str) -> Vec<Option<String>> {
        let sql = AssertSqlSafe(format!("WITH q (x) AS (SELECT {query}) SELECT CAST(x AS text) FROM q"));
        match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_all(connection).await.unwrap(),
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_all(connection).await.unwrap(),
        }
    }
}
