//! The rows, on SQLite or PostgreSQL.
//!
//! Thirteen storage traits ([`Orders`], [`OrderAdmin`], [`Tokens`], [`Resolving`], [`Keeper`],
//! [`Workers`], [`Webhooks`], [`Keys`], [`Providers`], [`InstallationStats`], [`DashboardQueries`], [`Upkeep`] and
//! [`Restore`]), joined as [`Store`], are all that the rooms know of a database. Each has a file
//! with its types and its one implementation for both engines. What differs between the engines is
//! the trait `Engine` in `engine.rs`: claims, writes that share a commit, pools, news and
//! migrations lie in `postgres/` and `sqlite/`, and the statements in `sql/`.

mod batch;
mod columns;
mod dashboard;
mod engine;
mod erasure;
mod error;
mod exchange_end;
mod exchanges;
mod inspect;
mod installation;
mod keeper;
mod keys;
mod migrations;
mod order_admin;
mod order_end;
mod order_search;
mod orders;
mod overview;
mod pool;
mod postgres;
mod providers;
mod resolving;
mod restore;
mod sql;
mod sqlite;
mod token_view;
mod tokens;
mod transport;
mod upkeep;
mod webhook_end;
mod webhooks;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;

use self::columns::Columns;
pub use self::dashboard::{Attempt, DashboardQueries, LatencySample, OrderHistory, OutcomeBucket, WorkerView};

use self::engine::SqlStore;
pub use self::error::StoreError;
pub use self::exchanges::{ClaimAttempt, TokenClaim};
pub use self::inspect::{Inspection, Server};
pub use self::installation::Installation;
pub use self::keeper::{
    DueCursor, DueDate, DueFilter, DueToken, Keeper, LastSweep, PlanFilter, TokenCount, UndatedToken,
};
pub use self::keys::{Keys, Sealed, SealedCachedTokens, SealedToken};
pub use self::migrations::{OLDEST_PROGRAM, PROGRAM_LEVEL};
pub use self::order_admin::{ChangedOrders, OrderAdmin, OrderAdminOutcome};
pub use self::orders::{Claim, ClaimedOrder, Inserted, OrderFilter, OrderRow, OrderTx, Orders};
pub use self::overview::{
    Backlog, InstallationCounts, InstallationStats, Overview, PoolUse, WebhookBacklog, WebhookCounts,
};
use self::postgres::Postgres;
pub use self::providers::{ProviderTokens, Providers, StoppedMerchant};
pub use self::resolving::{Doubtful, RejectedTokens, Resolving};
pub use self::restore::Restore;
use self::sqlite::Sqlite;
pub use self::tokens::{TokenFilter, Tokens};
pub use self::transport::Transport;
pub use self::upkeep::{Erased, ExpiredKind, ScanCursor, ScanStep, ScannedTable, Upkeep};
pub use self::webhook_end::{Delivery, WebhookSettled};
pub use self::webhooks::{
    ClaimedWebhook, DisabledWhy, Endpoint, EventKind, Published, WebhookClaim, WebhookFilter, WebhookStatus,
    WebhookView, Webhooks,
};
pub use self::workers::{Reclaimed, Worker, Workers};
use crate::clock::Clock;
use crate::config::{self, Database};
use crate::ids::TokenId;
use crate::order::OrderId;

/// Everything that a store does.
#[async_trait]
pub trait Store:
    Orders
    + OrderAdmin
    + Tokens
    + Resolving
    + Keeper
    + Workers
    + Webhooks
    + Keys
    + Providers
    + InstallationStats
    + DashboardQueries
    + Upkeep
    + Restore
{
    /// Brings the schema up to this program, while others work with it; how many migrations ran.
    /// Waits for locks and for another `migrate` have an end.
    async fn migrate(&self) -> Result<usize, StoreError>;

    /// The migrations of this program that are missing. A database that needs a newer program is an
    /// error.
    async fn missing_migrations(&self) -> Result<Vec<String>, StoreError>;

    /// The newest migration of this program.
    fn schema(&self) -> i64;

    /// Whose database this is; `None` before its first start, migrated or not.
    async fn installation(&self) -> Result<Option<Installation>, StoreError>;

    /// Writes the installation down, unless one stands there already.
    async fn found_installation(&self, installation: &Installation) -> Result<(), StoreError>;

    /// What other processes tell: subscribed when this returns.
    async fn listen(&self) -> Result<Box<dyn Signals>, StoreError>;

    /// Whether the database answers, and lets this program in: [`StoreError::NeedsNewerProgram`]
    /// where it has come to need a newer one.
    async fn health(&self) -> Result<(), StoreError>;

    /// What the engine says of itself; the schema need not be there.
    async fn inspect(&self) -> Result<Inspection, StoreError>;

    /// Opens connections that a burst of orders would have to wait for. They lapse where nobody
    /// needs them, so a service asks for them again and again. A file opens at once, and has
    /// nothing to make ready.
    async fn keep_ready(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Closes every connection.
    async fn close(&self);
}

/// News from the database, or from this process where the engine tells nobody.
#[async_trait]
pub trait Signals: Send {
    /// The next one. After an error news may have been missed: look at the rows, and listen anew.
    async fn next(&mut self) -> Result<Signal, StoreError>;
}

/// One piece of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Orders were taken in.
    Due,
    /// An order was settled.
    Settled(OrderId),
    /// Another process wrote something, where the engine does not tell what: look at the rows.
    Changed,
}

/// Opens the store that `database.url` names. Nothing is migrated. On SQLite the file and its
/// folder are made where absent; a PostgreSQL server must answer.
///
/// # Errors
/// [`StoreError::Location`] where the URL cannot be used, [`StoreError::Unavailable`] where the
/// server does not answer.
pub async fn open(database: &Database, max_in_flight: u32, clock: &Clock) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match &database.engine {
        config::Engine::Sqlite { path } => {
            Arc::new(SqlStore { engine: Sqlite::open(path, database.max_connections, clock.clone()).await? })
        }
        config::Engine::Postgres => {
            Arc::new(SqlStore { engine: Postgres::open(database, max_in_flight, clock.clone()).await? })
        }
    })
}

/// A duration as both engines count it in statements.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A count of microseconds from a statement; negative ones are no time at all.
fn from_micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

/// Checks that a change of state touched exactly one row.
fn one_row(what: &'static str, actual: u64) -> Result<(), StoreError> {
    if actual == 1 { Ok(()) } else { Err(StoreError::RowsAffected { what, expected: 1, actual }) }
}

/// An error kept as JSON, a list kept as JSON: what the rows hold of them. PostgreSQL reads no JSON
/// with a NUL in it, not even its other members.
fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    let json = serde_json::to_string(value).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    Ok(if json.contains("\\u0000") { json.replace("\\u0000", "\\ufffd") } else { json })
}

fn from_json<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable(format!("column {column}")))
}

/// How many rows there are with an id, and the last of these; `None` where there are none.
fn last_id(rows: &[impl Columns]) -> Result<Option<(u64, TokenId)>, StoreError> {
    let ids = rows.iter().map(|row| row.token("id")).collect::<sqlx::Result<Vec<_>>>()?;
    Ok(ids.iter().max().map(|last| (ids.len() as u64, *last)))
}

fn expose(url: &secrecy::SecretString) -> &str {
    url.expose_secret()
}

#[cfg(test)]
mod tests;
