//! The issuers' signing keys, fetched when needed and cached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::IdTokenError;
use crate::clock::Clock;
use crate::config::Merchant;
use crate::klarna::http::BuildError;
use crate::klarna::jwks::JwksClient;

/// How long fetched keys are used without fetching them again.
const KEEP: TimeDelta = TimeDelta::hours(1);

/// The least time between two fetches of one key set, however many tokens name keys that it lacks.
const FETCH_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// The most keys of a set that are used: a token that names none is tried with each.
const MOST_KEYS: usize = 64;

/// A key that signs `id_token`s.
#[derive(Clone)]
pub(crate) struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    pub decoding: DecodingKey,
}

/// Key sets by URL.
pub(super) struct KeySets {
    client: JwksClient,
    clock: Clock,
    sets: Mutex<HashMap<Url, Arc<tokio::sync::Mutex<KeySet>>>>,
}

#[derive(Default)]
struct KeySet {
    keys: Vec<Key>,
    /// The time of the last successful fetch.
    fetched_at: Option<DateTime<Utc>>,
    /// The time of the last fetch, successful or not.
    tried_at: Option<DateTime<Utc>>,
}

impl KeySets {
    pub fn new(clock: Clock) -> Result<Self, BuildError> {
        Ok(Self { client: JwksClient::new()?, clock, sets: Mutex::default() })
    }

    /// Returns the keys that may have signed a token with this header. There are several only if
    /// the header names none.
    ///
    /// The set is locked during a fetch, so others that need it wait for that fetch. After a failed
    /// fetch, the keys known so far stay in use.
    pub async fn find(
        &self,
        merchant: &Merchant,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<Key>, IdTokenError> {
        let set = self.set(&merchant.jwks_url);
        let mut set = set.lock().await;
        let now = self.clock.now();
        let wanted = past(set.fetched_at, KEEP, now) || set.matching(id, algorithm).is_empty();
        if wanted && past(set.tried_at, FETCH_AGAIN, now) {
            set.tried_at = Some(now);
            match self.fetch(merchant).await {
                Ok(keys) => {
                    set.keys = keys;
                    set.fetched_at = Some(now);
                }
                Err(reason) => {
                    tracing::warn!(%reason, "The signing keys of id_tokens could not be fetched");
                }
            }
        }
        match set.matching(id, algorithm) {
            keys if !keys.is_empty() => Ok(keys),
            _ if set.fetched_at.is_none() => Err(IdTokenError::KeysUnavailable),
            _ => Err(IdTokenError::UnknownKey),
        }
    }

    fn set(&self, url: &Url) -> Arc<tokio::sync::Mutex<KeySet>> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sets.entry(url.clone()).or_default())
    }

    async fn fetch(&self, merchant: &Merchant) -> Result<Vec<Key>, String> {
        let body = self.client.fetch(&merchant.jwks_url, merchant.http_proxy.as_ref()).await?;
        parse(&body).ok_or_else(|| "not a JSON Web Key Set with a usable key".into())
    }
}

impl KeySet {
    fn matching(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<Key> {
        let fits = |key: &&Key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id);
        self.keys.iter().filter(fits).cloned().collect()
    }
}

/// Returns whether `wait` has passed since then, or the clock was set back before it.
fn past(then: Option<DateTime<Utc>>, wait: TimeDelta, now: DateTime<Utc>) -> bool {
    then.is_none_or(|then| now < then || now - then >= wait)
}

/// Reads a key set. A key that cannot be read is skipped, and so are those after the first 64; a set
/// without any usable key is an error.
pub(crate) fn parse(body: &[u8]) -> Option<Vec<Key>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(body).ok()?;
    let keys: Vec<Key> = set.keys.into_iter().filter_map(usable).take(MOST_KEYS).collect();
    (!keys.is_empty()).then_some(keys)
}

/// Reads a signing key for RS256 or ES256. The algorithm is the key's, never the token's choice.
fn usable(jwk: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(jwk).ok()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        (AlgorithmParameters::EllipticCurve(ec), None | Some(KeyAlgorithm::ES256))
            if ec.curve == EllipticCurve::P256 =>
        {
            Algorithm::ES256
        }
        _ => return None,
    };
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Key { id: jwk.common.key_id, algorithm, decoding })
}
