//! Keyed hashes: they tell that two secrets are the same, and nothing else of them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::cipher::length_prefixed;

/// HMAC-SHA-256 under a key of the installation's own.
pub struct Hasher(Hmac<Sha256>);

impl Hasher {
    /// A hasher under `key`.
    #[must_use]
    pub fn new(key: &Zeroizing<[u8; 32]>) -> Self {
        Self(Hmac::<Sha256>::new_from_slice(&key[..]).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length")))
    }

    /// The hash of a refresh token of one user: the same token of another user hashes otherwise.
    #[must_use]
    pub fn token(&self, merchant: &str, user: &str, token: &str) -> [u8; 32] {
        self.hash(&["refresh_token", merchant, user, token])
    }

    /// The hash of Klarna's id (`sub`) of a shopper.
    #[must_use]
    pub fn subject(&self, merchant: &str, user: &str, subject: &str) -> [u8; 32] {
        self.hash(&["sub", merchant, user, subject])
    }

    fn hash(&self, words: &[&str]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(&length_prefixed(words.iter().map(|word| word.as_bytes())));
        mac.finalize().into_bytes().into()
    }
}
