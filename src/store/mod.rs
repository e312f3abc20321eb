//! The rows, on SQLite or PostgreSQL.
//!
//! The other modules use the database only through storage traits, such as [`Orders`] and
//! [`Tokens`]. [`Store`] is all of them; [`DatabaseClock`] stands beside it. Each trait has a file
//! with its one implementation for both engines. Its types are there too, unless the trait `Engine`
//! names them. `Engine`, in `engine.rs`, has what differs between the engines: claims, writes that
//! share a commit, pools, notifications and migrations are in `postgres/` and `sqlite/`, the
//! statements in `sql/`.

mod audit;
mod batch;
mod claimed_order;
mod columns;
mod connections;
mod counting;
mod dashboard;
mod database_urls;
mod engine;
mod erasure;
mod error;
mod exchange_end;
mod exchanges;
mod export;
mod follow_ups;
mod inspect;
mod installation;
mod keeper;
mod keys;
mod known;
mod migrations;
mod new_order;
mod notifications;
mod order_admin;
mod order_end;
mod order_filter;
mod order_history;
mod order_insert;
mod order_search;
mod order_settle;
mod orders;
mod outages;
mod overview;
mod pausing;
mod pool;
mod postgres;
mod process_facts;
mod providers;
mod rates;
mod renaming;
mod replica;
mod replica_state;
mod resolving;
mod restore;
mod revocations;
mod schema;
mod sessions;
mod signals;
mod sql;
mod sqlite;
mod subject;
mod time;
mod token_claim;
mod token_view;
mod tokens;
mod transport;
mod upkeep;
mod user_changes;
mod webhook_end;
mod webhook_endpoints;
mod webhook_event;
mod webhooks;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;

pub use self::audit::{AuditFilter, AuditLog, AuditRow, ChainPosition, NewestAuditRow};
pub use self::claimed_order::{Claim, ClaimFailed, ClaimedOrder};
use self::columns::Columns;
pub use self::connections::Connections;
pub use self::dashboard::{
    CodeCount, DashboardQueries, LatencySample, OutcomeBucket, QueuedDeadlines, RefusedMerchant, WorkerView,
};
pub use self::database_urls::{client_keys, transports};
use self::engine::{Engine, SqlStore};
pub use self::erasure::Erased;
pub use self::error::StoreError;
pub use self::export::{ExportedOrder, ExportedWebhook, Exports, FailedAttempt};
pub use self::follow_ups::{ClaimedFollowUp, FOLLOW_UP_FOR, FailingFollowUp, FollowUp, FollowUps, Retried};
pub use self::inspect::{Inspection, Server};
pub use self::installation::{Installation, Installations};
pub use self::keeper::{
    DueCursor, DueDate, DueFilter, DuePage, DueToken, Keeper, LastSweep, PlanFilter, TokenCount, UndatedToken,
};
pub use self::keys::{Keys, Sealed, SealedCachedTokens, SealedToken};
pub use self::migrations::{OLDEST_PROGRAM, PROGRAM_LEVEL};
pub use self::new_order::{Inserted, InsertedOne, OrderRow, OrderTx};
pub use self::notifications::Notifications;
pub use self::order_admin::{ChangedOrders, OrderAdmin, OrderAdminOutcome, Unchanged};
pub use self::order_end::{LateResult, OrderEnd, SettledLate, StoredEnd};
pub use self::order_filter::{BEGINNING, Beginning, OrderFilter, OrderName};
pub use self::order_history::{Attempt, ChangeKind, OrderChange, OrderHistory};
pub use self::order_search::{FailedOrders, OrderCount};
pub use self::orders::Orders;
pub use self::outages::{Outage, Outages};
pub use self::overview::{
    Backlog, FollowUpBacklog, InstallationCounts, InstallationStats, Overview, StuckFollowUp, WebhookBacklog,
    WebhookCounts,
};
pub use self::pausing::{AskedProbe, NewPause, Pausing};
pub use self::pool::PoolUse;
use self::postgres::Postgres;
pub use self::process_facts::{ProcessFacts, ReloadFailure};
pub use self::providers::{Adopted, AdoptedToken, ProviderTokens, Providers, StoppedMerchant};
pub use self::rates::SharedRates;
pub use self::renaming::{Moved, Renamed, Renaming};
pub use self::replica::{Replica, noting_failures, up_to_date};
pub use self::replica_state::{ReplicaFacts, ReplicaState};
pub use self::resolving::{Doubtful, RejectedTokens, Resolving};
pub use self::restore::Restore;
pub use self::revocations::{ClaimedRevocation, REVOKE_FOR, RevocationClaim, Revocations};
pub use self::schema::Schema;
pub use self::sessions::{BodyChange, ChangeBegun, KlarnaSessions, OrderOfKlarna, UpdateClaim};
pub use self::signals::{Signal, Signals};
use self::sqlite::Sqlite;
pub use self::time::DatabaseClock;
pub use self::token_claim::{ClaimAttempt, TokenClaim};
pub use self::tokens::{TokenFilter, Tokens};
pub use self::transport::Transport;
pub use self::upkeep::{ExpiredKind, ScanCursor, ScanStep, ScannedTable, Upkeep};
pub use self::webhook_end::{Delivery, WebhookSettled};
pub use self::webhook_endpoints::{Answer, Endpoint, KEPT_ANSWERS, WebhookAnswer, WebhookEndpoints};
pub use self::webhook_event::{DisabledWhy, EventKind, WebhookClaim, WebhookStatus};
pub use self::webhooks::{ClaimedWebhook, Published, ResentWebhooks, WebhookFilter, WebhookView, Webhooks};
pub use self::workers::{ConfirmedHeartbeat, Reclaimed, Worker, WorkerHeartbeats, Workers};
use crate::clock::Clock;
use crate::config::{self, Database};
use crate::ids::TokenId;

