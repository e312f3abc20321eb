//! `keys api`

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::builder::PossibleValuesParser;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use toml::Value;
use zeroize::Zeroizing;

use crate::cli::{CliError, Context, Exit};
use crate::config::Scope;

/// What whoever adds the first key should know.
const PAGES: &str = "As soon as the settings have a key, every request needs one, and the operators' pages need one \
    of the scope ops. Make that first: keys api generate --name operator --scopes ops";

/// The prefix of every key, by which secret scanners find a key that was committed by mistake.
const PREFIX: &str = "kow_";

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Make a new API key, and print it once, with the section for the settings
    ///
    /// The settings contain only its hash. To change a caller's key without downtime: add the new
    /// key beside the old one, reload, give the new key to the caller, then remove the old one.
    Generate(Args),
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Name of the caller; logs show it instead of the key
    #[arg(long, default_value = "shop")]
    name: String,
    /// What the key allows
    #[arg(long, value_delimiter = ',', default_value = "orders,tokens", value_name = "SCOPE,…",
        value_parser = PossibleValuesParser::new(Scope::NAMES))]
    scopes: Vec<String>,
    /// The merchants that the key can access [default: all]
    #[arg(long, value_delimiter = ',', value_name = "MERCHANT,…")]
    merchants: Vec<String>,
}

/// A new key. It is printed only once.
#[derive(Serialize)]
struct Generated {
    key: String,
    key_sha256: String,
    /// The section for the settings.
    settings: String,
    /// Whether the operators' pages can be opened with it.
    #[serde(skip)]
    opens_pages: bool,
}

impl Command {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self::Generate(Args { name, scopes, merchants }) = self;
        let key = generate();
        let digits =
            Sha256::digest(key.expose_secret()).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
        let key_sha256 = digits.concat();
        let opens_pages = scopes.iter().any(|scope| scope == "ops" || scope == "ops:read");
        let mut lines = vec![
            "[[server.api_keys]]".to_owned(),
            format!("name = {}", Value::from(name)),
            format!("key_sha256 = \"{key_sha256}\""),
            format!("scopes = {}", Value::from(scopes)),
        ];
        lines.extend((!merchants.is_empty()).then(|| format!("merchants = {}", Value::from(merchants))));
        let settings = lines.join("\n");
        let generated = Generated { key: key.expose_secret().to_owned(), key_sha256, settings, opens_pages };
        context.output.print(&generated, &generated)?;
        Ok(Exit::Done)
    }
}

/// Returns 32 bytes from the operating system's randomness. They cannot be guessed, so a fast hash
/// protects them.
fn generate() -> SecretString {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    rand::fill(&mut bytes[..]);
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes[..])).into()
}

impl fmt::Display for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, settings, opens_pages, .. } = self;
        write!(
            f,
            "{key}\n\nGive this key to the caller; it is shown only once. Add this to the \
            settings:\n\n{settings}"
        )?;
        if !opens_pages {
            write!(f, "\n\n{PAGES}")?;
        }
        Ok(())
    }
}
