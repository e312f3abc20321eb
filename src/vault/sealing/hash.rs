//! Keyed hashes: they tell that two secrets are the same, and nothing else of them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Words joined so that no two lists of words give the same bytes.
pub(super) fn length_prefixed<'a>(words: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        bytes.extend_from_slice(&(word.len() as u64).to_le_bytes());
        bytes.extend_from_slice(word);
    }
    bytes
}

/// HMAC-SHA-256 under a key of the installation's own.
pub struct Hasher(Hmac<Sha256>);

impl Hasher {
    /// A hasher under `key`.
    #[must_use]
    pub fn new(key: &Zeroizing<[u8; 32]>) -> Self {
        // A key shorter than SHA-256's block is padded with zeros (RFC 2104 section 2), so this cannot fail.
        let mut block = Zeroizing::new([0; 64]);
        block[..key.len()].copy_from_slice(&key[..]);
        Self(Hmac::new(&(*block).into()))
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

    /// The signature of something that belongs to a session of the operators' pages: a word for what it is, and its bytes.
    #[must_use]
    pub fn session(&self, what: &str, bytes: &[u8]) -> [u8; 32] {
        self.hash_all([&b"session"[..], what.as_bytes(), bytes].into_iter())
    }

    /// What tells this key from others, and nothing of it.
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
        let words: Vec<&[u8]> = vec![b"refresh_token", b"shop", b"u", b"t"];
        let mut expected = Hmac::<Sha256>::new_from_slice(&key[..]).unwrap();
        expected.update(&length_prefixed(words.into_iter()));
        let expected: [u8; 32] = expected.finalize().into_bytes().into();
        assert_eq!(Hasher::new(&key).token("shop", "u", "t"), expected);
    }

    #[test]
    fn another_user_token_or_kind_hashes_otherwise() {
        let hasher = Hasher::new(&Zeroizing::new([7; 32]));
        let first = hasher.token("shop", "u", "t");
        for other in [hasher.token("shop", "v", "t"), hasher.token("shop", "u", "s"), hasher.subject("shop", "u", "t")]
        {
            assert_ne!(first, other);
        }
    }
}
