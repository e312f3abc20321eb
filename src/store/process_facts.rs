//! What a process tells the others of its own troubles.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What only a process itself knows, and operators should. The default: nothing troubles it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessFacts {
    /// Files in the spools of its machine: tokens and results that the database has not stored yet.
    pub spool_files: usize,
    /// Log lines dropped since its start; 0 if none was dropped lately.
    pub dropped_lines: u64,
    /// By how many whole seconds its clock differs from the database's.
    pub clock_off_seconds: u64,
    /// The last reload of its settings, if it failed.
    pub failed_reload: Option<ReloadFailure>,
}

/// A reload of the settings that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadFailure {
    /// When it was tried.
    pub at: DateTime<Utc>,
    /// Why it failed, without any value of the settings.
    pub reason: String,
    /// When the settings in force were read.
    pub settings_read_at: DateTime<Utc>,
}
