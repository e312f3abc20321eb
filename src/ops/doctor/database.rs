//! Checks the database: reachable, of this installation, migrated, durable.

use std::path::Path;

use super::Findings;
use super::disk::{self, Kind};
use super::{replica, server};
use crate::clock::Clock;
use crate::config::{Engine, Settings};
use crate::ids::MerchantName;
use crate::ops::{Before, NewFolder, before, foreign_tokens};
use crate::pauses::Pause;
use crate::store::{
    self, ConfirmedHeartbeat, Connections, Inspection, Installation, Installations, PROGRAM_LEVEL, Pausing,
    ProviderTokens, Providers, Restore, Schema, StoreError, Workers,
};
use crate::vault::instance::{HeartbeatMark, Instance, refresh_folder};

/// What the later checks need to know about the database.
pub(super) enum Found {
    /// The database cannot be used.
    Unknown,
    /// There is none yet; the first start creates it.
    New,
    /// An existing database.
    Founded(Installation),
}

pub(super) async fn check(settings: &Settings, clock: &Clock, findings: &mut Findings) -> Found {
    if let Engine::Sqlite { path } = &settings.database.engine
        && !file(path, HeartbeatMark::read(&settings.vault.instance_dir).is_some(), findings)
    {
        return if path.exists() { Found::Unknown } else { Found::New };
    }
    protection(settings, findings);
    let store = match store::open(&settings.database, settings.vault.claim_sessions, clock).await {
        Ok(store) => store,
        Err(error @ StoreError::Pooler(_)) => {
            findings.fail_with("database.pooler", &error);
            return Found::Unknown;
        }
        Err(error) => {
            findings.fail(
                "database",
                error.to_string(),
                "check that the server runs and that database.url \
                points to it",
            );
            return Found::Unknown;
        }
    };
    let inspected = async {
        if !takes_writes(&*store, settings, clock, findings).await? {
            return Ok(Found::Unknown);
        }
        let is_migrated = migrated(&*store, settings, findings).await?;
        let Some(installation) = installed(&*store, settings, findings).await? else { return Ok(Found::New) };
        if is_migrated {
            foreign(&*store, settings, findings).await?;
            paused(&*store, findings).await?;
            history(&*store, &*store, settings, findings).await?;
        }
        Ok(Found::Founded(installation))
    };
    let found = match inspected.await {
        Ok(found) => found,
        Err(error @ StoreError::NeedsNewerProgram { .. }) => {
            findings.fail_with("level", &error);
            Found::Unknown
        }
        Err(error) => {
            findings.fail_with("database", &error);
            Found::Unknown
        }
    };
    if settings.database.read_url.is_some() {
        replica::check(&*store, settings, findings).await;
    }
    store.close().await;
    found
}

/// Reports connections that are not safe.
fn protection(settings: &Settings, findings: &mut Findings) {
    for (setting, transport) in store::transports(&settings.database).unwrap_or_default() {
        if let Some(weakness) = transport.weakness() {
            let advice = format!(
                "leave sslmode out of {setting}, or write sslmode=verify-full; sslrootcert names \
                the authority's certificate"
            );
            findings.warn("database.tls", format!("the connection is not safe: {weakness}"), advice);
        }
    }
}

/// Whether there is a SQLite file to open. Opening would create it.
fn file(path: &Path, was_used: bool, findings: &mut Findings) -> bool {
    let folder = path.parent().unwrap_or(Path::new("."));
    let safe = disk::writable("database.disk", folder, "database.url", findings);
    match disk::kind_of(folder) {
        Kind::Network(name) => findings.fail(
            "database.disk",
            format!("{} is on a network file system ({name})", path.display()),
            "move the file to a local disk, because SQLite's locks and syncs are not reliable there; or use \
             PostgreSQL",
        ),
        Kind::Memory => findings.warn(
            "database.disk",
            format!("{} is in memory", path.display()),
            "move the file to a disk: orders and refresh tokens would be lost at the next restart",
        ),
        Kind::Layer => findings.warn(
            "database.disk",
            format!("{} is in a container's writable layer", path.display()),
            "mount a volume there: the layer is deleted with the container",
        ),
        Kind::Disk if safe => {
            findings.ok("database.disk", format!("{} is on a local disk", folder.display()));
        }
        Kind::Disk => {}
    }
    if safe && !path.exists() && was_used {
        findings.fail(
            "database",
            format!("there is no database file {}, although this instance has used one", path.display()),
            "put the file back, or correct database.url",
        );
    } else if safe && !path.exists() {
        findings.ok("database", format!("none yet; the first start creates {}", path.display()));
    }
    safe && path.exists()
}

/// Reports what the engine says of itself. Returns whether it takes writes.
async fn takes_writes(
    connections: &dyn Connections,
    settings: &Settings,
    clock: &Clock,
    findings: &mut Findings,
) -> Result<bool, StoreError> {
    match connections.inspect().await? {
        Inspection::Sqlite { version, journal_mode } if journal_mode == "wal" => {
            findings.ok("database", format!("SQLite {version} answers"));
        }
        Inspection::Sqlite { version, journal_mode } => findings.fail(
            "database",
            format!("SQLite {version} uses the journal mode {journal_mode} instead of wal"),
            "move the file to a local disk: this file system does not support a write-ahead log",
        ),
        Inspection::Postgres(server) => {
            server::check(&server, settings, clock, findings);
            return Ok(!server.standby && !server.read_only);
        }
    }
    Ok(true)
}

