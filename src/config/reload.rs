//! What a reload changes at once, and what waits for a restart.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::reader::Reader;
use super::{ConfigError, Settings, rules};

/// The single settings that a reload changes. It also changes everything of merchants and API keys.
const SINGLE: [&str; 4] =
    ["keeper.forget_after_idle", "keeper.rate_per_second", "keeper.stop_after_idle", "telemetry.log_level"];

const MERCHANTS: &str = "merchants.";
const API_KEYS: &str = "server.api_keys";

/// What a reload changes. Names and keys only, no values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The merchants.
    pub merchants: ChangedNames,
    /// Of those that are new or changed and have two API passwords or API keys, which is in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub two_credentials: Vec<String>,
    /// The API keys.
    pub api_keys: ChangedNames,
    /// Other settings that are in force at once.
    pub settings: Vec<String>,
    /// Settings that differ from those in force, and take effect after a restart.
    pub after_restart: Vec<String>,
}

/// Names that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedNames {
    /// New ones.
    pub added: Vec<String>,
    /// Those whose settings, or whose secrets in files, differ.
    pub changed: Vec<String>,
    /// Those that are gone.
    pub removed: Vec<String>,
}

/// The last reload of a process, and what it has in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsStatus {
    /// When the settings in force were read.
    pub read_at: DateTime<Utc>,
    /// What asked for the reload that read them. `None`: they were read at the start.
    pub reloaded_by: Option<String>,
    /// The reload after that, if it failed.
    pub failed: Option<FailedReload>,
    /// The settings that were read and take effect after a restart.
    pub after_restart: Vec<String>,
}

/// A reload that changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedReload {
    /// When it was tried.
    pub at: DateTime<Utc>,
    /// Why it failed, without any value of the settings.
    pub reason: String,
}

impl ChangedNames {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Compares names. `is_changed` tells of a name that both have.
    fn of<'a>(
        before: &BTreeSet<&'a str>,
        after: &BTreeSet<&'a str>,
        is_changed: impl Fn(&str) -> bool,
    ) -> Self {
        let owned = |name: &&str| (*name).to_owned();
        Self {
            added: after.difference(before).map(owned).collect(),
            changed: after.intersection(before).filter(|name| is_changed(name)).map(owned).collect(),
            removed: before.difference(after).map(owned).collect(),
        }
    }
}

impl Changes {
    /// Returns whether nothing is in force that was not before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.merchants.is_empty() && self.api_keys.is_empty() && self.settings.is_empty()
    }

    /// Returns the changes as lines for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (what, names) in [("merchants", &self.merchants), ("API keys", &self.api_keys)] {
            for (how, names) in
                [("added", &names.added), ("changed", &names.changed), ("removed", &names.removed)]
            {
                if !names.is_empty() {
                    lines.push(format!("{what} {how}: {}", names.join(", ")));
                }
            }
        }
        lines.extend(self.two_credentials.iter().cloned());
        lines.extend(self.settings.iter().map(|key| format!("{key} changed")));
        lines.extend(
            self.after_restart.iter().map(|key| format!("{key} changed: takes effect after a restart")),
        );
        lines
    }
}

impl Settings {
    /// Returns these settings with everything of `read` that can change while the process runs, and
    /// what that changes.
    ///
    /// # Errors
    /// Settings that can change contradict others that stay as they are until a restart.
    pub fn reloaded(&self, read: &Self) -> Result<(Self, Changes), ConfigError> {
        let mut next = self.clone();
        next.merchants = read.merchants.clone();
        next.server.api_keys.clone_from(&read.server.api_keys);
        next.keeper.rate_per_second = read.keeper.rate_per_second;
        next.keeper.stop_after_idle = read.keeper.stop_after_idle;
        next.keeper.forget_after_idle = read.keeper.forget_after_idle;
        next.telemetry.log_level = read.telemetry.log_level;
        next.secret_files.clone_from(&read.secret_files);
        next.file.clone_from(&read.file);
        next.secrets_within.clone_from(&read.secrets_within);
        next.digests.take(&read.digests, is_live);
        next.check_together(self, read)?;
        let changes = self.changes(read, &next);
        Ok((next, changes))
    }

    /// Returns what differs if any given value differs, or any secret in a file.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        self.digests.fingerprint()
    }

    /// Applies the rules that compare what has changed with what has not. `before` is in force.
    fn check_together(&self, before: &Self, read: &Self) -> Result<(), ConfigError> {
        let mut reader = Reader::new(Table::new(), BTreeMap::new());
        if read.installation != before.installation {
            let wrong = "not the one of the running service, so these may be the settings of another one";
            reader.fault("installation", wrong, "keep the name, or restart the service");
        }
        rules::check_keeper(&mut reader, &self.keeper, &self.merchants);
        rules::check_retention(&mut reader, &self.retention, &self.merchants);
        if self.server.api_keys.is_empty() && !before.server.api_keys.is_empty() {
            let wrong = "none left, so whoever reaches the service would need no key";
            reader.fault(API_KEYS, wrong, "keep one, or restart the service");
        }
        let faults = reader.into_faults();
        if faults.is_empty() {
            return Ok(());
        }
        let origin = "the new settings together with those that stay until a restart".to_owned();
        Err(ConfigError::Faults { origin, faults })
    }

    fn changes(&self, read: &Self, next: &Self) -> Changes {
        let differing = self.digests.differing(&read.digests);
        let (live, after_restart): (Vec<_>, Vec<_>) = differing.into_iter().partition(|key| is_live(key));
        let merchants = |settings: &'_ Self| -> BTreeSet<String> {
            settings.merchants.keys().map(ToString::to_string).collect()
        };
        let (before, after) = (merchants(self), merchants(next));
        let is_changed = |name: &str| {
            let section = format!("{MERCHANTS}{name}.");
            live.iter().any(|key| key.starts_with(&section))
        };
        let keys = |settings: &'_ Self| -> BTreeMap<String, _> {
            settings.server.api_keys.iter().map(|key| (key.name.clone(), key.clone())).collect()
        };
        let (keys_before, keys_after) = (keys(self), keys(next));
        Changes {
            merchants: ChangedNames::of(&texts(&before), &texts(&after), is_changed),
            api_keys: ChangedNames::of(
                &keys_before.keys().map(String::as_str).collect(),
                &keys_after.keys().map(String::as_str).collect(),
                |name| keys_before.get(name) != keys_after.get(name),
            ),
            two_credentials: Vec::new(),
            settings: live.iter().filter(|key| SINGLE.contains(&key.as_str())).cloned().collect(),
            after_restart,
        }
    }
}

fn texts(names: &BTreeSet<String>) -> BTreeSet<&str> {
    names.iter().map(String::as_str).collect()
}

/// Whether a reload changes a setting at once.
fn is_live(key: &str) -> bool {
    SINGLE.contains(&key) || key.starts_with(MERCHANTS) || key.starts_with(API_KEYS)
}
