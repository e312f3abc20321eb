//! Checks a PostgreSQL server: it takes writes, is durable, and has enough connections.

#[cfg(test)]
mod tests;

use chrono::TimeDelta;

use super::Findings;
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::Server;

/// The maximum difference between clocks; with more, times in logs and results contradict each
/// other.
const APART: TimeDelta = TimeDelta::seconds(2);

/// Connections of a process beside `max_connections` and `vault.claim_sessions`: 8 for intents, one
/// each for results and heartbeats, and one to listen.
const OTHER_CONNECTIONS: i64 = 11;

/// Checks what a server reports about itself.
pub(super) fn check(server: &Server, settings: &Settings, clock: &Clock, findings: &mut Findings) {
    findings.ok("database", format!("PostgreSQL {} answers", server.version));
    if server.standby {
        findings.fail(
            "database.role",
            "the server is a standby: it takes no writes, so orders are refused and no token is exchanged",
            "point database.url to the primary, or promote this server (pg_promote())",
        );
    } else if server.read_only {
        findings.fail(
            "database.role",
            "the database takes no writes (default_transaction_read_only is on): orders are refused, and no token \
             is exchanged",
            "switch default_transaction_read_only off where it was switched on: for the server, the database or the \
             role (SELECT * FROM pg_db_role_setting)",
        );
    } else {
        findings.ok("database.role", "the server takes writes");
    }
    if !server.durable {
        findings.fail(
            "database.durability",
            "fsync or full_page_writes is off",
            "switch both on: a power failure would lose rotated tokens",
        );
    }
    if server.asynchronous_standbys > 0 {
        findings.warn(
            "database.standbys",
            format!("{} standby(s) replicate asynchronously", server.asynchronous_standbys),
            "make one synchronous (synchronous_standby_names): after a failover, spent tokens would look \
             unspent; after a failover, run `tokens after-restore`",
        );
    }
    pooler(server, settings, findings);
    let wanted = i64::from(settings.database.max_connections) + i64::from(settings.vault.claim_sessions);
    let wanted = wanted + OTHER_CONNECTIONS;
    if wanted > server.max_connections && server.pooler.is_none() {
        findings.warn(
            "database.connections",
            format!(
                "one process may open {wanted} connections, the server allows {}",
                server.max_connections
            ),
            "raise the server's max_connections, or lower database.max_connections or vault.claim_sessions",
        );
    }
    let ahead = server.now - clock.now();
    if ahead.abs() > APART {
        findings.warn(
            "clock",
            format!("the server's clock and this machine's are {} s apart", ahead.num_seconds().abs()),
            "synchronise both with the same time servers",
        );
    } else {
        findings.ok("clock", "the clocks of the server and of this machine agree");
    }
}

/// Checks that a transaction pooler such as `PgBouncer` has a session for each of the transactions
/// that hold claims while they wait for Klarna, and one more for the intents of these exchanges.
fn pooler(server: &Server, settings: &Settings, findings: &mut Findings) {
    let Some(transactions) = server.pooler else { return };
    let sessions = settings.vault.claim_sessions;
    if transactions <= sessions {
        findings.warn(
            "database.pooler",
            format!(
                "the transaction pooler ran {transactions} transactions at a time, and the exchanges of this process \
                 may keep {sessions} open while they wait for Klarna"
            ),
            "raise its pool (PgBouncer: default_pool_size) above vault.claim_sessions of all processes together, or \
             lower vault.claim_sessions",
        );
    } else {
        findings.ok("database.pooler", "the transaction pooler before the server suits the settings");
    }
}
