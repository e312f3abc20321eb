//! The storage trait of the audit log. Rows are only added, and the oldest deleted.

use std::fmt::Write as _;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use super::sql::narrowed;
use super::{StoreError, json};

/// The outcome of most rows.
const DONE: &str = "done";

/// One row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// The number that the database gives to the row; 0 before it is stored.
    pub id: i64,
    /// The chain that the row belongs to: one start of a process.
    pub chain: Uuid,
    /// The row's number in its chain, from 1.
    pub number: i64,
    /// When it happened, by the process's clock.
    pub happened_at: DateTime<Utc>,
    /// Who did it: `key:NAME`, `command:USER`, `local` or `service`.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// How it ended.
    pub outcome: String,
    /// The id of the request, if it came over HTTP.
    pub request_id: Option<String>,
    /// The merchant that it concerns.
    pub merchant: Option<String>,
    /// The user that it concerns, as a keyed hash.
    pub user_hash: Option<Vec<u8>>,
    /// What else it concerns: the id of an order or webhook, or a number of rows.
    pub object: Option<String>,
    /// In a chain's first row: the newest row of the table when the chain began.
    pub joined_id: Option<i64>,
    /// When the row before happened.
    pub previous_at: Option<DateTime<Utc>>,
    /// The hash of the row before; zeros if there was none.
    pub previous_hash: Vec<u8>,
    /// The hash of this row.
    pub hash: Vec<u8>,
}

impl AuditRow {
    /// Returns the keyed hash of the user as text.
    #[must_use]
    pub fn user_text(&self) -> Option<String> {
        self.user_hash.as_deref().map(hex)
    }

    /// Returns the hash of the row as text.
    #[must_use]
    pub fn hash_text(&self) -> String {
        hex(&self.hash)
    }

    /// Returns the hash of the row before as text.
    #[must_use]
    pub fn previous_hash_text(&self) -> String {
        hex(&self.previous_hash)
    }
}

/// The newest row, which a new chain refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestAuditRow {
    /// Its number in the table.
    pub id: i64,
    /// When it happened.
    pub happened_at: DateTime<Utc>,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// A place in the order of chains and of their rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainPosition {
    /// The chain.
    pub chain: Uuid,
    /// The row's number in it.
    pub number: i64,
}

/// Which rows to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only rows of this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Only by this actor.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only about this merchant.
    pub merchant: Option<String>,
    /// Only about the user with this keyed hash.
    pub user_hash: Option<Vec<u8>>,
    /// Only with this outcome.
    pub outcome: Option<String>,
    /// Only with this object.
    pub object: Option<String>,
    /// No rows of these actions; ignored if one action is asked for.
    pub without: Vec<&'static str>,
    /// Only rows before this one.
    pub before: Option<i64>,
    /// The most rows.
    pub limit: u32,
}