/// All storage traits.
pub trait Store:
    Orders
    + OrderAdmin
    + Tokens
    + Resolving
    + Keeper
    + Workers
    + Webhooks
    + WebhookEndpoints
    + Keys
    + Providers
    + InstallationStats
    + DashboardQueries
    + Upkeep
    + Exports
    + Renaming
    + Restore
    + Revocations
    + Pausing
    + Outages
    + SharedRates
    + KlarnaSessions
    + FollowUps
    + AuditLog
    + Schema
    + Installations
    + Connections
    + Notifications
    + Replica
{
    /// Returns the same store for reads that may be a little old: pages and lists. If there is a
    /// read replica, single reads are answered by it, but not within [`up_to_date`]. Whatever is
    /// written, or decided in a transaction, uses the primary all the same.
    fn for_lists(&self) -> Arc<dyn Store>;
}

impl<E: Engine> Store for SqlStore<E> {
    fn for_lists(&self) -> Arc<dyn Store> {
        Arc::new(self.lagging())
    }
}

/// Opens the store that `database.url` names. Nothing is migrated. On SQLite, a missing file is
/// created with its folder. On PostgreSQL, the server must answer, and `claim_sessions` is the most
/// connections for the claims of tokens.
///
/// # Errors
/// [`StoreError::Location`] if the URL cannot be used, [`StoreError::Unavailable`] if the server
/// does not answer, [`StoreError::Pooler`] if the settings do not suit the pooler before it.
pub async fn open(
    database: &Database,
    claim_sessions: u32,
    clock: &Clock,
) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match &database.engine {
        config::Engine::Sqlite { path } => {
            Arc::new(SqlStore::new(Sqlite::open(path, database.max_connections, clock.clone()).await?))
        }
        config::Engine::Postgres => {
            Arc::new(SqlStore::new(Postgres::open(database, claim_sessions, clock.clone()).await?))
        }
    })
}

/// Converts a duration to microseconds, the unit of durations in statements.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Converts microseconds from a statement. Negative values become zero.
fn from_micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

/// Checks that a statement changed exactly one row.
fn one_row(what: &'static str, actual: u64) -> Result<(), StoreError> {
    if actual == 1 { Ok(()) } else { Err(StoreError::RowsAffected { what, expected: 1, actual }) }
}

/// Converts a value to JSON for a row, without NUL characters, because PostgreSQL cannot read JSON
/// that contains one.
fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    let json = serde_json::to_string(value).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    Ok(if json.contains("\\u0000") { json.replace("\\u0000", "\\ufffd") } else { json })
}

fn from_json<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable(format!("column {column}")))
}

/// Returns the number of rows and the id of the last one; `None` if there are none.
fn last_id(rows: &[impl Columns]) -> Result<Option<(u64, TokenId)>, StoreError> {
    let ids = rows.iter().map(|row| row.token("id")).collect::<sqlx::Result<Vec<_>>>()?;
    Ok(ids.iter().max().map(|last| (ids.len() as u64, *last)))
}

fn expose(url: &secrecy::SecretString) -> &str {
    url.expose_secret()
}

#[cfg(test)]
mod tests;
