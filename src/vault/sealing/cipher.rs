//! Encryption at rest: XChaCha20-Poly1305, the key's name in the record, the row's identity as associated data.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::hash::{Hasher, length_prefixed};

/// The first byte of every record: this layout. Then the length of the key's name, the name, the nonce, the ciphertext.
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Why a sealed record could not be made or opened. No text tells what is in it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CipherError {
    /// The record names a key that the settings do not have.
    #[error("it is sealed with the key {0:?}, which is not in vault.keys")]
    UnknownKey(String),
    /// Altered, moved from another row, or sealed with another key of the same name.
    #[error("the key {0:?} does not open it: it was altered, belongs to another row, or the key is wrong")]
    Refused(String),
    /// No record at all.
    #[error("it is not a sealed record")]
    Malformed,
    /// The settings name an active key that they do not have.
    #[error("vault.active_key names {0:?}, which is not in vault.keys")]
    NoActiveKey(String),
}

/// What a record is bound to: it opens only under the same words in the same order.
#[derive(Clone, Copy)]
pub struct Binding<'a>(pub &'a [&'a str]);

impl Binding<'_> {
    /// Each word behind its length, so that no two bindings read alike.
    fn bytes(&self) -> Vec<u8> {
        length_prefixed(self.0.iter().map(|word| word.as_bytes()))
    }
}

/// Seals with the active key, opens with any.
pub struct Cipher {
    active: String,
    keys: BTreeMap<String, XChaCha20Poly1305>,
    fingerprints: BTreeMap<String, [u8; 32]>,
}

impl Cipher {
    /// A cipher over keys by name.
    ///
    /// # Errors
    /// [`CipherError::NoActiveKey`] where `active` is none of them.
    pub fn new(active: &str, keys: &BTreeMap<String, Zeroizing<[u8; 32]>>) -> Result<Self, CipherError> {
        if !keys.contains_key(active) {
            return Err(CipherError::NoActiveKey(active.to_owned()));
        }
        let fingerprints = keys.iter().map(|(name, key)| (name.clone(), Hasher::new(key).fingerprint())).collect();
        let keys = keys.iter().map(|(name, key)| (name.clone(), XChaCha20Poly1305::new(&Key::from(**key)))).collect();
        Ok(Self { active: active.to_owned(), keys, fingerprints })
    }

    /// The key that new records are sealed with.
    #[must_use]
    pub fn active(&self) -> &str {
        &self.active
    }

    /// Every key's name, with what tells it from another key of that name.
    #[must_use]
    pub fn fingerprints(&self) -> &BTreeMap<String, [u8; 32]> {
        &self.fingerprints
    }

    /// How every record begins that is sealed with the key of this name.
    #[must_use]
    pub fn beginning(name: &str) -> Vec<u8> {
        // Settings allow no name that long.
        let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        [&[VERSION, length], name.as_bytes()].concat()
    }

    /// The name of the key that a record is sealed with; `None` where it is no record.
    #[must_use]
    pub fn key_of(record: &[u8]) -> Option<&str> {
        let [VERSION, length, rest @ ..] = record else { return None };
        std::str::from_utf8(rest.get(..usize::from(*length))?).ok()
    }

