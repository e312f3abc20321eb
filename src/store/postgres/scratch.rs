//! A database of its own for one measurement, made beside whatever the URL names and removed after it.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, query};
use url::Url;
use uuid::Uuid;

use crate::store::StoreError;
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::sql::postgres as sql;

/// The tables of [`Bound`]: an order and a token with nothing but what every worker needs.
const BOUND_TABLES: &str = "
    CREATE TABLE orders (
        id bigint PRIMARY KEY, user_id bigint NOT NULL, status text NOT NULL, due_at timestamptz NOT NULL,
        body text NOT NULL, result text);
    CREATE INDEX orders_due ON orders (due_at, id) WHERE status = 'queued';
    CREATE TABLE tokens (user_id bigint PRIMARY KEY, generation bigint NOT NULL, sealed bytea NOT NULL)";
const BOUND_ORDERS: &str = "
    INSERT INTO orders (id, user_id, status, due_at, body)
    SELECT n, n, 'queued', now(), repeat('x', 1500) FROM generate_series(1, $1::bigint) n";
const BOUND_TOKENS: &str = "
    INSERT INTO tokens (user_id, generation, sealed)
    SELECT n, 1, decode(repeat('ab', 300), 'hex') FROM generate_series(1, $1::bigint) n";
/// In `pgbench`'s language, where a statement that ends with `\gset` leaves its columns in variables.
const BOUND_SCRIPT: &str = r"UPDATE orders SET status = 'running' WHERE id = (
    SELECT id FROM orders WHERE status = 'queued' ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id, user_id, body \gset
BEGIN;
SELECT sealed FROM tokens WHERE user_id = :user_id FOR UPDATE;
UPDATE tokens SET generation = generation + 1, sealed = decode(repeat('cd', 300), 'hex') WHERE user_id = :user_id;
COMMIT;
UPDATE orders SET status = 'submitted', result = repeat('y', 500) WHERE id = :id;
";

/// A database that holds nothing but what one measurement puts into it.
pub struct Scratch {
    admin: PgConnectOptions,
    url: Url,
    name: String,
}

/// The least SQL that an order costs a worker which takes one at a time: claim it; lock, read and store the user's token;
/// write the result. Three commits.
pub struct Bound {
    /// The script, for `pgbench --file`.
    pub script: &'static str,
}

/// What a server has done since it was made.
#[derive(Clone, Copy, Debug)]
pub struct Counters {
    /// Bytes of write-ahead log.
    pub wal_bytes: i64,
    /// Transactions that wrote something, and so had to be made durable.
    pub transactions: i64,
}

impl Scratch {
    /// Makes a new database on the server that `url` names; the database named there is only connected to.
    ///
    /// # Errors
    /// Where the server does not answer, or its user may not make databases.
    pub async fn make(url: &SecretString) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Location("the URL cannot be read: write postgres://user@host/database".into());
        let text = url.expose_secret();
        let admin = PgConnectOptions::from_str(text).map_err(|_| unreadable())?;
        let mut url: Url = text.parse().map_err(|_| unreadable())?;
        let name = format!("klarna_worker_bench_{}", Uuid::new_v4().simple());
        url.set_path(&name);
        let scratch = Self { admin, url, name };
        scratch.administer("CREATE DATABASE").await?;
        Ok(scratch)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> SecretString {
        self.url.as_str().into()
    }

    /// What its server has done so far.
    ///
    /// # Errors
    /// Where the server does not answer.
    pub async fn counters(&self) -> Result<Counters, StoreError> {
        let mut connection = self.connect().await?;
        let row = bounded(query(sql::COUNTERS).fetch_one(&mut connection)).await?;
        bounded(connection.close()).await?;
        Ok(Counters { wal_bytes: row.int("wal_bytes")?, transactions: row.int("transactions")? })
    }

    /// Fills it with so many orders for [`Bound`].
    ///
    /// # Errors
    /// Where the server refuses.
    pub async fn bound(&self, orders: u32) -> Result<Bound, StoreError> {
        let mut connection = self.connect().await?;
        bounded(connection.execute(BOUND_TABLES)).await?;
        for fill in [BOUND_ORDERS, BOUND_TOKENS] {
            bounded(query(fill).bind(i64::from(orders)).execute(&mut connection)).await?;
        }
        bounded(connection.execute("VACUUM ANALYZE")).await?;
        bounded(connection.close()).await?;
        Ok(Bound { script: BOUND_SCRIPT })
    }

    /// Removes it, with whoever is still connected.
    ///
    /// # Errors
    /// Where the server does not answer.
    pub async fn remove(&self) -> Result<(), StoreError> {
        self.administer("DROP DATABASE IF EXISTS").await
    }

    async fn connect(&self) -> Result<PgConnection, StoreError> {
        bounded(self.admin.clone().database(&self.name).connect()).await
    }

    /// The name is our own, of letters and digits; no such statement takes it as a parameter.
    async fn administer(&self, doing: &str) -> Result<(), StoreError> {
        let mut connection: PgConnection = bounded(self.admin.connect()).await?;
        let with = if doing.starts_with("DROP") { " WITH (FORCE)" } else { "" };
        let statement = AssertSqlSafe(format!("{doing} {}{with}", self.name));
        bounded(connection.execute(statement)).await?;
        bounded(connection.close()).await
    }
}
