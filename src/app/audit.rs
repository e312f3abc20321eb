//! What a process itself leaves in the audit log, and the retention of the log.

use chrono::{DateTime, Utc};

use super::App;
use crate::audit::{Action, Actor, Entry, Pruning};

/// Returns the first row of a process with these roles. The names of all keys are in it, so that
/// two starts show which keys came and went.
pub(super) fn started(app: &App, roles: &str) -> Entry {
    let settings = &app.settings;
    let keys: Vec<&str> = settings.server.api_keys.iter().map(|key| key.name.as_str()).collect();
    let vault: Vec<&str> = settings.vault.keys.keys().map(String::as_str).collect();
    let (keys, vault) = (keys.join(","), vault.join(","));
    Entry::new(Actor::Service, Action::ServiceStart)
        .object(format!("roles={roles} vault.keys={vault} server.api_keys={keys}"))
}

/// Returns the row of a process that begins with `--new-machine` on a database that is silent since
/// then.
pub(super) fn new_machine(silent_since: DateTime<Utc>) -> Entry {
    Entry::new(Actor::Service, Action::NewMachine).object(format!("silent_since={silent_since}"))
}

/// Returns what deletes old rows of the audit log.
pub(super) fn pruning(app: &App) -> Pruning {
    Pruning {
        log: app.store.clone(),
        audit: app.audit.clone(),
        clock: app.clock.clone(),
        after: app.settings.retention.audit,
    }
}
