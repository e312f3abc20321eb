//! What every command gets: the shared options and the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::audited::{self, Audited};
use super::table::printable;
use super::{CliError, Format, Output};
use crate::app::{App, ReadSettings};
use crate::audit::{Audit, Outcome};
use crate::clock::Clock;
use crate::config::{AuditLines, Merchant, Settings};
use crate::ids::MerchantName;
use crate::lifecycle::dumps;

/// How long the end of a command waits for threads that still work. One that asks the system's
/// resolver for an address can hang for a minute.
const LAST_STEPS: Duration = Duration::from_secs(1);
/// How long the command waits for the database to take its row of the audit log, twice.
const LAST_ROW: Duration = Duration::from_secs(2);
/// How long the database may take to store the row that comes before what the command does.
const FIRST_ROW: Duration = Duration::from_secs(10);

/// Environment variables by name.
pub type Variables = BTreeMap<String, String>;

/// Reads the process's environment; `main` calls it once. Variables that are not Unicode are left
/// out.
#[must_use]
pub fn environment() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The options that every command shares, and the environment.
pub struct Context {
    config: Option<PathBuf>,
    environment: Variables,
    /// What the command leaves in the audit log.
    audited: Option<Audited>,
    /// The audit log, once a database is open.
    audit: OnceLock<Audit>,
    /// Whether the database has a row of the command.
    has_row: AtomicBool,
    /// Where results go.
    pub output: Output,
}

impl Context {
    /// A context with the settings file `config`; `None` means the default file.
    #[must_use]
    pub(super) fn new(
        config: Option<PathBuf>,
        format: Format,
        environment: Variables,
        audited: Option<Audited>,
    ) -> Self {
        let output = Output::stdout(format);
        Self { config, environment, audited, audit: OnceLock::new(), has_row: AtomicBool::new(false), output }
    }

    /// Loads the settings.
    ///
    /// # Errors
    /// The settings are invalid. The command exits with 2.
    pub fn settings(&self) -> Result<Settings, CliError> {
        let environment = self.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
        let settings = Settings::load(self.config.as_deref(), environment)?;
        if settings.vault.core_dumps {
            dumps::allow();
        }
        Ok(settings)
    }

    /// Returns what loads the settings as [`Context::settings`] does, with the environment of the
    /// start.
    #[must_use]
    pub fn read_settings(&self) -> ReadSettings {
        let (config, environment) = (self.config.clone(), self.environment.clone());
        Arc::new(move || {
            let environment = environment.iter().map(|(name, value)| (name.clone(), value.clone()));
            Settings::load(config.as_deref(), environment)
        })
    }

    /// Who runs this command, as the audit log names them.
    #[must_use]
    pub fn user(&self) -> String {
        audited::user(self.sudo_user())
    }

    /// The environment variables, which settings may name, such as `vault.keys.k1.env`.
    #[must_use]
    pub fn environment(&self) -> &Variables {
        &self.environment
    }

    /// Opens the database and the keys of the settings. If the command changes something, the audit
    /// log has a row of it from then on.
    ///
    /// # Errors
    /// The settings are invalid, the database or the keys cannot be used, or the audit log takes no
    /// row.
    pub async fn app(&self) -> Result<App, CliError> {
        let app = App::open(self.settings_of_command()?, &self.environment, Clock::system()).await?;
        self.opened(app).await
    }

    /// As [`Context::app`], for commands that only read: they make no SQLite file.
    ///
    /// # Errors
    /// As [`Context::app`], and if there is no file.
    pub async fn app_to_read(&self) -> Result<App, CliError> {
        let app = App::open_to_read(self.settings_of_command()?, &self.environment, Clock::system()).await?;
        self.opened(app).await
    }

    /// The settings, without lines of the audit log among the results of the command.
    fn settings_of_command(&self) -> Result<Settings, CliError> {
        let mut settings = self.settings()?;
        if settings.audit.lines == AuditLines::Stdout {
            settings.audit.lines = AuditLines::Off;
        }
        Ok(settings)
    }

