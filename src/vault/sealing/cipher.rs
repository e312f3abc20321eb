//! Encryption at rest with XChaCha20-Poly1305. The record contains the key's name; the row's
//! identity is the associated data.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::hash::{Hasher, length_prefixed};

/// The first byte of every record, the version of its layout: then follow the length of the key's
/// name, the name, the nonce, and the ciphertext.
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Why a record could not be encrypted or decrypted. No text reveals its content.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CipherError {
    /// The record names a key that is not in the settings.
    #[error("it is encrypted with the key {0:?}, which is not in vault.keys")]
    UnknownKey(String),
    /// The record was altered, belongs to another row, or was encrypted with another key of the
    /// same name.
    #[error("the key {0:?} does not open it: it was altered, belongs to another row, or the key is wrong")]
    Refused(String),
    /// Not a record at all.
    #[error("it is not an encrypted record")]
    Malformed,
    /// The active key is not in the settings.
    #[error("vault.active_key names {0:?}, which is not in vault.keys")]
    NoActiveKey(String),
}

/// What a record is bound to. It can be decrypted only with the same words in the same order.
#[derive(Clone, Copy)]
pub struct Binding<'a>(pub &'a [&'a str]);

impl Binding<'_> {
    /// Each word with its length before it, so that two different bindings never have the same
    /// bytes.
    fn bytes(&self) -> Zeroizing<Vec<u8>> {
        length_prefixed(self.0.iter().map(|word| word.as_bytes()))
    }
}

/// Encrypts with the active key, and decrypts with any key of the settings.
pub struct Cipher {
    active: String,
    keys: BTreeMap<String, XChaCha20Poly1305>,
    fingerprints: BTreeMap<String, [u8; 32]>,
}

impl Cipher {
    /// Creates a cipher with keys by name.
    ///
    /// # Errors
    /// [`CipherError::NoActiveKey`] if `active` is not one of them.
    pub fn new(active: &str, keys: &BTreeMap<String, Zeroizing<[u8; 32]>>) -> Result<Self, CipherError> {
        if !keys.contains_key(active) {
            return Err(CipherError::NoActiveKey(active.to_owned()));
        }
        let fingerprints =
            keys.iter().map(|(name, key)| (name.clone(), Hasher::new(key).fingerprint())).collect();
        let keys = keys
            .iter()
            .map(|(name, key)| (name.clone(), XChaCha20Poly1305::new(&Key::from(**key))))
            .collect();
        Ok(Self { active: active.to_owned(), keys, fingerprints })
    }

    /// Returns the name of the active key.
    #[must_use]
    pub fn active(&self) -> &str {
        &self.active
    }

    /// Returns the name and the fingerprint of every key. The fingerprint distinguishes keys with
    /// the same name.
    #[must_use]
    pub fn fingerprints(&self) -> &BTreeMap<String, [u8; 32]> {
        &self.fingerprints
    }

    /// Returns the first bytes of every record that is encrypted with this key.
    #[must_use]
    pub fn beginning(name: &str) -> Vec<u8> {
        // The settings do not allow names of that length.
        let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        [&[VERSION, length], name.as_bytes()].concat()
    }

    /// Returns the name of the key that a record is encrypted with; `None` if it is not a record.
    #[must_use]
    pub fn key_of(record: &[u8]) -> Option<&str> {
        let [VERSION, length, rest @ ..] = record else { return None };
        std::str::from_utf8(rest.get(..usize::from(*length))?).ok()
    }

    /// Encrypts `plain` with the active key and a random nonce.
    ///
    /// # Errors
    /// If the key's name has more than 255 bytes or `plain` exceeds the cipher's limit. The
    /// settings exclude both.
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
    /// If the key is unknown, or if record, key and binding do not belong together.
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
        assert_eq!(
            without.open(&record, Binding(&["shop", "u"])),
            Err(CipherError::UnknownKey("old".into()))
        );
    }

    #[test]
    fn a_record_names_its_key_at_its_beginning() {
        let record = cipher("k1", &["k1", "other"]).seal(b"token", Binding(&["u"])).unwrap();
        assert_eq!(Cipher::key_of(&record), Some("k1"));
        assert!(record.starts_with(&Cipher::beginning("k1")) && !record.starts_with(&Cipher::beginning("k")));
        assert_eq!(
            [Cipher::key_of(b""), Cipher::key_of(&[VERSION, 9, b'k']), Cipher::key_of(b"token")],
            [None; 3]
        );
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
        fn a_record_opens_only_under_its_own_binding(
            words in prop::collection::vec("[a-c]{0,3}", 1..4),
            other in prop::collection::vec("[a-c]{0,3}", 1..4),
            plain: Vec<u8>,
        ) {
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
