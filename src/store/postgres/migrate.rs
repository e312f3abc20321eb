//! Migrations on a database in use. While a migration waits for a table's lock, everybody who needs
//! that table waits behind it. So each wait is bounded, and others can continue before the next
//! try.

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, query};
use tokio::time::{Instant, sleep};

use super::Postgres;
use super::pools::{Pools, applied_migrations};
use crate::store::columns::Columns;
use crate::store::engine::Engine;
use crate::store::pool::bounded;
use crate::store::sql::postgres as sql;
use crate::store::{StoreError, migrations};

/// How long to wait for locks, and how often to try.
struct LockTimeouts {
    /// The first wait for a table. Each later wait is longer by this time.
    first: Duration,
    /// The longest wait: shorter than the `lock_timeout` of the service's sessions, except that for
    /// results, which are tried again.
    longest: Duration,
    /// How often a migration is tried.
    tries: u32,
    /// How long a migration that does not block writers waits for older transactions. Nobody waits
    /// behind it.
    beside: Duration,
    /// How long to wait for another `migrate`.
    turn: Duration,
}

const PATIENCE: LockTimeouts = LockTimeouts {
    first: Duration::from_millis(200),
    longest: Duration::from_millis(800),
    tries: 150,
    beside: Duration::from_mins(10),
    turn: Duration::from_mins(10),
};

/// One in so many tries without a lock is logged.
const TELL_EVERY: u32 = 10;

/// The interval between two checks for another `migrate`, and how long one may take. It must be
/// short: building an index concurrently waits for every session with a snapshot, which includes
/// this one, and PostgreSQL looks for deadlocks after one second.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Runs the missing migrations and returns how many ran.
pub(super) async fn migrate(pools: &Pools) -> Result<usize, StoreError> {
    run(pools, &PATIENCE, Postgres::migrator()).await
}

async fn run(pools: &Pools, patience: &LockTimeouts, mut migrator: Migrator) -> Result<usize, StoreError> {
    // The lock is taken here instead, with a bounded wait.
    migrator.set_locking(false);
    let mut session = pools.session().await?;
    take_turn(&mut session, patience.turn).await?;
    let applied = applied_migrations(&mut session).await?;
    let mut ran = 0;
    for migration in migrations::pending(&migrator, &applied)? {
        apply(&mut session, patience, &migrator, migration).await?;
        ran += 1;
    }
    // The end of the session also frees the lock.
    bounded(session.close()).await?;
    Ok(ran)
}

/// Waits until no other `migrate` runs.
async fn take_turn(session: &mut PgConnection, turn: Duration) -> Result<(), StoreError> {
    wait_for_locks(session, POLL_INTERVAL).await?;
    let begun = Instant::now();
    let mut told = false;
    loop {
        match session.lock().await {
            Ok(()) => return Ok(()),
            Err(error) if !is_held(&error) => return Err(migrations::failed(error)),
            Err(_) if begun.elapsed() >= turn => return Err(StoreError::MigratedElsewhere(turn)),
            Err(_) => {}
        }
        if !told {
            tracing::warn!("Another `migrate` is running on this database; this one waits for it to end");
            told = true;
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Runs one migration, and tries again if it does not get its locks.
async fn apply(
    session: &mut PgConnection,
    patience: &LockTimeouts,
    migrator: &Migrator,
    migration: &Migration,
) -> Result<(), StoreError> {
    for tried in 1.. {
        let wait =
            if migration.no_tx { patience.beside } else { patience.longest.min(patience.first * tried) };
        wait_for_locks(session, wait).await?;
        let applied = async {
            if migration.no_tx {
                drop_invalid(session, migration).await?;
            }
            migrator.run_direct(Some(migration.version), session, false).await
        };
        let Err(error) = applied.await else { break };
        if !is_held(&error) {
            return Err(migrations::failed(error));
        }
        let (name, holders) = (migrations::name(migration), holders(session).await?);
        if tried >= patience.tries {
            return Err(StoreError::Locked { migration: name, tries: tried, holders });
        }
        if tried % TELL_EVERY == 1 {
            tracing::warn!(
                migration = name,
                waited_ms = wait.as_millis(),
                tries_left = patience.tries - tried,
                holders,
                "A migration got no lock in time; it is tried again"
            );
        }
        sleep(wait.min(patience.longest)).await;
    }
    Ok(())
}

/// Drops an index whose building was interrupted: it would count as existing, but would not be
/// used.
async fn drop_invalid(session: &mut PgConnection, migration: &Migration) -> Result<(), MigrateError> {
    for row in query(sql::INVALID_INDEXES).bind(migration.sql.as_str()).fetch_all(&mut *session).await? {
        let index: String = row.text("name")?;
        session.execute(AssertSqlSafe(format!("DROP INDEX CONCURRENTLY {index}"))).await?;
    }
    Ok(())
}

/// Returns the sessions that have held locks on our tables the longest, as text.
async fn holders(session: &mut PgConnection) -> Result<String, StoreError> {
    let rows = bounded(query(sql::LOCK_HOLDERS).fetch_all(session)).await?;
    let held: Vec<String> = rows.iter().map(|row| row.text("holder")).collect::<Result<_, _>>()?;
    Ok(if held.is_empty() { "none any more".to_owned() } else { held.join(", ") })
}

async fn wait_for_locks(session: &mut PgConnection, longest: Duration) -> Result<(), StoreError> {
    let millis = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
    bounded(query(sql::WAIT_FOR_LOCKS).bind(millis).execute(session)).await?;
    Ok(())
}

/// Returns whether it failed only because of others' locks: a time-out or a deadlock.
fn is_held(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(code.as_deref(), Some("55P03" | "40P01"))
}

#[cfg(test)]
mod tests;
