//! Verifies the chains: no row was changed, none is missing inside a chain, and the beginnings of
//! chains are missing only where retention deleted them.
//!
//! What it cannot find: that the newest rows of all were deleted, before another process began a
//! chain after them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::Action;
use super::chain::{self, NO_HASH};
use super::retention::pruned_before;
use crate::store::{AuditFilter, AuditLog, AuditRow, ChainPosition, StoreError};
use crate::vault::sealing::Hasher;

/// How many rows one statement reads.
const STEP: u32 = 1000;

/// The first row that is not as it was written, or before which something is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenRow {
    /// The row's number in the table.
    pub id: i64,
    /// Its chain.
    pub chain: Uuid,
    /// Its number in the chain.
    pub number: i64,
    /// When it happened, as it says.
    pub happened_at: DateTime<Utc>,
    /// What is wrong.
    pub wrong: &'static str,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many rows were read.
    pub rows: u64,
    /// How many chains they belong to.
    pub chains: u64,
    /// How many rows are broken.
    pub broken: u64,
    /// The oldest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<BrokenRow>,
}

const CHANGED: &str = "the row was changed";
const GAP: &str = "rows before it are missing, or were replaced";
const JOINED: &str = "the row after which its chain began is missing, or was replaced";

/// What is wrong with a row.
enum Finding {
    Sound,
    Broken(&'static str),
    /// Rows before it are missing, as after a run of retention.
    Beginning(&'static str),
}

/// A row before which others are missing.
struct Beginning {
    row: AuditRow,
    /// The row that was read before it, in the same chain.
    before: Option<i64>,
    wrong: &'static str,
}

/// Reads the whole log.
///
/// # Errors
/// The store fails.
pub async fn verify(log: &dyn AuditLog, hasher: &Hasher) -> Result<Verified, StoreError> {
    let mut found = Verified { rows: 0, chains: 0, broken: 0, first: None };
    // Judged at the end, because retention may run meanwhile.
    let mut beginnings = Vec::new();
    let newest = log.newest_audit().await?.map_or(0, |newest| newest.id);
    let mut pruned = None;
    let mut last: Option<AuditRow> = None;
    loop {
        let after = last.as_ref().map_or_else(ChainPosition::default, position);
        let rows = log.audit_chains(after, STEP).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let before = last.as_ref().filter(|last| last.chain == row.chain);
            found.rows += 1;
            found.chains += u64::from(before.is_none());
            match check_row(log, hasher, &row, before).await? {
                Finding::Sound => {}
                Finding::Broken(wrong) => found.add(&row, wrong),
                Finding::Beginning(wrong) => {
                    beginnings.push(Beginning { row: row.clone(), before: before.map(|row| row.id), wrong });
                }
            }
            pruned = pruned.max(pruned_by(&row, hasher));
            last = Some(row);
        }
    }
    let pruned = pruned.max(pruned_since(log, hasher, newest).await?);
    for Beginning { row, before, wrong } in beginnings {
        let by_retention = row.previous_at.zip(pruned).is_some_and(|(previous, pruned)| previous < pruned);
        // Retention deletes the oldest first.
        let before_stays = match before {
            Some(before) => log.audit_hash(before).await?.is_some(),
            None => false,
        };
        if !by_retention || before_stays {
            found.add(&row, wrong);
        }
    }
    Ok(found)
}

fn position(row: &AuditRow) -> ChainPosition {
    ChainPosition { chain: row.chain, number: row.number }
}

/// Checks one row against the row before it in its chain.
async fn check_row(
    log: &dyn AuditLog,
    hasher: &Hasher,
    row: &AuditRow,
    before: Option<&AuditRow>,
) -> Result<Finding, StoreError> {
    if chain::hash(row, hasher)[..] != row.hash {
        return Ok(Finding::Broken(CHANGED));
    }
    Ok(match (before, row.joined_id) {
        (Some(before), _) if row.number == before.number + 1 && row.previous_hash == before.hash => {
            Finding::Sound
        }
        // Retention may have deleted them since the row before was read.
        (Some(before), _) if row.number > before.number + 1 => Finding::Beginning(GAP),
        (Some(_), _) => Finding::Broken(GAP),
        (None, _) if row.number > 1 => Finding::Beginning(GAP),
        (None, None) if row.previous_hash == NO_HASH => Finding::Sound,
        (None, None) => Finding::Broken(JOINED),
        (None, Some(joined)) => match log.audit_hash(joined).await? {
            Some(hash) if hash == row.previous_hash => Finding::Sound,
            Some(_) => Finding::Broken(JOINED),
            None => Finding::Beginning(JOINED),
        },
    })
}

/// Returns the time before which retention was about to delete rows, by a row that is as it was
/// written.
fn pruned_by(row: &AuditRow, hasher: &Hasher) -> Option<DateTime<Utc>> {
    let tells = row.action == Action::AuditPrune.as_str() && chain::hash(row, hasher)[..] == row.hash;
    pruned_before(row.object.as_deref()).filter(|_| tells)
}

/// Returns the latest such time of the rows after this one: their chains may have been read before
/// they were written.
async fn pruned_since(
    log: &dyn AuditLog,
    hasher: &Hasher,
    newest: i64,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let (mut pruned, mut before) = (None, None);
    loop {
        let mut rows = log.audit_rows(&AuditFilter { before, limit: STEP, ..AuditFilter::default() }).await?;
        rows.retain(|row| row.id > newest);
        pruned = pruned.max(rows.iter().filter_map(|row| pruned_by(row, hasher)).max());
        let Some(last) = rows.last() else { return Ok(pruned) };
        before = Some(last.id);
    }
}

impl Verified {
    fn add(&mut self, row: &AuditRow, wrong: &'static str) {
        self.broken += 1;
        if self.first.as_ref().is_none_or(|first| row.id < first.id) {
            let AuditRow { id, chain, number, happened_at, .. } = *row;
            self.first = Some(BrokenRow { id, chain, number, happened_at, wrong });
        }
    }
}
