//! Keyed hashes. They show only whether two secrets are equal.

use crate::ids::{Provider, UserKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Joins words so that two different lists never give the same bytes. One of them may be a secret,
/// so the memory is wiped, and has its size from the beginning: growing would leave a copy behind.
pub(super) fn length_prefixed<'a>(words: impl Iterator<Item = &'a [u8]>) -> Zeroizing<Vec<u8>> {
    let words: Vec<&[u8]> = words.collect();
    let size = words.iter().map(|word| size_of::<u64>() + word.len()).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    for word in words {
        bytes.extend_from_slice(&(word.len() as u64).to_le_bytes());
        bytes.extend_from_slice(word);
    }
    bytes
}

/// HMAC-SHA-256 with a key of this installation.
pub struct Hasher(Hmac<Sha256>);

impl Hasher {
    /// Creates a hasher with `key`.
    #[must_use]
    pub fn new(key: &Zeroizing<[u8; 32]>) -> Self {
        // A key shorter than SHA-256's block is padded with zeros (RFC 2104 section 2), so this
        // cannot fail.
        let mut block = Zeroizing::new([0; 64]);
        block[..key.len()].copy_from_slice(&key[..]);
        Self(Hmac::new(&(*block).into()))
    }

    /// Returns the hash of a refresh token of a provider. It is the same for all merchants and
    /// users, so that a token registered twice is recognised.
    #[must_use]
    pub fn token(&self, provider: Provider, token: &str) -> [u8; 32] {
        self.hash_all([&b"refresh_token"[..], provider.as_bytes(), token.as_bytes()].into_iter())
    }

    /// Returns the hash of a shopper's `sub`, Klarna's id.
    #[must_use]
    pub fn subject(&self, key: &UserKey, subject: &str) -> [u8; 32] {
        self.hash(&["sub", key.merchant.as_str(), key.user.as_str(), subject])
    }

    /// Returns the signature of data that belongs to a session of the operators' pages. `what`
    /// separates kinds of data.
    #[must_use]
    pub fn session(&self, what: &str, bytes: &[u8]) -> [u8; 32] {
        self.hash_all([&b"session"[..], what.as_bytes(), bytes].into_iter())
    }

    /// Returns the hash of a row of the audit log, from its fields.
    #[must_use]
    pub fn audit_row(&self, fields: &[Vec<u8>]) -> [u8; 32] {
        self.hash_all([&b"audit_row"[..]].into_iter().chain(fields.iter().map(Vec::as_slice)))
    }

    /// Returns the name of a user in the audit log, which only this installation can derive.
    #[must_use]
    pub fn audit_user(&self, key: &UserKey) -> [u8; 16] {
        let hash = self.hash(&["audit_user", key.merchant.as_str(), key.user.as_str()]);
        std::array::from_fn(|at| hash[at])
    }

    /// Returns a fingerprint of this key, which reveals nothing else about it.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        self.hash(&["fingerprint"])
    }

    fn hash(&self, words: &[&str]) -> [u8; 32] {
        self.hash_all(words.iter().map(|word| word.as_bytes()))
    }

    fn hash_all<'a>(&self, words: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(&length_prefixed(words));
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_padded_as_hmac_pads_it() {
        let key = Zeroizing::new([7; 32]);
        let words: Vec<&[u8]> = vec![b"sub", b"shop", b"u", b"t"];
        let mut expected = Hmac::<Sha256>::new_from_slice(&key[..]).unwrap();
        expected.update(&length_prefixed(words.into_iter()));
        let expected: [u8; 32] = expected.finalize().into_bytes().into();
        assert_eq!(Hasher::new(&key).subject(&UserKey::new("shop", "u"), "t"), expected);
    }

    #[test]
    fn another_provider_token_or_kind_hashes_otherwise() {
        let hasher = Hasher::new(&Zeroizing::new([7; 32]));
        let provider = Provider::new("https://login.test/token", "client");
        let first = hasher.token(provider, "t");
        for other in [
            hasher.token(Provider::new("https://login.test/token", "other"), "t"),
            hasher.token(provider, "s"),
            hasher.subject(&UserKey::new("shop", "u"), "t"),
        ] {
            assert_ne!(first, other);
        }
    }
}
