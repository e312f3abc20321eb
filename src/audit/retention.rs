//! Deletes rows whose retention (`retention.audit`) is over.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::sleep;

use super::{Action, Actor, Audit, Entry};
use crate::clock::{Clock, delta};
use crate::store::{AuditLog, StoreError};

/// How many rows one statement deletes, and the pause between two.
const BATCH: u32 = 500;
const BREATH: Duration = Duration::from_millis(50);

/// How often rows past their retention are searched for.
const EVERY: Duration = Duration::from_hours(24);

/// Deletes old rows of the audit log. Each process with the role `worker` does so.
pub struct Pruning {
    /// Where the rows are.
    pub log: Arc<dyn AuditLog>,
    /// Gets a row about each deletion.
    pub audit: Audit,
    /// The time of the rows.
    pub clock: Clock,
    /// How long rows are kept.
    pub after: Duration,
}

impl Pruning {
    /// Runs until it is dropped.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.prune().await {
                tracing::warn!(%error, "Old rows of the audit log could not be deleted; the next try follows in a day");
            }
            sleep(EVERY).await;
        }
    }

    /// Deletes what is too old, and returns how many rows.
    ///
    /// A row says so before anything is deleted: by it, `audit verify` knows that the beginnings of
    /// chains are missing with good reason.
    ///
    /// # Errors
    /// The store fails. The next run continues.
    pub async fn prune(&self) -> Result<u64, StoreError> {
        let before = self.clock.now() - delta(self.after);
        if !self.log.has_audit_before(before).await? {
            return Ok(0);
        }
        let entry = Entry::new(Actor::Service, Action::AuditPrune);
        self.audit.record(entry.object(before.to_rfc3339_opts(SecondsFormat::Micros, true)));
        self.audit.flush().await;
        let mut pruned = 0;
        loop {
            let rows = self.log.prune_audit(before, BATCH).await?;
            pruned += rows;
            if rows < u64::from(BATCH) {
                tracing::info!(rows = pruned, "Old rows of the audit log were deleted");
                return Ok(pruned);
            }
            sleep(BREATH).await;
        }
    }
}

/// Returns the time in the object of a row about a deletion.
pub(super) fn pruned_before(object: Option<&str>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(object?).ok().map(|time| time.to_utc())
}