/// Reports missing migrations. Returns whether there are none.
async fn migrated(
    schema: &dyn Schema,
    settings: &Settings,
    findings: &mut Findings,
) -> Result<bool, StoreError> {
    let missing = schema.missing_migrations().await?;
    findings.ok("level", format!("the database accepts this program (level {PROGRAM_LEVEL})"));
    match missing.len() {
        0 => findings.ok("migrations", "the schema is up to date"),
        _ if settings.database.engine == Engine::Postgres => {
            let found = format!("{} missing ({})", missing.len(), missing.join(", "));
            findings.fail("migrations", found, "run `klarna-order-worker migrate`");
        }
        count => findings.ok("migrations", format!("{count} missing; the next start runs them")),
    }
    Ok(missing.is_empty())
}

/// Reports which installation the database belongs to, and returns it.
async fn installed(
    installations: &dyn Installations,
    settings: &Settings,
    findings: &mut Findings,
) -> Result<Option<Installation>, StoreError> {
    let found = installations.installation().await?;
    match &found {
        None => findings.ok("installation", "the database has no name yet; the first start records it"),
        Some(Installation { name, .. }) if *name == settings.installation => {
            findings.ok("installation", format!("the database belongs to {name:?}"));
        }
        Some(Installation { name, .. }) => {
            let (stored, configured) = (name.clone(), settings.installation.clone());
            findings.fail_with("installation", &StoreError::OtherInstallation { stored, configured });
        }
    }
    Ok(found)
}

/// Reports tokens that are not presented, because another provider issued them.
async fn foreign(
    providers: &dyn Providers,
    settings: &Settings,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let found = foreign_tokens(providers, &settings.merchants).await?;
    if found.is_empty() {
        findings.ok("tokens", "no token belongs to another provider than the settings name");
    }
    for ProviderTokens { merchant, provider, tokens } in found {
        let known = settings.merchants.get(&merchant).and_then(|merchant| merchant.origin_of(provider));
        let origin = known.map(|origin| format!(" ({origin})")).unwrap_or_default();
        findings.fail(
            &format!("merchants.{merchant}.tokens"),
            format!(
                "{tokens} token(s) belong to the provider {provider}{origin}, and the settings name another: they \
                 are not used"
            ),
            format!(
                "if token_url or client_id is wrong, correct it. If the tokens are of the sandbox, of another \
                 environment or of another client, no other provider takes them: begin with a new database, or \
                 delete them with `users erase`. Only if the same provider has a new address, run `tokens adopt \
                 --merchant {merchant} --from {provider}`"
            ),
        );
    }
    Ok(())
}

/// Reports what operators have paused.
async fn paused(pausing: &dyn Pausing, findings: &mut Findings) -> Result<(), StoreError> {
    let pauses = pausing.pauses().await?;
    if pauses.is_empty() {
        findings.ok("pauses", "nothing is paused");
    }
    for Pause { merchant, kind, reason, paused_by, since, until, .. } in pauses {
        let whose = merchant.as_ref().map_or("all merchants", MerchantName::as_str);
        let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
        let option = merchant
            .as_ref()
            .map_or_else(|| "--all-merchants".to_owned(), |name| format!("--merchant {name}"));
        findings.warn(
            "pauses",
            format!(
                "the {} of {whose} are paused since {since}{until} by {paused_by}: {reason}",
                kind.named()
            ),
            format!("to end this, run `resume {} {option}`", kind.as_str()),
        );
    }
    Ok(())
}

/// Reports that the database was restored from a backup, or may have been, as a start would.
async fn history(
    store: &dyn Restore,
    workers: &dyn Workers,
    settings: &Settings,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let folder = &settings.vault.instance_dir;
    if let Some(heartbeat_mark) = HeartbeatMark::read(folder) {
        return remembered(store, settings, &heartbeat_mark, findings).await;
    }
    let beside = refresh_folder(folder);
    let mark_beside = HeartbeatMark::read(&beside);
    if let Some(heartbeat_mark) = &mark_beside {
        remembered(store, settings, heartbeat_mark, findings).await?;
    }
    let new = NewFolder {
        id: Instance::id_of(folder),
        beside: Instance::id_of(&beside),
        lost_after: settings.queue.worker_lost_after,
    };
    match before(store, workers, new).await? {
        Before::Silent(silent_since) => findings.fail(
            "database.history",
            format!(
                "this instance folder is new, and the last process on the database did not stop in order: it has \
                 been silent since {silent_since}; a start with the role worker or keeper is refused"
            ),
            "start with its instance folder; if a backup was restored, run `tokens after-restore`; if the old \
             machine is gone for good, start once with `serve --new-machine`",
        ),
        Before::Ended(ended_at) if mark_beside.is_none() => findings.warn(
            "database.history",
            format!("this instance folder is new, and the last process on the database stopped in order at {ended_at}"),
            "if its instance folder still exists, start with that one; if a backup was restored, run `tokens \
             after-restore`",
        ),
        Before::Ended(_) | Before::Nothing => {}
    }
    Ok(())
}

async fn remembered(
    store: &dyn Restore,
    settings: &Settings,
    heartbeat_mark: &HeartbeatMark,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let heartbeat = ConfirmedHeartbeat {
        heartbeat_at: heartbeat_mark.heartbeat_at,
        heartbeats: heartbeat_mark.heartbeats,
    };
    if !store.remembers(heartbeat_mark.worker, heartbeat, settings.retention.ledger).await? {
        findings.fail(
            "database.history",
            format!(
                "the database does not know the heartbeat that this instance sent at {}",
                heartbeat_mark.heartbeat_at
            ),
            "a backup was restored, or a failover lost the last writes: run `tokens after-restore`",
        );
    }
    Ok(())
}
