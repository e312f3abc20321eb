//! The rows as JSON lines, in a file or on standard output.

use std::io;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::config::{AuditLines, private};
use crate::meter;
use crate::store::AuditRow;

/// How long writing may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Lines(AuditLines);

impl Lines {
    pub(super) fn new(target: AuditLines) -> Self {
        Self(target)
    }

    /// Writes rows that are stored. A failure is counted and logged; the rows stay in the table.
    ///
    /// The file is opened for each batch, so that it can be moved away at any time.
    pub(super) async fn write(&self, rows: &[AuditRow]) {
        if self.0 == AuditLines::Off {
            return;
        }
        let text: String = rows.iter().map(|row| line(row) + "\n").collect();
        let write = async {
            match &self.0 {
                AuditLines::Off => Ok(()),
                AuditLines::Stdout => to_stdout(text).await,
                AuditLines::File(path) => append(path, text).await,
            }
        };
        // A reader that stops reading must not stop the table.
        let written = timeout(PATIENCE, write).await.unwrap_or_else(|late| Err(late.into()));
        if let Err(error) = written {
            meter::audit_failure();
            tracing::error!(%error, rows = rows.len(), "Lines of the audit log could not be written; the rows are in \
                the database");
        }
    }
}

async fn to_stdout(text: String) -> io::Result<()> {
    let mut stdout = tokio::io::stdout();
    stdout.write_all(text.as_bytes()).await?;
    stdout.flush().await
}

async fn append(path: &Path, text: String) -> io::Result<()> {
    let path = path.to_owned();
    let append = move || {
        let mut file = private::options().append(true).create(true).open(path)?;
        io::Write::write_all(&mut file, text.as_bytes())
    };
    tokio::task::spawn_blocking(append).await.unwrap_or_else(|error| Err(io::Error::other(error)))
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
