//! Encrypts and decrypts the vault's secrets, each bound to its row: refresh tokens, and the tokens
//! that an exchange returned for an order or a vend.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::cipher::{Binding, Cipher, CipherError};
use super::hash::Hasher;
use crate::ids::Provider;
use crate::store::{SealedCachedTokens, SealedToken};
use crate::token::{CachedFor, SealedFor, TokenSecret};

/// The cipher and the hashes of one installation.
pub struct Secrets {
    cipher: Cipher,
    hasher: Hasher,
}

const HASH_KEY: Binding<'static> = Binding(&["hash_key"]);

/// A refresh token in clear text, for the store to write.
pub(in crate::vault) struct PlainToken {
    secrets: Arc<Secrets>,
    token: SecretString,
}

impl PlainToken {
    pub(in crate::vault) fn new(secrets: &Arc<Secrets>, token: &SecretString) -> Arc<Self> {
        Arc::new(Self { secrets: Arc::clone(secrets), token: token.clone() })
    }
}

impl TokenSecret for PlainToken {
    fn seal(&self, sealed_for: &SealedFor) -> Result<Vec<u8>, String> {
        let sealed = self.secrets.seal_token(sealed_for, &self.token);
        sealed.map_err(|error| format!("a refresh token could not be encrypted: {error}"))
    }

    fn hash(&self, provider: Provider) -> [u8; 32] {
        self.secrets.hasher.token(provider, self.token.expose_secret())
    }
}

/// Calls `with` with the binding of a refresh token.
fn bound<T>(sealed_for: &SealedFor, with: impl FnOnce(Binding<'_>) -> T) -> T {
    let SealedFor { merchant, version, provider } = sealed_for;
    let (row, generation) = (version.token.0.to_string(), version.generation.to_string());
    with(Binding(&["refresh_token", merchant.as_str(), &row, &generation, &provider.to_string()]))
}

/// The access token and id_token of one exchange.
#[derive(Clone)]
pub(in crate::vault) struct ExchangedTokens {
    pub(in crate::vault) access_token: SecretString,
    pub(in crate::vault) id_token: Option<SecretString>,
}

/// Their form in a record.
#[derive(Serialize)]
struct Record<'a> {
    access_token: &'a str,
    id_token: Option<&'a str>,
}

/// The same, read from it.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct ReadRecord {
    access_token: String,
    id_token: Option<String>,
}

/// Calls `with` with the binding of cached tokens.
fn bound_cached<T>(cached_for: &CachedFor, with: impl FnOnce(Binding<'_>) -> T) -> T {
    let CachedFor { purpose, merchant, token, grant_generation, provider } = cached_for;
    let (row, grant) = (token.0.to_string(), grant_generation.to_string());
    let (purpose, provider) = (purpose.to_string(), provider.to_string());
    with(Binding(&["cached_tokens", &purpose, merchant.as_str(), &row, &grant, &provider]))
}

impl Secrets {
    /// Returns the secrets of an installation, with the hash key that [`Secrets::found`] encrypted.
    ///
    /// # Errors
    /// If the hash key cannot be decrypted: the settings' keys do not belong to this database.
    pub fn open(cipher: Cipher, hash_key: &[u8]) -> Result<Self, CipherError> {
        let key = cipher.open(hash_key, HASH_KEY)?;
        let key: [u8; 32] = key.as_slice().try_into().map_err(|_| CipherError::Malformed)?;
        Ok(Self { cipher, hasher: Hasher::new(&Zeroizing::new(key)) })
    }

    /// Creates and encrypts a new hash key, for the first start on a database.
    ///
    /// # Errors
    /// Like [`Cipher::seal`].
    pub fn found(cipher: &Cipher) -> Result<Vec<u8>, CipherError> {
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(rand::random());
        cipher.seal(&key[..], HASH_KEY)
    }

    /// Returns the cipher.
    #[must_use]
    pub fn cipher(&self) -> &Cipher {
        &self.cipher
    }

    /// Returns the keyed hashes.
    #[must_use]
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    pub(in crate::vault) fn seal_token(
        &self,
        sealed_for: &SealedFor,
        token: &SecretString,
    ) -> Result<Vec<u8>, CipherError> {
        bound(sealed_for, |binding| self.cipher.seal(token.expose_secret().as_bytes(), binding))
    }

    pub(in crate::vault) fn open_token(
        &self,
        sealed_for: &SealedFor,
        sealed: &[u8],
    ) -> Result<SecretString, CipherError> {
        let plain = bound(sealed_for, |binding| self.cipher.open(sealed, binding))?;
        let text = std::str::from_utf8(&plain).map_err(|_| CipherError::Malformed)?;
        Ok(SecretString::from(text))
    }

    pub(in crate::vault) fn seal_exchanged(
        &self,
        cached_for: &CachedFor,
        exchanged: &ExchangedTokens,
    ) -> Result<Vec<u8>, CipherError> {
        let record = Record {
            access_token: exchanged.access_token.expose_secret(),
            id_token: exchanged.id_token.as_ref().map(ExposeSecret::expose_secret),
        };
        let plain = Zeroizing::new(serde_json::to_vec(&record).map_err(|_| CipherError::Malformed)?);
        bound_cached(cached_for, |binding| self.cipher.seal(&plain, binding))
    }

    pub(in crate::vault) fn open_exchanged(
        &self,
        cached_for: &CachedFor,
        sealed: &[u8],
    ) -> Result<ExchangedTokens, CipherError> {
        let plain = bound_cached(cached_for, |binding| self.cipher.open(sealed, binding))?;
        let mut record: ReadRecord = serde_json::from_slice(&plain).map_err(|_| CipherError::Malformed)?;
        Ok(ExchangedTokens {
            access_token: std::mem::take(&mut record.access_token).into(),
            id_token: record.id_token.take().map(SecretString::from),
        })
    }

    /// Encrypts the same token again with the active key.
    pub(super) fn reseal_token(&self, row: &SealedToken) -> Result<Vec<u8>, CipherError> {
        bound(&row.sealed_for, |binding| self.reseal(&row.sealed, binding))
    }

    /// Does the same with cached tokens.
    pub(super) fn reseal_exchanged(&self, row: &SealedCachedTokens) -> Result<Vec<u8>, CipherError> {
        bound_cached(&row.cached_for, |binding| self.reseal(&row.sealed, binding))
    }

    /// Does the same with the hash key.
    pub(super) fn reseal_hash_key(&self, sealed: &[u8]) -> Result<Vec<u8>, CipherError> {
        self.reseal(sealed, HASH_KEY)
    }

    fn reseal(&self, sealed: &[u8], binding: Binding<'_>) -> Result<Vec<u8>, CipherError> {
        self.cipher.seal(&self.cipher.open(sealed, binding)?, binding)
    }

    pub(in crate::vault) fn seal_spooled(
        &self,
        installation: &str,
        record: &[u8],
    ) -> Result<Vec<u8>, CipherError> {
        self.cipher.seal(record, Binding(&["spool", installation]))
    }

    pub(in crate::vault) fn open_spooled(
        &self,
        installation: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CipherError> {
        self.cipher.open(sealed, Binding(&["spool", installation]))
    }
}
