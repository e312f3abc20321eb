//! Direct access to the service's database: to insert hundreds of thousands of rows, which would
//! take hours through the program's commands, and to see whether any order is unfinished.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection, raw_sql};

use crate::BenchError;
use crate::dir::BenchDir;

/// A connection to the service's database.
pub enum Database {
    /// The file in the measurement's folder.
    Sqlite(SqliteConnection),
    /// The measurement's database on the server.
    Postgres(PgConnection),
}

/// How many rows to insert.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// Orders of the last week.
    pub orders: u64,
    /// Users with a token.
    pub tokens: u64,
}

/// `{schema}` stands for the prefix of a table's name.
const UNFINISHED: &str = "
    SELECT (SELECT count(*) FROM (SELECT 1 FROM {schema}orders WHERE status = 'queued' LIMIT 1) q)
        + (SELECT count(*) FROM (SELECT 1 FROM {schema}orders WHERE status = 'running' LIMIT 1) r)";

impl Database {
    /// Connects to the database of `dir`, which the program has migrated.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn connect(dir: &BenchDir) -> Result<Self, BenchError> {
        if let Some(scratch) = &dir.scratch {
            return Ok(Self::Postgres(scratch.connect().await?));
        }
        let options = SqliteConnectOptions::new().filename(dir.sqlite_file()).disable_statement_logging();
        Ok(Self::Sqlite(options.connect().await?))
    }

    /// Fills the empty tables. `body` is the body of each order. On PostgreSQL the tables are
    /// vacuumed and analysed afterwards, as autovacuum would do.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn fill(&mut self, merchant: &str, body: &str, much: Fill) -> Result<(), BenchError> {
        let text = |template: &str| {
            let quoted = |text: &str| text.replace('\'', "''");
            let counts = template
                .replace("{orders}", &much.orders.to_string())
                .replace("{tokens}", &much.tokens.to_string());
            AssertSqlSafe(counts.replace("{merchant}", &quoted(merchant)).replace("{body}", &quoted(body)))
        };
        match self {
            Self::Sqlite(connection) => {
                raw_sql(text(include_str!("fill/sqlite.sql"))).execute(connection).await?;
            }
            Self::Postgres(connection) => {
                raw_sql(text(include_str!("fill/postgres.sql"))).execute(&mut *connection).await?;
                raw_sql("VACUUM (ANALYZE)").execute(connection).await?;
            }
        }
        Ok(())
    }

    /// Returns whether any order is queued or running.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn has_unfinished_orders(&mut self) -> Result<bool, BenchError> {
        let in_schema = |schema| AssertSqlSafe(UNFINISHED.replace("{schema}", schema));
        let orders: i64 = match self {
            Self::Sqlite(connection) => sqlx::query_scalar(in_schema("")).fetch_one(connection).await?,
            Self::Postgres(connection) => {
                sqlx::query_scalar(in_schema("klarna_worker.")).fetch_one(connection).await?
            }
        };
        Ok(orders > 0)
    }

    /// Closes the connection.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn close(self) -> Result<(), BenchError> {
        match self {
            Self::Sqlite(connection) => connection.close().await?,
            Self::Postgres(connection) => connection.close().await?,
        }
        Ok(())
    }
}
