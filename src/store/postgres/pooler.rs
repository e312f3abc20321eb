//! Notices a transaction pooler, such as `PgBouncer`, between this program and the server. There,
//! each transaction may run in another session of the server, so the settings must leave nothing to
//! a session.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, raw_sql};
use tokio::time::timeout;

use crate::config::Database;
use crate::store::StoreError;
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::sql::postgres as sql;

/// How often each connection asks for its session. While others use the pooler, one question may
/// find two connections in different sessions by chance.
const QUESTIONS: usize = 3;
/// A pooler that gives a transaction no session for so long has none left.
const WAIT: Duration = Duration::from_secs(1);

/// Checks that the settings suit a pooler, if there is one. `connection` is one that `url` leads
/// to. Nothing is left in the pooler's sessions.
///
/// # Errors
/// [`StoreError::Pooler`] if they do not; also if the server does not answer.
pub(super) async fn check(
    database: &Database,
    connection: &mut PgConnection,
    url: &PgConnectOptions,
    listen: &PgConnectOptions,
) -> Result<(), StoreError> {
    let (unnamed, has_listen_url) = (database.goes_through_pooler(), database.listen_url.is_some());
    if !(unnamed && has_listen_url) && is_between(connection, url).await? {
        return Err(StoreError::Pooler(if unnamed {
            "database.url goes through a transaction pooler (PgBouncer?), where notifications and the lock of \
             `migrate` get lost: set database.listen_url to the server itself"
        } else {
            "database.url goes through a transaction pooler (PgBouncer?), where prepared statements and settings of a \
             session get lost: set database.statement_cache = 0"
        }));
    }
    if !has_listen_url {
        return Ok(());
    }
    let mut connection = match bounded(listen.connect()).await {
        // As in `is_between`.
        Err(StoreError::TooManyConnections(_)) => return Ok(()),
        connection => connection?,
    };
    let pooler = is_between(&mut connection, listen).await?;
    bounded(connection.close()).await?;
    if pooler {
        return Err(StoreError::Pooler(
            "database.listen_url goes through a transaction pooler (PgBouncer?), where notifications and the lock of \
             `migrate` get lost: name the server itself there",
        ));
    }
    Ok(())
}

/// Returns whether a transaction pooler lies before the server: two connections then share a
/// session of the server, or one has several. `first` is one of these connections.
pub(super) async fn is_between(
    first: &mut PgConnection,
    options: &PgConnectOptions,
) -> Result<bool, StoreError> {
    let mut second = match bounded(options.connect()).await {
        // A server that grants only a few connections is used all the same.
        Err(StoreError::TooManyConnections(_)) => return Ok(false),
        second => second?,
    };
    let (mut of_first, mut of_second) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..QUESTIONS {
        of_first.insert(session(first).await?);
        of_second.insert(session(&mut second).await?);
    }
    bounded(second.close()).await?;
    Ok(of_first.len() > 1 || of_second.len() > 1 || !of_first.is_disjoint(&of_second))
}

/// The server's process of the session that runs this statement. Without parameters it needs no
/// prepared statement.
async fn session(connection: &mut PgConnection) -> Result<i64, StoreError> {
    Ok(bounded(raw_sql(sql::BACKEND).fetch_one(connection)).await?.int("pid")?)
}

/// Returns how many transactions a pooler runs at the same time, but at most `most`. They are open
/// until all are.
pub(super) async fn transactions(options: &PgConnectOptions, most: u32) -> u32 {
    let (mut open, mut transactions) = (Vec::<PgConnection>::new(), 0);
    for _ in 0..most {
        let begun = timeout(WAIT, async {
            let mut connection = options.connect().await?;
            connection.execute("BEGIN").await?;
            Ok::<_, sqlx::Error>(connection)
        });
        // No answer, or an error: the pooler takes no more clients, or its server no more sessions.
        let Ok(Ok(connection)) = begun.await else { break };
        open.push(connection);
        transactions += 1;
    }
    // A pooler closes a session that is left in a transaction.
    for mut connection in open {
        let ended = timeout(WAIT, async {
            connection.execute("ROLLBACK").await?;
            connection.close().await
        });
        let _ = ended.await;
    }
    transactions
}
