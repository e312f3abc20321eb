//! `[server]`

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::is_name;
use super::reader::Reader;
use super::strength::{is_hash_of_guess, weakness_of_key};

/// The HTTP servers of a process.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address and port; port 0 takes any free one.
    pub bind: SocketAddr,
    /// The address of health and metrics, without an API key, for any role; `None` if there is none.
    pub probes: Option<SocketAddr>,
    /// How long a stop waits for running work.
    pub shutdown_grace: Duration,
    /// The maximum number of concurrent requests, without those that wait for an order.
    pub max_requests: usize,
    /// The maximum number of concurrent requests that wait for an order (`?wait=`).
    pub max_waits: usize,
    /// The maximum number of connections.
    pub max_connections: usize,
    /// Whether `/docs` and `/openapi.json` are served.
    pub docs: bool,
    /// Empty only if `bind` is a loopback address: then everybody on this machine may do everything.
    pub api_keys: Vec<ApiKey>,
}

/// Who may call the API, and what for.
#[derive(Clone)]
pub struct ApiKey {
    /// A name for the caller; logs show it instead of the key.
    pub name: String,
    /// SHA-256 of the key; the key itself is not kept.
    pub sha256: [u8; 32],
    /// What it allows; never empty.
    pub scopes: BTreeSet<Scope>,
    /// The merchants that the key can access; `None` means all.
    pub merchants: Option<BTreeSet<String>>,
}

/// Leaves out the hash, because a guessed key could be checked against it.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, scopes, merchants, .. } = self;
        f.debug_struct("ApiKey")
            .field("name", name)
            .field("scopes", scopes)
            .field("merchants", merchants)
            .finish_non_exhaustive()
    }
}

/// What an API key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Submit orders and read their results.
    Orders,
    /// Register, read about and forget refresh tokens.
    Tokens,
    /// Read metrics, use the operators' pages, and retry or cancel many orders.
    Ops,
}

impl Server {
    pub(super) fn read(reader: &mut Reader, merchants: &BTreeSet<String>) -> Self {
        let bind = reader.get_or("server.bind", SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
        let probes = reader.get("server.probes");
        let shutdown_grace = reader.lasting("server.shutdown_grace", Duration::from_mins(1));
        let max_requests = reader.within("server.max_requests", 256_u32, &(1..=100_000)) as usize;
        let max_waits = reader.within("server.max_waits", 4096_u32, &(1..=1_000_000)) as usize;
        let max_connections = reader.within("server.max_connections", 8192_u32, &(16..=1_000_000)) as usize;
        if max_connections <= max_requests + max_waits {
            let instead = "write more than server.max_requests and server.max_waits together";
            reader.fault("server.max_connections", "fewer than the requests that may be open at a time", instead);
        }
        let docs = reader.get_or("server.docs", true);
        let numbers = reader.names("server.api_keys");
        if numbers.is_empty() && !bind.ip().to_canonical().is_loopback() {
            let instead = "add a [[server.api_keys]] section, or bind to 127.0.0.1";
            reader.fault("server.bind", "reachable from other machines, and there are no API keys", instead);
        }
        let mut api_keys: Vec<ApiKey> = Vec::new();
        for number in numbers {
            let section = format!("server.api_keys.{number}");
            let Some(key) = ApiKey::read(reader, &section, merchants) else {
                continue;
            };
            if api_keys.iter().any(|other| other.name == key.name || other.sha256 == key.sha256) {
                reader.fault(&section, "has the name or the key of another one", "give each its own");
            }
            api_keys.push(key);
        }
        Self { bind, probes, shutdown_grace, max_requests, max_waits, max_connections, docs, api_keys }
    }
}

impl ApiKey {
    /// Finds the key that the caller presented. It takes the same time whichever key matches.
    pub fn find<'a, K: Borrow<Self>>(keys: &'a [K], presented: &[u8]) -> Option<&'a K> {
        let digest = Sha256::digest(presented);
        let mut found = None;
        for key in keys {
            if digest.as_slice().ct_eq(&key.borrow().sha256).into() {
                found = Some(key);
            }
        }
        found
    }

    fn read(reader: &mut Reader, section: &str, merchants: &BTreeSet<String>) -> Option<Self> {
        let name: Option<String> = reader.require(&format!("{section}.name"), r#"who calls with it, such as "shop""#);
        if let Some(false) = name.as_deref().map(is_name) {
            reader.fault(&format!("{section}.name"), "not a name", super::NAME_EXPECTED);
        }
        let sha256 = sha256(reader, section);
        let scopes: Option<Vec<Scope>> =
            reader.require(&format!("{section}.scopes"), r#"what it allows: a list of "orders", "tokens" and "ops""#);
        let key = format!("{section}.merchants");
        let only: Option<Vec<String>> = reader.get(&key);
        if only.iter().flatten().any(|name| !merchants.contains(name)) {
            reader.fault(
                &key,
                "names a merchant that is not in these settings",
                "write names of [merchants.<name>] sections",
            );
        }
        if reader.is_faulty(&key) {
            return None;
        }
        Some(Self {
            name: name?,
            sha256: sha256?,
            scopes: scopes?.into_iter().collect(),
            merchants: only.map(BTreeSet::from_iter),
        })
    }
}

const STRONG_KEY: &str = "make one with `klarna-order-worker keys api generate`";

fn sha256(reader: &mut Reader, section: &str) -> Option<[u8; 32]> {
    const FORMS: [&str; 3] = ["key_sha256", "key_env", "key_file"];
    if !FORMS.iter().any(|form| reader.has(&format!("{section}.{form}"))) {
        reader.fault(section, "has no key", "write one of key_sha256, key_env and key_file");
    }
    let (form, value) = reader.one_of(section, &FORMS)?;
    let path = format!("{section}.{}", FORMS[form]);
    let key = match form {
        0 => {
            let hash = from_hex(value.expose_secret());
            if hash.is_none() {
                reader.fault(&path, "not a SHA-256", "write the 64 hexadecimal digits of the key's SHA-256");
            }
            if hash.as_ref().is_some_and(is_hash_of_guess) {
                reader.fault(&path, "the hash of a key that anybody would try", STRONG_KEY);
            }
            return hash;
        }
        1 => reader.secret_of_variable(&path, &value),
        _ => reader.secret_of_file(&path, &value),
    }?;
    if let Some(weak) = weakness_of_key(key.expose_secret()) {
        reader.fault(&path, format!("the key that it names is {weak}"), STRONG_KEY);
    }
    Some(Sha256::digest(key.expose_secret()).into())
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}
