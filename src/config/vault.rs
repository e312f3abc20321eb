//! `[vault]`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::reader::Reader;
use super::wrapped_key::{self, WrappedKey};
use super::{Engine, LostAnswer, NAME_EXPECTED, is_name};

const DEFAULT_KEY: &str = "k1";
const DEFAULT_KEY_FILE: &str = "data/k1.key";

/// How refresh tokens are stored and exchanged.
#[derive(Clone, Debug)]
pub struct Vault {
    /// The instance folder: lock file and spool of this process.
    pub instance_dir: PathBuf,
    /// The name of the key that new secrets are encrypted with; always one of `keys`.
    pub active_key: String,
    /// The keys by name. An old key stays listed for as long as anything is encrypted with it.
    pub keys: BTreeMap<String, KeySource>,
    /// The maximum number of exchanges in flight.
    pub max_in_flight: u32,
    /// The maximum number of connections for the claims of exchanges; only on PostgreSQL.
    pub claim_sessions: u32,
    /// The longest that one request to the token endpoint may take, connecting included.
    pub exchange_timeout: Duration,
    /// The maximum time from before the intent is written until the request is sent. A process that
    /// stalled for longer sends nothing.
    pub send_within: Duration,
    /// What to do about a token whose last presentation got no answer.
    pub lost_answer: LostAnswer,
    /// The wait before an unanswered presentation is repeated; shorter, and it may overtake its own
    /// first request.
    pub replay_after: Duration,
    /// How long the holder of an open intent must be silent to be considered dead.
    pub orphan_after: Duration,
    /// How long an order waits for its token, over all its claims; zero never waits.
    pub token_patience: Duration,
    /// The minimum remaining lifetime of an access token that is sent with an order.
    pub access_token_margin: Duration,
    /// Whether the system may write the process's memory to a core dump.
    pub core_dumps: bool,
}

/// Where an encryption key (32 bytes, base64) comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file that holds the key and nothing else.
    File(PathBuf),
    /// The name of an environment variable.
    Env(String),
    /// A file that holds the key encrypted. A program decrypts it at start.
    Wrapped(WrappedKey),
}

impl Vault {
    pub(super) fn read(reader: &mut Reader, engine: Option<&Engine>) -> Self {
        let keys = keys(reader, engine);
        let active_key = reader.get_or("vault.active_key", DEFAULT_KEY.to_owned());
        if !keys.is_empty() && !keys.contains_key(&active_key) {
            let instead = "write a name from vault.keys, or add that key";
            reader.fault("vault.active_key", "names a key that is not in vault.keys", instead);
        }
        Self {
            instance_dir: reader.get_or("vault.instance_dir", "data/instance".into()),
            active_key,
            keys,
            max_in_flight: reader.within("vault.max_in_flight", 128, &(1..=10_000)),
            claim_sessions: reader.within("vault.claim_sessions", 4, &(1..=100)),
            exchange_timeout: reader.lasting("vault.exchange_timeout", Duration::from_secs(10)),
            send_within: reader.lasting("vault.send_within", Duration::from_secs(2)),
            lost_answer: reader.get_or("vault.lost_answer", LostAnswer::Replay),
            replay_after: reader.lasting("vault.replay_after", Duration::from_secs(10)),
            orphan_after: reader.lasting("vault.orphan_after", Duration::from_mins(5)),
            token_patience: reader.get_or("vault.token_patience", Duration::from_secs(20)),
            access_token_margin: reader.lasting("vault.access_token_margin", Duration::from_mins(1)),
            core_dumps: reader.get_or("vault.core_dumps", false),
        }
    }
}

fn keys(reader: &mut Reader, engine: Option<&Engine>) -> BTreeMap<String, KeySource> {
    let names = reader.names("vault.keys");
    if names.is_empty() {
        if engine == Some(&Engine::Postgres) {
            let instead = "make one with `klarna-order-worker keys generate --out FILE` and name it in [vault.keys.k1] \
                           as file or env; every process needs the same key";
            reader.fault("vault.keys", "missing; on PostgreSQL no key is made automatically", instead);
        }
        return BTreeMap::from([(DEFAULT_KEY.to_owned(), KeySource::File(DEFAULT_KEY_FILE.into()))]);
    }
    names.into_iter().filter_map(|name| key(reader, &name).map(|source| (name, source))).collect()
}

fn key(reader: &mut Reader, name: &str) -> Option<KeySource> {
    let section = format!("vault.keys.{name}");
    if !is_name(name) {
        reader.fault(&section, "not a name", NAME_EXPECTED);
    }
    if wrapped_key::is_given(reader, &section) {
        return WrappedKey::read(reader, &section).map(KeySource::Wrapped);
    }
    if !["file", "env"].iter().any(|form| reader.has(&format!("{section}.{form}"))) {
        reader.fault(&section, "has no source", "write file = \"…\" or env = \"…\" in it");
    }
    let (form, value) = reader.one_of(&section, &["file", "env"])?;
    if form == 0 {
        return Some(KeySource::File(value.expose_secret().into()));
    }
    reader.secret_of_variable(&format!("{section}.env"), &value)?;
    Some(KeySource::Env(value.expose_secret().to_owned()))
}
