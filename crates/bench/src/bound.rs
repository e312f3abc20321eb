//! An upper bound for the drain on PostgreSQL: `pgbench` runs the SQL that every order needs, and
//! nothing else.

use std::path::PathBuf;
use std::process::Stdio;

use secrecy::ExposeSecret;
use serde::Serialize;
use sqlx::{Connection, Executor};
use tokio::process::Command;
use url::Url;

use crate::dir::Databases;
use crate::program::on_path;
use crate::scratch::ScratchDatabase;
use crate::{BenchError, Options};

/// Connections that `pgbench` opens.
const CLIENTS: u32 = 32;
/// Orders that each connection processes.
const EACH: u32 = 250;

/// Orders and tokens with only the columns that every worker needs.
const TABLES: &str = "
    CREATE TABLE orders (
        id bigint PRIMARY KEY, user_id bigint NOT NULL, status text NOT NULL, due_at timestamptz NOT NULL,
        body text NOT NULL, result text);
    CREATE INDEX orders_due ON orders (due_at, id) WHERE status = 'queued';
    CREATE TABLE tokens (user_id bigint PRIMARY KEY, generation bigint NOT NULL, sealed bytea NOT NULL)";
const ORDERS: &str = "
    INSERT INTO orders (id, user_id, status, due_at, body)
    SELECT n, n, 'queued', now(), repeat('x', 1500) FROM generate_series(1, $1::bigint) n";
const TOKENS: &str = "
    INSERT INTO tokens (user_id, generation, sealed)
    SELECT n, 1, decode(repeat('ab', 300), 'hex') FROM generate_series(1, $1::bigint) n";
/// One order in `pgbench`'s language, in three transactions. They claim the order; lock, read and
/// store the user's token; and write the result. A statement that ends with `\gset` stores its
/// columns in variables.
const SCRIPT: &str = r"UPDATE orders SET status = 'running' WHERE id = (
    SELECT id FROM orders WHERE status = 'queued' ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id, user_id, body \gset
BEGIN;
SELECT sealed FROM tokens WHERE user_id = :user_id FOR UPDATE;
UPDATE tokens SET generation = generation + 1, sealed = decode(repeat('cd', 300), 'hex') WHERE user_id = :user_id;
COMMIT;
UPDATE orders SET status = 'submitted', result = repeat('y', 500) WHERE id = :id;
";

/// The rate of `pgbench`, and the drain's rate compared with it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bound {
    /// Orders a second that `pgbench` reached before the drain.
    pub before: f64,
    /// Orders a second that `pgbench` reached after the drain.
    pub after: f64,
    /// The drain's rate divided by the mean of both.
    pub ratio: f64,
}

impl Bound {
    pub(super) fn new(before: f64, after: f64, drain: f64) -> Self {
        Self { before, after, ratio: drain / f64::midpoint(before, after) }
    }
}

/// Runs `pgbench` and returns its orders a second; `None` without `--bound`.
pub async fn measure(databases: &Databases, options: &Options) -> Result<Option<f64>, BenchError> {
    let (true, Some(url)) = (options.bound, &options.database) else { return Ok(None) };
    let program = pgbench().ok_or(BenchError::NoPgbench)?;
    let dir = databases.dir(Some(url)).await?;
    let Some(scratch) = &dir.scratch else { return Ok(None) };
    let script = dir.join("bound.sql");
    fill(scratch, CLIENTS * EACH).await?;
    std::fs::write(&script, SCRIPT).map_err(BenchError::io("write pgbench's script"))?;
    // The password is not an argument, because all users of the machine can see arguments.
    let url = scratch.url();
    let mut url: Url = url.expose_secret().parse().map_err(|_| BenchError::Url)?;
    let password = url.password().unwrap_or_default().to_owned();
    let _ = url.set_password(None);
    let output = Command::new(program)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={CLIENTS}"))
        .arg(format!("--transactions={EACH}"))
        .arg("--file")
        .arg(script)
        .arg(url.as_str())
        .env("PGPASSWORD", password)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(BenchError::io("run pgbench"))?;
    dir.remove().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let rate =
        said.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok());
    let wrong = || {
        let last = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        BenchError::Process { what: "pgbench".into(), said: last }
    };
    rate.filter(|_| output.status.success()).map(Some).ok_or_else(wrong)
}

/// Creates the tables, and `orders` orders and tokens, one of each for every user.
async fn fill(scratch: &ScratchDatabase, orders: u32) -> Result<(), BenchError> {
    let mut connection = scratch.connect().await?;
    connection.execute(TABLES).await?;
    for rows in [ORDERS, TOKENS] {
        sqlx::query(rows).bind(i64::from(orders)).execute(&mut connection).await?;
    }
    connection.execute("VACUUM ANALYZE").await?;
    Ok(connection.close().await?)
}

/// Looks for `pgbench` on PATH and in Debian's folders.
fn pgbench() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian = debian.map(|version| version.path().join("bin/pgbench"));
    on_path("pgbench").or_else(|| debian.find(|file| file.is_file()))
}
