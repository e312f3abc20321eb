//! Settings: their types, their defaults, and how file and environment are laid over each other.

pub mod key_file;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// Everything that a process is told from outside, checked and complete.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names the installation; written into the database at its first start, so that a cloned database is refused.
    pub installation: String,
    pub database: Database,
    pub server: Server,
    pub vault: Vault,
    pub checkout: Checkout,
    pub queue: Queue,
    /// By merchant name.
    pub merchants: BTreeMap<String, Arc<Merchant>>,
}

/// Where the rows live.
#[derive(Clone, Debug)]
pub struct Database {
    pub engine: Engine,
    /// Secret, since it may hold a password.
    pub url: SecretString,
    /// A direct connection for `LISTEN`, where `url` leads through PgBouncer.
    pub listen_url: Option<SecretString>,
    /// Prepared statements kept by connection; 0 behind PgBouncer in transaction mode.
    pub statement_cache: usize,
    pub max_connections: u32,
}

/// The storage engine, as the scheme of `database.url` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite { path: PathBuf },
    Postgres,
}

/// The HTTP side.
#[derive(Clone, Debug)]
pub struct Server {
    pub bind: SocketAddr,
    /// How long a stop waits for work in the air.
    pub shutdown_grace: Duration,
    pub api_keys: Vec<ApiKey>,
}

/// Who may call the API, and what for.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Shown in logs in place of the key.
    pub name: String,
    /// SHA-256 of the key; the key itself is not kept.
    pub sha256: [u8; 32],
    pub scopes: BTreeSet<Scope>,
    /// The merchants it is good for; all where `None`.
    pub merchants: Option<BTreeSet<String>>,
}

/// What an API key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Orders,
    Tokens,
    Ops,
}

/// How refresh tokens are kept and spent.
#[derive(Clone, Debug)]
pub struct Vault {
    /// Lock file and spool of this process.
    pub instance_dir: PathBuf,
    /// The name of the key that new secrets are sealed with.
    pub active_key: String,
    pub keys: BTreeMap<String, KeySource>,
    /// Exchanges in the air at once, each with a database connection of its own on PostgreSQL.
    pub max_in_flight: u32,
    pub exchange_timeout: Duration,
    /// The longest from before the intent is written to the request's leaving.
    pub send_within: Duration,
    pub lost_answer: LostAnswer,
    pub replay_after: Duration,
    pub orphan_after: Duration,
    pub token_patience: Duration,
    pub access_token_margin: Duration,
}

/// Where an encryption key (32 bytes, base64) comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    File(PathBuf),
    /// The name of an environment variable.
    Env(String),
}

/// What to do about a token whose last presentation got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LostAnswer {
    /// Present it again after `replay_after`.
    Replay,
    /// Leave it `uncertain` until an operator decides.
    Hold,
}

/// How orders are submitted.
#[derive(Clone, Debug)]
pub struct Checkout {
    pub timeout: Duration,
}

/// How orders are worked off.
#[derive(Clone, Debug)]
pub struct Queue {
    pub concurrency: usize,
    pub order_deadline: Duration,
    pub worker_lost_after: Duration,
}

/// One merchant at Klarna.
#[derive(Clone, Debug)]
pub struct Merchant {
    pub name: String,
    pub region: Region,
    pub environment: Environment,
    pub client_id: String,
    /// For confidential clients.
    pub client_secret: Option<SecretString>,
    pub client_auth: ClientAuth,
    pub checkout_provider: CheckoutProvider,
    pub api_username: String,
    pub api_password: SecretString,
    pub refresh_token_lifetime: Duration,
    pub on_unusable_token: OnUnusableToken,
    pub prefill: bool,
    /// The token endpoint, whole.
    pub token_url: Url,
    /// The Checkout API's base; `/checkout/v3/orders` is added.
    pub checkout_url: Url,
    pub jwks_url: Url,
    /// The issuers that an id_token may name.
    pub issuers: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    Eu,
    Na,
    Oc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    Production,
    Playground,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckoutProvider {
    Klarna,
    Kustom,
}

/// How a confidential client proves itself at the token endpoint (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    ClientSecretPost,
    ClientSecretBasic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnusableToken {
    SubmitWithoutToken,
    Fail,
}