    async fn opened(&self, app: App) -> Result<App, CliError> {
        // A command opens one database.
        let _ = self.audit.set(app.audit.clone());
        if self.audited.as_ref().is_some_and(|audited| !audited.only_reads()) {
            self.store_row(Outcome::Begun).await?;
        }
        Ok(app)
    }

    /// Stores the row of a command that reads tokens' states. To be called before any of it is
    /// printed.
    pub(super) async fn audit_read(&self) -> Result<(), CliError> {
        self.store_row(Outcome::Done).await
    }

    async fn store_row(&self, outcome: Outcome) -> Result<(), CliError> {
        if let (Some(audited), Some(audit)) = (&self.audited, self.audit.get()) {
            let stored = audit.record_now(audited.entry(self.sudo_user(), outcome), FIRST_ROW).await;
            stored.map_err(|error| CliError::failed("begin without a row in the audit log", error))?;
            self.has_row.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns how the command ended, for a row; `None` if it needs none: it has said so already,
    /// or the user did not confirm it before anything was opened.
    fn ended(&self, audited: &Audited, error: Option<&CliError>) -> Option<Outcome> {
        let has_row = self.has_row.load(Ordering::Relaxed);
        match error {
            None => (!(has_row && audited.only_reads())).then_some(Outcome::Done),
            Some(CliError::Aborted) => has_row.then_some(Outcome::Rejected),
            Some(CliError::Usage(_)) => Some(Outcome::Rejected),
            Some(_) => Some(Outcome::Failed),
        }
    }

    fn sudo_user(&self) -> Option<&String> {
        self.environment.get("SUDO_USER")
    }

    /// Leaves a row of the audit log for each object that the command has changed.
    pub(super) async fn audit_each<T: ToString>(&self, objects: &[T]) {
        if let (Some(audited), Some(audit)) = (&self.audited, self.audit.get()) {
            audited.record_each(audit, self.sudo_user(), objects).await;
        }
    }

    /// Runs a command's asynchronous part to its end.
    ///
    /// # Errors
    /// The future fails, or the system allows no threads.
    pub fn block_on<T>(&self, future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| CliError::failed("start the runtime", error))?;
        let done = runtime.block_on(async {
            let done = future.await;
            if let (Some(audited), Some(audit)) = (&self.audited, self.audit.get()) {
                if let Some(outcome) = self.ended(audited, done.as_ref().err()) {
                    audit.record(audited.entry(self.sudo_user(), outcome));
                }
                audit.close(LAST_ROW).await;
            }
            done
        });
        runtime.shutdown_timeout(LAST_STEPS);
        done
    }
}

/// Checks that the settings have this merchant, because a misspelt name must not look like a
/// merchant without data.
///
/// # Errors
/// They do not have it. The error lists the merchants that they have.
pub(super) fn check_merchant(app: &App, merchant: &MerchantName) -> Result<(), CliError> {
    merchant_of(app, merchant).map(drop).map_err(|wrong| CliError::Usage(format!("--merchant: {wrong}")))
}

/// Returns a merchant of the settings.
///
/// # Errors
/// They do not have it. The text lists the merchants that they have.
pub(super) fn merchant_of(app: &App, merchant: &MerchantName) -> Result<Arc<Merchant>, String> {
    app.settings.merchants.get(merchant).cloned().ok_or_else(|| {
        let known: Vec<&str> = app.settings.merchants.keys().map(MerchantName::as_str).collect();
        let (merchant, known) = (printable(merchant.as_str()), known.join(", "));
        format!("the settings have no {merchant}; they have: {known}")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_that_hangs_does_not_hold_up_the_end() {
        let (release, held) = channel::<()>();
        let (ended, told) = channel();
        thread::spawn(move || {
            let context = Context::new(None, Format::Json, Variables::new(), None);
            let hangs = async {
                // Addresses are resolved on such threads.
                tokio::task::spawn_blocking(move || held.recv());
                Ok(())
            };
            ended.send(context.block_on(hangs).is_ok())
        });
        assert_eq!(told.recv_timeout(Duration::from_mins(1)), Ok(true));
        release.send(()).unwrap();
    }
}