/// Storage for the audit log.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Adds rows of one chain, all or none. Rows that are there already stay as they are, so a call
    /// whose outcome is unknown can be repeated.
    async fn append_audit(&self, rows: &[AuditRow]) -> Result<(), StoreError>;

    /// Returns the newest row.
    async fn newest_audit(&self) -> Result<Option<NewestAuditRow>, StoreError>;

    /// Returns the hash of a row; `None` if there is no such row.
    async fn audit_hash(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Returns rows by a filter, newest first.
    async fn audit_rows(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError>;

    /// Returns the next `limit` rows after a position, chain by chain and in the order of each.
    async fn audit_chains(&self, after: ChainPosition, limit: u32) -> Result<Vec<AuditRow>, StoreError>;

    /// Returns whether there are rows from before this time.
    async fn has_audit_before(&self, time: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Deletes at most `limit` rows from before this time, the oldest first. Returns how many.
    async fn prune_audit(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}

#[async_trait]
impl<E: Engine> AuditLog for SqlStore<E> {
    async fn append_audit(&self, rows: &[AuditRow]) -> Result<(), StoreError> {
        let rows = json(&rows.iter().map(Written::from).collect::<Vec<_>>())?;
        self.write(async |c| c.query(E::STATEMENTS.audit.append).bind(&rows).execute().await.map(drop)).await
    }

    async fn newest_audit(&self) -> Result<Option<NewestAuditRow>, StoreError> {
        self.read(async |c| {
            let Some(row) = c.query(E::STATEMENTS.audit.newest).fetch_optional().await? else {
                return Ok(None);
            };
            Ok(Some(NewestAuditRow {
                id: row.int("id")?,
                happened_at: row.time("happened_at")?,
                hash: row.bytes("hash")?,
            }))
        })
        .await
    }

    async fn audit_hash(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(async |c| {
            let row = c.query(E::STATEMENTS.audit.row_hash).bind(id).fetch_optional().await?;
            Ok(row.map(|row| row.bytes("hash")).transpose()?)
        })
        .await
    }

    async fn audit_rows(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        let AuditFilter { since, actor, action, merchant, user_hash, outcome, object, before, limit, .. } =
            filter;
        let text = listed(E::STATEMENTS.audit.list, filter);
        self.read(async |c| {
            let list = c.composed(text.clone()).bind(*since).bind(actor).bind(action).bind(merchant);
            let list = list.bind(user_hash.as_ref()).bind(outcome).bind(object).bind(*before).bind(*limit);
            list.fetch_all().await?.iter().map(audit_row).collect()
        })
        .await
    }

    async fn audit_chains(&self, after: ChainPosition, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let ChainPosition { chain, number } = after;
        self.read(async |c| {
            let step = c.query(E::STATEMENTS.audit.in_chains).bind(chain).bind(number).bind(limit);
            step.fetch_all().await?.iter().map(audit_row).collect()
        })
        .await
    }

    async fn has_audit_before(&self, time: DateTime<Utc>) -> Result<bool, StoreError> {
        self.read(async |c| {
            Ok(c.query(E::STATEMENTS.audit.has_before).bind(time).fetch_one().await?.flag("found")?)
        })
        .await
    }

    async fn prune_audit(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.write(async |c| c.query(E::STATEMENTS.audit.prune).bind(before).bind(limit).execute().await)
            .await
    }
}

/// Returns the list with the conditions that have an index in plain words.
pub(super) fn listed(statement: &str, filter: &AuditFilter) -> String {
    let AuditFilter { action, user_hash, outcome, object, without, .. } = filter;
    let given = [user_hash.as_ref().map(|_| 5), outcome.as_ref().map(|_| 6), object.as_ref().map(|_| 7)];
    let mut text = narrowed(statement, given.into_iter().flatten());
    if action.is_none() && !without.is_empty() {
        let unwanted = format!("AND action NOT IN ('{}') ORDER BY", without.join("', '"));
        text = text.replace("ORDER BY", &unwanted);
    }
    let others = user_hash.is_some() || object.is_some();
    match outcome.as_deref() {
        // The words of the condition are those of the partial index.
        Some(outcome) if outcome != DONE && !others => {
            text.replace("outcome = $6", "outcome = $6 AND outcome <> 'done'")
        }
        _ => text,
    }
}

fn audit_row(row: &impl Columns) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        id: row.int("id")?,
        chain: row.uuid("chain")?,
        number: row.int("number")?,
        happened_at: row.time("happened_at")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        outcome: row.text("outcome")?,
        request_id: row.opt_text("request_id")?,
        merchant: row.opt_text("merchant")?,
        user_hash: row.opt_bytes("user_hash")?,
        object: row.opt_text("object")?,
        joined_id: row.opt_int("joined_id")?,
        previous_at: row.opt_time("previous_at")?,
        previous_hash: row.bytes("previous_hash")?,
        hash: row.bytes("hash")?,
    })
}

/// A row as the statement reads it: times in microseconds, bytes in hexadecimal.
#[derive(Serialize)]
struct Written<'a> {
    chain: Uuid,
    number: i64,
    happened_at: i64,
    actor: &'a str,
    action: &'a str,
    outcome: &'a str,
    request_id: Option<&'a str>,
    merchant: Option<&'a str>,
    user_hash: Option<String>,
    object: Option<&'a str>,
    joined_id: Option<i64>,
    previous_at: Option<i64>,
    previous_hash: String,
    hash: String,
}

impl<'a> From<&'a AuditRow> for Written<'a> {
    fn from(row: &'a AuditRow) -> Self {
        Self {
            chain: row.chain,
            number: row.number,
            happened_at: row.happened_at.timestamp_micros(),
            actor: &row.actor,
            action: &row.action,
            outcome: &row.outcome,
            request_id: row.request_id.as_deref(),
            merchant: row.merchant.as_deref(),
            user_hash: row.user_text(),
            object: row.object.as_deref(),
            joined_id: row.joined_id,
            previous_at: row.previous_at.map(|at| at.timestamp_micros()),
            previous_hash: row.previous_hash_text(),
            hash: row.hash_text(),
        }
    }
}

/// Returns bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
