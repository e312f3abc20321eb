//! Reads the settings again while the service runs, and replaces what can change.
//!
//! The new settings are checked as a whole, and the database gets the merchants' endpoints, before
//! anything in the process changes. If any of that fails, everything stays as it was. What is
//! replaced then ([`LiveSettings`](crate::config::LiveSettings)) is read once by each request, job
//! and sweep, so that those that run go on with what they began with.

mod requests;
mod watch;

use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use self::requests::ReloadRequests;
pub use self::requests::{ReloadAnswer, ask_for_reload};
use self::watch::{Seen, Watch};
use super::App;
use super::process::log_foreign_tokens;
use crate::audit::{Action, Actor, Entry, Outcome};
use crate::breaker::CircuitBreakers;
use crate::config::{ChangedNames, Changes, ConfigError, FailedReload, Merchant, Settings, SettingsStatus};
use crate::delivery::Outbox;
use crate::lifecycle::ReloadSignals;
use crate::meter;
use crate::ops::metrics::begin_counting;
use crate::queue::Wake;
use crate::store::StoreError;
use crate::telemetry;

/// How long the database may take to get the merchants' endpoints.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the settings from where the process has them.
pub type ReadSettings = Arc<dyn Fn() -> Result<Settings, ConfigError> + Send + Sync>;

/// What asked for a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReloadCause {
    /// SIGHUP.
    Signal,
    /// The command `reload`, run by this user of the machine.
    Command(String),
    /// The settings file, or a file with a secret, changed.
    File,
}

/// Why the settings stay as they were.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The database did not take the merchants' endpoints.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The settings could not be read in time.
    #[error("the files of the settings could not be read")]
    Hung,
}

impl fmt::Display for ReloadCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal => f.write_str("SIGHUP"),
            Self::Command(user) => write!(f, "command:{user}"),
            Self::File => f.write_str("file"),
        }
    }
}

/// What a reload notifies, besides the parts that read the settings themselves.
pub(super) struct ReloadedParts {
    /// The circuit breakers of this process.
    pub(super) breakers: Vec<CircuitBreakers>,
    /// The queues, which may find work for new merchants.
    pub(super) wakes: [Wake; 2],
    /// Whether commands can ask for a reload in the instance folder of this process.
    pub(super) has_folder: bool,
}

/// Reloads the settings of a running service.
pub struct Reloader {
    app: App,
    read: ReadSettings,
    /// The settings in force.
    in_force: Settings,
    parts: ReloadedParts,
    /// What the last reload has read, if its end depends on nothing else.
    seen: Option<Seen>,
}

impl Reloader {
    pub(super) fn new(app: App, read: ReadSettings, parts: ReloadedParts) -> Self {
        let in_force = (*app.settings).clone();
        Self { app, read, in_force, parts, seen: None }
    }

    /// Reloads whenever `signals`, a command or a changed file asks for it, until the future is
    /// dropped.
    pub async fn run(mut self, signals: ReloadSignals) -> Infallible {
        let requests =
            self.parts.has_folder.then(|| ReloadRequests::new(&self.app.settings.vault.instance_dir));
        let known = Seen::Fingerprint(self.in_force.fingerprint());
        let watches = self.app.settings.server.reload_on_change;
        let mut watch = watches.then(|| Watch::new(self.read.clone(), known));
        loop {
            let asked = async {
                match &requests {
                    Some(requests) => requests.next().await,
                    None => pending().await,
                }
            };
            let changed = async {
                match &watch {
                    Some(watch) => watch.changed().await,
                    None => pending().await,
                }
            };
            let request = tokio::select! {
                () = signals.next() => None,
                path = asked => Some(path),
                read = changed => {
                    // The result is logged where it is found.
                    let _ = self.apply(&ReloadCause::File, read.map_err(ReloadError::from)).await;
                    self.note_tried(&mut watch);
                    continue;
                }
            };
            match (request, &requests) {
                (Some(path), Some(requests)) => {
                    if let Some(request) = requests.take(path).await {
                        let done = self.reload(&ReloadCause::Command(request.user.clone())).await;
                        requests.answer(&request, done).await;
                    }
                }
                _ => {
                    let _ = self.reload(&ReloadCause::Signal).await;
                }
            }
            self.note_tried(&mut watch);
        }
    }

    fn note_tried(&mut self, watch: &mut Option<Watch>) {
        let seen = self.seen.take();
        if let Some(watch) = watch {
            watch.tried(seen);
        }
    }

