//! Reads the encryption keys from where the settings say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::cipher::{Cipher, CipherError};
use super::wrapping::{self, LARGEST, WrappingError};
use crate::bounded;
use crate::config::{KeySource, Settings, WrappedKey, is_hash_of_trial, is_uniform, key_file};

/// Why the keys cannot be used. No text contains any part of a key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read.
    #[error("vault.keys.{name}.file: {path} cannot be read: {error}; restore it from its backup, because \
        what it encrypts cannot be read without it", path = .path.display())]
    Unreadable {
        /// The key's name.
        name: String,
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// The file could not be created.
    #[error("vault.keys.{name}.file: {path} could not be created: {error}", path = .path.display())]
    NotMade {
        /// The key's name.
        name: String,
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// The file with the wrapped key cannot be read.
    #[error("vault.keys.{name}.file: {path} cannot be read: {error}; restore it from its backup, or if the \
        key is new, make it with `klarna-order-worker keys generate --wrap {name}`", path = .path.display())]
    NoWrapped {
        /// The key's name.
        name: String,
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// The key service did not unwrap the key.
    #[error(
        "vault.keys.{name}.unwrap: {error}; without this key nothing can be decrypted: start again when the \
         key service answers"
    )]
    NotUnwrapped {
        /// The key's name.
        name: String,
        /// What its program did.
        error: WrappingError,
    },
    /// The environment variable is not set.
    #[error("vault.keys.{name}.env: the environment variable {variable} is not set")]
    NoVariable {
        /// The key's name.
        name: String,
        /// The name of the variable.
        variable: String,
    },
    /// The value is not 32 bytes in base64.
    #[error("vault.keys.{0}: not 32 bytes in base64; make one with `klarna-order-worker keys generate`")]
    Malformed(String),
    /// The value follows a pattern.
    #[error("vault.keys.{0}: not random bytes; make a key with `klarna-order-worker keys generate`")]
    Guessable(String),
    /// The key stands in a public file.
    #[error(
        "vault.keys.{0}: the key of the trial in deploy/try, which everybody knows; make another one with \
        `klarna-order-worker keys generate`"
    )]
    OfTrial(String),
    /// The cipher cannot use the keys.
    #[error(transparent)]
    Cipher(#[from] CipherError),
}

/// Reads every key, and has wrapped ones unwrapped. With `make_missing`, for a database without
/// secrets, the active key's file is created if it does not exist, unless it is a wrapped key's.
///
/// # Errors
/// If a key is missing, or cannot be read or unwrapped.
pub async fn load(
    settings: &Settings,
    environment: &BTreeMap<String, String>,
    make_missing: bool,
) -> Result<Cipher, KeysError> {
    let (installation, settings) = (&settings.installation, &settings.vault);
    let mut keys: BTreeMap<String, Zeroizing<[u8; 32]>> = BTreeMap::new();
    for (name, source) in &settings.keys {
        let text = match source {
            KeySource::Wrapped(wrapped) => {
                keys.insert(name.clone(), unwrapped(name, wrapped, environment).await?);
                continue;
            }
            KeySource::File(path) => {
                if make_missing && *name == settings.active_key && !path.exists() {
                    make(name, path)?;
                }
                bounded::read_text(path, LARGEST).map_err(|error| KeysError::Unreadable {
                    name: name.clone(),
                    path: path.clone(),
                    error,
                })?
            }
            KeySource::Env(variable) => environment
                .get(variable)
                .map(|text| Zeroizing::new(text.clone()))
                .ok_or_else(|| KeysError::NoVariable { name: name.clone(), variable: variable.clone() })?,
        };
        keys.insert(name.clone(), decode(name, &text)?);
    }
    if let Some((name, _)) =
        keys.iter().find(|(_, key)| is_hash_of_trial(&Sha256::digest(&key[..]).into(), installation))
    {
        return Err(KeysError::OfTrial(name.clone()));
    }
    Ok(Cipher::new(&settings.active_key, &keys)?)
}

fn make(name: &str, path: &Path) -> Result<(), KeysError> {
    match key_file::create(path) {
        Ok(()) => tracing::warn!(key = name, path = %path.display(),
            "A new encryption key was created; back it up, because without it nothing that it encrypts can be read"),
        // Another process created it at the same time.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(KeysError::NotMade { name: name.to_owned(), path: path.to_owned(), error }),
    }
    Ok(())
}

async fn unwrapped(
    name: &str,
    wrapped: &WrappedKey,
    environment: &BTreeMap<String, String>,
) -> Result<Zeroizing<[u8; 32]>, KeysError> {
    let content = bounded::read(&wrapped.file, LARGEST).map_err(|error| KeysError::NoWrapped {
        name: name.to_owned(),
        path: wrapped.file.clone(),
        error,
    })?;
    let key = wrapping::unwrap(&wrapped.unwrap, &content, environment).await;
    checked(name, key.map_err(|error| KeysError::NotUnwrapped { name: name.to_owned(), error })?)
}

fn decode(name: &str, text: &str) -> Result<Zeroizing<[u8; 32]>, KeysError> {
    let malformed = || KeysError::Malformed(name.to_owned());
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| malformed())?);
    checked(name, Zeroizing::new(bytes.as_slice().try_into().map_err(|_| malformed())?))
}

fn checked(name: &str, key: Zeroizing<[u8; 32]>) -> Result<Zeroizing<[u8; 32]>, KeysError> {
    if is_uniform(&*key) { Err(KeysError::Guessable(name.to_owned())) } else { Ok(key) }
}
