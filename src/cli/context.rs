//! What every command is given.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::table::printable;
use super::{CliError, Format, Output};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Settings;

/// Environment variables by name.
pub type Variables = BTreeMap<String, String>;

/// The process's environment, to be read once, by `main`. Variables that are not Unicode are none of ours.
#[must_use]
pub fn environment() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The options that every command shares, and the environment.
#[derive(Debug)]
pub struct Context {
    config: Option<PathBuf>,
    environment: Variables,
    /// Where results go.
    pub output: Output,
}

impl Context {
    /// A context that reads its settings from `config`, or from the default file where `None`.
    #[must_use]
    pub fn new(config: Option<PathBuf>, format: Format, environment: Variables) -> Self {
        Self { config, environment, output: Output::stdout(format) }
    }

    /// The settings, for commands that need them.
    ///
    /// # Errors
    /// Where they do not hold; such an error exits with 2.
    pub fn settings(&self) -> Result<Settings, CliError> {
        let environment = self.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
        Ok(Settings::load(self.config.as_deref(), environment)?)
    }

    /// Variables that settings name, such as the encryption keys' `env`.
    #[must_use]
    pub fn environment(&self) -> &Variables {
        &self.environment
    }

    /// Opens what the settings describe, for commands that work with the rows.
    ///
    /// # Errors
    /// Where the settings do not hold, or database or keys cannot be used.
    pub async fn app(&self) -> Result<App, CliError> {
        Ok(App::open(self.settings()?, &self.environment, Clock::system()).await?)
    }

    /// Runs a command's asynchronous part to its end.
    ///
    /// # Errors
    /// Those of the future, and where the system grants no threads.
    pub fn block_on<T>(&self, future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.map_err(|error| CliError::failed("start the runtime", error))?.block_on(future)
    }
}

/// Checks that the settings have this merchant: a misspelt name must not pass for one with nothing to do.
///
/// # Errors
/// Where they do not, with those that they have.
pub(super) fn check_merchant(app: &App, merchant: &str) -> Result<(), CliError> {
    if app.settings.merchants.contains_key(merchant) {
        return Ok(());
    }
    let known: Vec<&str> = app.settings.merchants.keys().map(String::as_str).collect();
    let (merchant, known) = (printable(merchant), known.join(", "));
    Err(CliError::Usage(format!("--merchant: the settings have no {merchant}; they have: {known}")))
}