    /// Reads the settings again and replaces what can change. The result is logged, and left in the
    /// audit log.
    ///
    /// # Errors
    /// The settings are wrong, or the database does not answer. Everything stays as it was.
    pub async fn reload(&mut self, cause: &ReloadCause) -> Result<Changes, ReloadError> {
        let read = Arc::clone(&self.read);
        // A file may lie on a disk that hangs.
        let reading = timeout(STEP_TIMEOUT, tokio::task::spawn_blocking(move || read())).await;
        let read = match reading {
            Ok(Ok(read)) => read.map_err(ReloadError::from),
            _ => Err(ReloadError::Hung),
        };
        self.apply(cause, read).await
    }

    /// Replaces what can change by what was read.
    async fn apply(
        &mut self,
        cause: &ReloadCause,
        read: Result<Settings, ReloadError>,
    ) -> Result<Changes, ReloadError> {
        let done = self.replace(read).await;
        let now = self.app.clock.now();
        let (object, outcome) = match &done {
            Ok(changes) => {
                let status = SettingsStatus {
                    read_at: now,
                    reloaded_by: Some(cause.to_string()),
                    failed: None,
                    after_restart: changes.after_restart.clone(),
                };
                self.app.live.status.replace(status);
                meter::settings_read(now.timestamp());
                log_changes(cause, changes);
                (format!("by={cause} {}", changes.lines().join("; ")), Outcome::Done)
            }
            Err(error) => {
                let reason = error.to_string();
                let before = self.app.live.status.now();
                let failed = Some(FailedReload { at: now, reason: reason.clone() });
                self.app.live.status.replace(SettingsStatus { failed, ..(*before).clone() });
                meter::reload_failed();
                tracing::error!(%cause, reason,
                    "The settings could not be reloaded; everything stays as it was");
                (format!("by={cause}"), Outcome::Failed)
            }
        };
        let actor = match cause {
            ReloadCause::Command(user) => Actor::Command(user.clone()),
            ReloadCause::Signal | ReloadCause::File => Actor::Service,
        };
        self.app.audit.record(Entry::new(actor, Action::Reload).object(object.trim_end()).ended(outcome));
        if done.is_ok() {
            tokio::spawn(log_foreign_tokens(self.app.store.clone(), self.app.merchants()));
        }
        done
    }

    /// From the first change on, nothing fails and nothing is waited for.
    async fn replace(&mut self, read: Result<Settings, ReloadError>) -> Result<Changes, ReloadError> {
        self.seen = match &read {
            Ok(settings) => Some(Seen::Fingerprint(settings.fingerprint())),
            Err(ReloadError::Settings(error)) => Some(Seen::Wrong(error.to_string())),
            Err(_) => None,
        };
        let (next, mut changes) = self.in_force.reloaded(&read?)?;
        let ChangedNames { added, changed, .. } = &changes.merchants;
        let named = added.iter().chain(changed).filter_map(|name| next.merchants.get(name.as_str()));
        let described = |merchant: &Arc<Merchant>| {
            Some(format!("{} has {}", merchant.name, self.app.accepted_credentials.describe(merchant)?))
        };
        changes.two_credentials = named.filter_map(described).collect();
        let seen = self.seen.take();
        let published = Outbox::published(&next.merchants, next.queue.order_deadline);
        let publishing = self.app.store.publish(&published);
        timeout(STEP_TIMEOUT, publishing).await.unwrap_or(Err(StoreError::TimedOut(STEP_TIMEOUT)))?;
        self.seen = seen;
        self.app.live.replace(&next);
        begin_counting(&next.merchants);
        match telemetry::set_level(next.telemetry.log_level) {
            Ok(false) if changes.settings.iter().any(|key| key == "telemetry.log_level") => tracing::warn!(
                "The setting telemetry.log_level has no effect: KLARNA_WORKER_LOG, -v or -q decides what is logged"
            ),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "The level of the log stays as it was"),
        }
        self.in_force = next;
        // What was wrong may be mended.
        self.parts.breakers.iter().for_each(CircuitBreakers::try_now);
        self.parts.wakes.iter().for_each(Wake::notify);
        Ok(changes)
    }
}

fn log_changes(cause: &ReloadCause, changes: &Changes) {
    if changes.is_empty() {
        tracing::info!(%cause, "The settings were read again; nothing that is in force has changed");
    } else {
        let list = |names: &[String]| (!names.is_empty()).then(|| names.join(" "));
        let (merchants, keys) = (&changes.merchants, &changes.api_keys);
        tracing::info!(
            %cause,
            merchants_added = list(&merchants.added),
            merchants_changed = list(&merchants.changed),
            merchants_removed = list(&merchants.removed),
            api_keys_added = list(&keys.added),
            api_keys_changed = list(&keys.changed),
            api_keys_removed = list(&keys.removed),
            settings = list(&changes.settings),
            "The settings were reloaded"
        );
    }
    for setting in &changes.after_restart {
        tracing::warn!(setting, "A setting changed: it takes effect after a restart");
    }
}
