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
use crate::backoff::Backoff;
use crate::clock::{Clock, delta};
use crate::config::Merchant;
use crate::klarna::http::BuildError;
use crate::klarna::key_set::KeySetClient;

/// How long fetched keys are used without fetching them again.
const KEEP: TimeDelta = TimeDelta::hours(1);

/// The least time between two fetches of one key set that fails.
const FETCH_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// The most keys of a set that are used: a token that names none is tried with each.
const MOST_KEYS: usize = 64;

/// A key that signs `id_token`s.
pub(crate) struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    pub decoding: DecodingKey,
}

/// Key sets by URL.
pub(super) struct KeySets {
    client: KeySetClient,
    clock: Clock,
    sets: Mutex<HashMap<Url, Arc<tokio::sync::Mutex<KeySet>>>>,
}

#[derive(Default)]
struct KeySet {
    keys: Vec<Arc<Key>>,
    /// The time of the last successful fetch.
    fetched_at: Option<DateTime<Utc>>,
    /// The time of the last fetch, successful or not.
    tried_at: Option<DateTime<Utc>>,
    /// The least time from that fetch to the next.
    pause: TimeDelta,
    /// How many fetches there were lately: each minute without one takes one off.
    lately: u32,
}

impl KeySets {
    pub fn new(clock: Clock) -> Result<Self, BuildError> {
        Ok(Self { client: KeySetClient::new()?, clock, sets: Mutex::default() })
    }

    /// Returns the keys that may have signed a token with this header. There are several only if
    /// the header names none.
    ///
    /// The set is locked during a fetch, so others that need it wait for that fetch. After a failed
    /// fetch, the keys known so far stay in use.
    ///
    /// An issuer may sign with a new key at once, so a key that the set lacks is asked for at once,
    /// too. The pause between two fetches grows from 1 s to a minute, however many tokens name keys
    /// that the set lacks: that is six fetches in the first half minute, and then one a minute.
    pub async fn find(
        &self,
        merchant: &Merchant,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<Arc<Key>>, IdTokenError> {
        let set = self.set(&merchant.jwks_url);
        let mut set = set.lock().await;
        let now = self.clock.now();
        let mut keys = set.matching(id, algorithm);
        let wanted = past(set.fetched_at, KEEP, now) || keys.is_empty();
        if wanted && past(set.tried_at, set.pause, now) {
            set.count(now);
            match self.fetch(merchant).await {
                Ok(fetched) => {
                    set.keys = fetched;
                    set.fetched_at = Some(now);
                    set.pause = delta(Backoff::default().delay(set.lately, 1.0, None));
                    keys = set.matching(id, algorithm);
                }
                Err(reason) => tracing::warn!(%reason, "The signing keys of id_tokens could not be fetched"),
            }
        }
        match set.fetched_at {
            _ if !keys.is_empty() => Ok(keys),
            None => Err(IdTokenError::KeysUnavailable),
            Some(fetched_at) => Err(IdTokenError::UnknownKey { fetched_at }),
        }
    }

    fn set(&self, url: &Url) -> Arc<tokio::sync::Mutex<KeySet>> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sets.entry(url.clone()).or_default())
    }

    async fn fetch(&self, merchant: &Merchant) -> Result<Vec<Arc<Key>>, String> {
        let body = self.client.fetch(&merchant.jwks_url, merchant.http_proxy.as_ref()).await?;
        parse(&body).ok_or_else(|| "not a JSON Web Key Set with a usable key".into())
    }
}

impl KeySet {
    /// Counts a fetch that begins. Until it has succeeded, it counts as failed: its caller may be
    /// gone before.
    fn count(&mut self, now: DateTime<Utc>) {
        let minutes = self.tried_at.map_or(0, |tried_at| (now - tried_at).num_minutes().max(0));
        self.lately = self.lately.saturating_sub(u32::try_from(minutes).unwrap_or(u32::MAX)) + 1;
        self.tried_at = Some(now);
        self.pause = FETCH_AGAIN;
    }

    fn matching(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<Arc<Key>> {
        let fits = |key: &&Arc<Key>| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id);
        self.keys.iter().filter(fits).cloned().collect()
    }
}

/// Returns whether `wait` has passed since then, or the clock was set back before it.
fn past(then: Option<DateTime<Utc>>, wait: TimeDelta, now: DateTime<Utc>) -> bool {
    then.is_none_or(|then| now < then || now - then >= wait)
}

/// Reads a key set. A key that cannot be read is skipped, and so are those after the first 64; a
/// set without any usable key is an error.
pub(crate) fn parse(body: &[u8]) -> Option<Vec<Arc<Key>>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(body).ok()?;
    let keys: Vec<_> = set.keys.into_iter().filter_map(usable).take(MOST_KEYS).map(Arc::new).collect();
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