    /// Encrypts `plain` with the active key under a random nonce.
    ///
    /// # Errors
    /// Only where the key's name is over 255 bytes or `plain` beyond the cipher's limits, which settings rule out.
    pub fn seal(&self, plain: &[u8], binding: Binding<'_>) -> Result<Vec<u8>, CipherError> {
        let key = self.keys.get(&self.active).ok_or_else(|| CipherError::NoActiveKey(self.active.clone()))?;
        let length = u8::try_from(self.active.len()).map_err(|_| CipherError::Malformed)?;
        let nonce: [u8; NONCE] = rand::random();
        let sealed = key
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &binding.bytes() })
            .map_err(|_| CipherError::Malformed)?;
        let mut record = Vec::with_capacity(2 + self.active.len() + NONCE + sealed.len());
        record.extend_from_slice(&[VERSION, length]);
        record.extend_from_slice(self.active.as_bytes());
        record.extend_from_slice(&nonce);
        record.extend_from_slice(&sealed);
        Ok(record)
    }

    /// Decrypts a record.
    ///
    /// # Errors
    /// Where the key is unknown, or record, key and binding do not belong together.
    pub fn open(&self, record: &[u8], binding: Binding<'_>) -> Result<Zeroizing<Vec<u8>>, CipherError> {
        let [VERSION, length, rest @ ..] = record else { return Err(CipherError::Malformed) };
        let (name, rest) = rest.split_at_checked(usize::from(*length)).ok_or(CipherError::Malformed)?;
        let name = std::str::from_utf8(name).map_err(|_| CipherError::Malformed)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(CipherError::Malformed)?;
        let key = self.keys.get(name).ok_or_else(|| CipherError::UnknownKey(name.to_owned()))?;
        key.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &binding.bytes() })
            .map(Zeroizing::new)
            .map_err(|_| CipherError::Refused(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cipher(active: &str, names: &[&str]) -> Cipher {
        let keys = names
            .iter()
            .map(|name| ((*name).to_owned(), Zeroizing::new([u8::try_from(name.len()).unwrap(); 32])))
            .collect();
        Cipher::new(active, &keys).unwrap()
    }

    #[test]
    fn an_old_key_still_opens_and_an_unknown_one_is_named() {
        let record = cipher("old", &["old"]).seal(b"token", Binding(&["shop", "u"])).unwrap();
        let both = cipher("newer", &["old", "newer"]);
        assert_eq!(&**both.open(&record, Binding(&["shop", "u"])).unwrap(), b"token");
        let without = cipher("newer", &["newer"]);
        assert_eq!(without.open(&record, Binding(&["shop", "u"])), Err(CipherError::UnknownKey("old".into())));
    }

    #[test]
    fn a_record_names_its_key_at_its_beginning() {
        let record = cipher("k1", &["k1", "other"]).seal(b"token", Binding(&["u"])).unwrap();
        assert_eq!(Cipher::key_of(&record), Some("k1"));
        assert!(record.starts_with(&Cipher::beginning("k1")) && !record.starts_with(&Cipher::beginning("k")));
        assert_eq!([Cipher::key_of(b""), Cipher::key_of(&[VERSION, 9, b'k']), Cipher::key_of(b"token")], [None; 3]);
    }

    #[test]
    fn a_fingerprint_is_the_keys_and_not_the_names() {
        let fingerprint = |byte| {
            let keys = BTreeMap::from([("k".to_owned(), Zeroizing::new([byte; 32]))]);
            Cipher::new("k", &keys).unwrap().fingerprints()["k"]
        };
        assert_eq!(fingerprint(1), fingerprint(1));
        assert_ne!(fingerprint(1), fingerprint(2));
        assert_ne!(fingerprint(1), [1; 32]);
    }

    #[test]
    fn another_key_under_the_same_name_does_not_open() {
        let record = cipher("k", &["k"]).seal(b"token", Binding(&["u"])).unwrap();
        let other = Cipher::new("k", &BTreeMap::from([("k".to_owned(), Zeroizing::new([9; 32]))])).unwrap();
        assert_eq!(other.open(&record, Binding(&["u"])), Err(CipherError::Refused("k".into())));
    }

    proptest! {
        #[test]
        fn a_record_opens_only_under_its_own_binding(words in prop::collection::vec("[a-c]{0,3}", 1..4), other in prop::collection::vec("[a-c]{0,3}", 1..4), plain: Vec<u8>) {
            let (words, other): (Vec<&str>, Vec<&str>) =
                (words.iter().map(String::as_str).collect(), other.iter().map(String::as_str).collect());
            let cipher = cipher("k1", &["k1"]);
            let record = cipher.seal(&plain, Binding(&words)).unwrap();
            prop_assert_eq!(cipher.open(&record, Binding(&other)).is_ok(), words == other);
            prop_assert_eq!(&**cipher.open(&record, Binding(&words)).unwrap(), &plain);
        }

        #[test]
        fn one_flipped_bit_is_noticed(plain: [u8; 20], at: prop::sample::Index, bit in 0..8_u8) {
            let cipher = cipher("k1", &["k1"]);
            let mut record = cipher.seal(&plain, Binding(&["u"])).unwrap();
            let at = at.index(record.len());
            record[at] ^= 1 << bit;
            prop_assert!(cipher.open(&record, Binding(&["u"])).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_open(record: Vec<u8>) {
            prop_assert!(cipher("k1", &["k1"]).open(&record, Binding(&["u"])).is_err());
        }
    }
}
