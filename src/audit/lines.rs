//! The rows as JSON lines, in a file or on standard output.

use std::io::{self, Write as _};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::config::{AuditLines, private};
use crate::meter;
use crate::store::AuditRow;
use crate::vault::instance::Disk;

pub(super) struct Lines {
    target: AuditLines,
    disk: Disk,
    /// Held by a write until it ends, which may be long after its time-out.
    one: Arc<Semaphore>,
}

impl Lines {
    pub(super) fn new(target: AuditLines) -> Self {
        Self { target, disk: Disk::default(), one: Arc::new(Semaphore::new(1)) }
    }

    /// Writes rows that are stored. A failure is counted and logged; the rows stay in the table.
    /// Nothing waits for a reader that has stopped to read: one write at a time hangs with its
    /// thread, and rows that come meanwhile are not written.
    ///
    /// The file is opened for each batch, so that it can be moved away at any time.
    pub(super) async fn write(&self, rows: &[AuditRow]) {
        if self.target == AuditLines::Off {
            return;
        }
        let written = match Arc::clone(&self.one).try_acquire_owned() {
            Ok(permit) => {
                let text: String = rows.iter().map(|row| line(row) + "\n").collect();
                let target = self.target.clone();
                let write = move || {
                    let written = write(&target, &text);
                    drop(permit);
                    written
                };
                self.disk.run(write).await
            }
            Err(_) => Err(io::Error::other("an earlier write has not ended")),
        };
        if let Err(error) = written {
            meter::audit_failure();
            tracing::error!(%error, rows = rows.len(), "Lines of the audit log could not be written; the rows are in \
                the database");
        }
    }
}

fn write(target: &AuditLines, text: &str) -> io::Result<()> {
    match target {
        AuditLines::Off => Ok(()),
        AuditLines::Stdout => {
            let mut stdout = io::stdout();
            stdout.write_all(text.as_bytes())?;
            stdout.flush()
        }
        AuditLines::File(path) => {
            let mut file = private::options().append(true).create(true).open(path)?;
            private::keep_from_others(path);
            file.write_all(text.as_bytes())
        }
    }
}

/// A row as JSON has it.
#[derive(Serialize)]
struct Line<'a> {
    chain: uuid::Uuid,
    number: i64,
    #[serde(serialize_with = "with_micros")]
    happened_at: DateTime<Utc>,
    actor: &'a str,
    action: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a str>,
    previous_hash: String,
    hash: String,
}

fn with_micros<S: serde::Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// Returns a row as one JSON line.
pub(super) fn line(row: &AuditRow) -> String {
    let line = Line {
        chain: row.chain,
        number: row.number,
        happened_at: row.happened_at,
        actor: &row.actor,
        action: &row.action,
        outcome: &row.outcome,
        request_id: row.request_id.as_deref(),
        merchant: row.merchant.as_deref(),
        user: row.user_text(),
        object: row.object.as_deref(),
        previous_hash: row.previous_hash_text(),
        hash: row.hash_text(),
    };
    // It consists of texts and numbers, so it can be serialised.
    serde_json::to_string(&line).unwrap_or_default()
}
