//! Settings: their types, their defaults, and how the environment overrides the file.
//!
//! `layers` combines file and environment; `reader` returns one key after another with the needed
//! type; each section reads itself; `rules` has the checks between sections. All faults are
//! collected, so that a user sees all of them at once.
//!
//! The commented `config.toml` at the top of the repository documents all keys. Tests compare it
//! with the code.

mod addresses;
mod api_key;
mod audit;
mod choices;
mod credentials;
mod database;
mod endpoint_url;
mod error;
mod exposed;
mod keeper;
mod layers;
mod live;
mod longest_pauses;
mod merchant;
mod overrides;
mod presets;
mod reader;
mod reload;
mod retention;
mod rules;
mod scope;
mod secret;
mod server;
mod setting;
mod setting_digests;
mod strength;
mod telemetry;
#[cfg(test)]
mod tests;
mod unknown;
mod vault;
mod webhook;
mod work;
mod wrapped_key;

pub mod key_file;
pub mod private;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use addresses::{Address, AddressOf};
pub use api_key::{ApiKey, Credential, KeyRefusal};
pub use audit::{Audit, AuditLines};
use choices::WrappedBy;
pub use choices::{CheckoutProvider, ClientAuth, Environment, LostAnswer, OnUnusableToken, Region};
pub use credentials::{ApiCredentials, CredentialSet};
pub use database::{Database, Engine};
pub(crate) use database::{NO_HOST, postgres_url};
pub use endpoint_url::EndpointUrl;
pub use error::{ConfigError, Fault};
pub use exposed::ExposedFile;
pub use keeper::Keeper;
pub use live::{Live, LiveSettings};
pub use longest_pauses::LongestPauses;
pub use merchant::{Merchant, Merchants};
pub use overrides::GivenUrls;
pub use reload::{ChangedNames, Changes, FailedReload, SettingsStatus};
pub use retention::Retention;
pub use rules::HEARTBEAT;
pub use scope::Scope;
pub use server::{ApiKeys, Server};
pub(crate) use strength::{is_hash_of_trial, is_uniform};
pub use telemetry::{Collector, Telemetry};
pub use vault::{KeySource, Vault};
pub use webhook::Webhook;
pub use work::{Checkout, Queue};
pub use wrapped_key::{KeyProgram, WrappedKey};

use reader::Reader;
use setting_digests::SettingDigests;

use crate::bounded;
use crate::clock::Clock;

/// The shipped `config.toml`: every key, its default, and when to change it.
pub const REFERENCE: &str = include_str!("../../config.toml");

/// Where the settings are looked for when no file is named, relative to the working directory.
pub const DEFAULT_PATH: &str = "config.toml";

/// The most bytes of the file: tens of thousands of merchants.
const LARGEST: usize = 8 * 1024 * 1024;

const NAME_EXPECTED: &str = "write 1 to 64 of the characters a-z, 0-9, - and _";

/// All settings of a process, checked and complete.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The installation's name. It is written into the database at the first start, so that a copy
    /// of another database is refused.
    pub installation: String,
    /// The section `database`.
    pub database: Database,
    /// The section `server`.
    pub server: Server,
    /// The section `vault`.
    pub vault: Vault,
    /// The section `checkout`.
    pub checkout: Checkout,
    /// The section `queue`.
    pub queue: Queue,
    /// The section `keeper`.
    pub keeper: Keeper,
    /// The section `retention`.
    pub retention: Retention,
    /// The section `audit`.
    pub audit: Audit,
    /// The section `telemetry`.
    pub telemetry: Telemetry,
    /// The merchants by name; never empty.
    pub merchants: Merchants,
    /// The files with secrets, by the setting that names them, without those of `vault.keys`.
    pub secret_files: BTreeMap<String, PathBuf>,
    /// The settings file that was read.
    file: Option<PathBuf>,
    /// The keys of the secrets that the settings file has itself.
    secrets_within: BTreeSet<String>,
    /// What is given, without any value.
    digests: SettingDigests,
}

