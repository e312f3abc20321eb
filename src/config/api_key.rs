//! `[[server.api_keys]]`

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::is_name;
use super::reader::Reader;
use super::scope::{Scope, Scopes};
use super::strength::{is_hash_of_guess, weakness_of_key};

/// Who may call the API, and what for.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// A name for the caller; logs show it instead of the key.
    pub name: String,
    /// What the caller shows.
    pub credential: Credential,
    /// What it allows; never empty.
    pub scopes: BTreeSet<Scope>,
    /// The merchants that the key can access; `None` means all.
    pub merchants: Option<BTreeSet<String>>,
    /// The time from which on it is refused; `None` means never.
    pub expires_at: Option<DateTime<Utc>>,
    /// The networks that it can be used from; `None` means all.
    pub sources: Option<Vec<IpNet>>,
}

/// What a caller shows to be known as an API key.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The key, of which only the SHA-256 is kept.
    Key([u8; 32]),
    /// A TLS certificate of `server.client_ca` with this name.
    Certificate(String),
}

/// Why a key that exists is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// Its time is over.
    Expired,
    /// The caller's address is not in `sources`.
    Source,
}

/// Leaves out the credential, because a guessed key could be checked against its hash.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, credential: _, scopes, merchants, expires_at, sources } = self;
        f.debug_struct("ApiKey")
            .field("name", name)
            .field("scopes", scopes)
            .field("merchants", merchants)
            .field("expires_at", expires_at)
            .field("sources", sources)
            .finish_non_exhaustive()
    }
}

impl ApiKey {
    /// Finds the key that the caller presented. It takes the same time whichever key matches.
    pub fn find<'a, K: Borrow<Self>>(keys: &'a [K], presented: &[u8]) -> Option<&'a K> {
        let digest = Sha256::digest(presented);
        let mut found = None;
        for key in keys {
            if let Credential::Key(sha256) = &key.borrow().credential
                && digest.as_slice().ct_eq(sha256).into()
            {
                found = Some(key);
            }
        }
        found
    }

    /// Finds the key of a verified certificate with these names.
    pub fn find_by_certificate<'a, K: Borrow<Self>>(keys: &'a [K], names: &[String]) -> Option<&'a K> {
        keys.iter().find(|key| match &(*key).borrow().credential {
            Credential::Certificate(name) => names.contains(name),
            Credential::Key(_) => false,
        })
    }

    /// Checks that the key can be used at this time and from this address. `None` means that the
    /// address is unknown.
    ///
    /// # Errors
    /// Why the key cannot be used.
    pub fn admits(&self, now: DateTime<Utc>, peer: Option<IpAddr>) -> Result<(), KeyRefusal> {
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(KeyRefusal::Expired);
        }
        let Some(sources) = &self.sources else { return Ok(()) };
        let peer = peer.map(|peer| peer.to_canonical());
        let is_in = |network: &IpNet| peer.is_some_and(|peer| network.contains(&peer));
        if sources.iter().any(is_in) { Ok(()) } else { Err(KeyRefusal::Source) }
    }

    pub(super) fn read(reader: &mut Reader, section: &str, merchants: &BTreeSet<String>) -> Option<Self> {
        let name: Option<String> =
            reader.require(&format!("{section}.name"), r#"who calls with it, such as "shop""#);
        if let Some(false) = name.as_deref().map(is_name) {
            reader.fault(&format!("{section}.name"), "not a name", super::NAME_EXPECTED);
        }
        let credential = credential(reader, section);
        let scopes: Option<Scopes> = reader
            .require(&format!("{section}.scopes"), r#"what it allows, such as ["orders", "tokens:read"]"#);
        let key = format!("{section}.merchants");
        let only: Option<Vec<String>> = reader.get(&key);
        if only.iter().flatten().any(|name| !merchants.contains(name)) {
            reader.fault(
                &key,
                "names a merchant that is not in these settings",
                "write names of [merchants.<name>] sections",
            );
        }
        let expires_at = reader.get(&format!("{section}.expires_at"));
        let sources = reader.get(&format!("{section}.sources"));
        if reader.is_faulty(&key) {
            return None;
        }
        let (name, credential, Scopes(scopes)) = (name?, credential?, scopes?);
        Some(Self { name, credential, scopes, merchants: only.map(BTreeSet::from_iter), expires_at, sources })
    }
}

pub(super) const STRONG_KEY: &str = "make one with `klarna-order-worker keys api generate`";

fn credential(reader: &mut Reader, section: &str) -> Option<Credential> {
    const FORMS: [&str; 4] = ["key_sha256", "key_env", "key_file", "certificate"];
    if !FORMS.iter().any(|form| reader.has(&format!("{section}.{form}"))) {
        reader.fault(section, "has no key", "write one of key_sha256, key_env, key_file and certificate");
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
            return hash.map(Credential::Key);
        }
        1 => reader.secret_of_variable(&path, &value),
        2 => reader.secret_of_file(&path, &value),
        _ => return Some(Credential::Certificate(value.expose_secret().to_owned())),
    }?;
    if let Some(weak) = weakness_of_key(key.expose_secret()) {
        reader.fault(&path, format!("the key that it names is {weak}"), STRONG_KEY);
    }
    Some(Credential::Key(Sha256::digest(key.expose_secret()).into()))
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