impl Settings {
    /// Reads the file at `path`; environment variables take precedence over it. Without a path it
    /// reads [`DEFAULT_PATH`], which may be absent.
    ///
    /// # Errors
    /// The named file cannot be read or is not valid TOML, or settings are invalid; then the error
    /// has all faults.
    pub fn load(
        path: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let file = path.unwrap_or(Path::new(DEFAULT_PATH));
        match bounded::read_text(file, LARGEST) {
            Ok(text) => {
                let settings = Self::parse(&file.display().to_string(), &text, env)?;
                Ok(Self { file: Some(file.to_owned()), ..settings })
            }
            Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => Self::parse(
                &format!("settings (no {DEFAULT_PATH} in this folder, the environment alone)"),
                "",
                env,
            ),
            Err(source) => Err(ConfigError::Unreadable { path: file.to_owned(), source }),
        }
    }

    /// Reads the text of a settings file with environment variables on top; errors call the text
    /// `origin`.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn parse(
        origin: &str,
        text: &str,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let file = toml::from_str(text).map_err(|error| syntax_error(origin, text, &error))?;
        let mut reader = Reader::new(file, env.collect());
        let settings = read(&mut reader);
        match (settings, reader.into_faults()) {
            (Some(settings), faults) if faults.is_empty() => Ok(settings),
            (_, faults) => Err(ConfigError::Faults { origin: origin.to_owned(), faults }),
        }
    }
}

/// `None` only if a fault was recorded.
fn read(reader: &mut Reader) -> Option<Settings> {
    let installation: Option<String> = reader
        .require("installation", r#"a name for it, such as "shop-production": the database is tied to it"#);
    if let Some(false) = installation.as_deref().map(is_name) {
        reader.fault("installation", "not a name", NAME_EXPECTED);
    }
    let names = reader.names("merchants");
    if names.is_empty() {
        let instead = "write a [merchants.<name>] section with region, environment, client_id, \
            checkout_provider and api_key";
        reader.fault("merchants", "none given", instead);
    }
    let database = Database::read(reader);
    let server = Server::read(reader, &names);
    let vault = Vault::read(reader, database.as_ref().map(|database| &database.engine));
    let checkout = Checkout::read(reader);
    let queue = Queue::read(reader);
    let keeper = Keeper::read(reader);
    let retention = Retention::read(reader);
    let audit = Audit::read(reader);
    let telemetry = Telemetry::read(reader);
    let merchants = merchants(reader, names);
    rules::check_keys(reader, installation.as_deref(), &server);
    rules::check(reader, &server, &vault, &checkout, &queue);
    rules::check_effect(reader, &keeper, &vault, &queue, Clock::system().now());
    rules::check_keeper(reader, &keeper, &merchants);
    rules::check_retention(reader, &retention, &merchants);
    Some(Settings {
        installation: installation?,
        database: database?,
        server,
        vault,
        checkout,
        queue,
        keeper,
        retention,
        audit,
        telemetry,
        merchants,
        secret_files: std::mem::take(&mut reader.secret_files),
        file: None,
        secrets_within: std::mem::take(&mut reader.secrets_within),
        digests: reader.digests(),
    })
}

fn merchants(reader: &mut Reader, names: BTreeSet<String>) -> Merchants {
    names
        .into_iter()
        .filter_map(|name| Merchant::read(reader, &name).map(|merchant| (merchant.name.clone(), merchant)))
        .collect()
}

/// Leaves out the parser's excerpt of the file, which may contain a secret.
fn syntax_error(origin: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(start).filter(|&byte| byte == b'\n').count();
    ConfigError::Syntax { origin: origin.to_owned(), line, message: error.message().to_owned() }
}

fn is_name(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// A count that was bounded when it was read.
fn number(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
