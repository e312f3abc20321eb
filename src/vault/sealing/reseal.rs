//! Encrypts all records again with the active key, row by row, while orders and sweeps continue.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::cipher::{Cipher, CipherError};
use super::secrets::Secrets;
use crate::ids::{PurposeId, TokenId};
use crate::store::{Keys, StoreError};

/// How many rows are read at a time.
const PAGE: u32 = 200;

/// How many secrets were encrypted again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resealed {
    /// Refresh tokens that were encrypted again.
    pub tokens: u64,
    /// Cached access tokens, of unfinished orders or vended, that were encrypted again.
    pub cached: u64,
    /// Whether the hash key was encrypted again.
    pub hash_key: bool,
    /// How many records could not be decrypted and are unchanged, by the name of their key.
    pub left: BTreeMap<String, u64>,
}

/// Encrypts with the active key everything that another key encrypts. Each row is written
/// separately, and only if it is unchanged since it was read; a row that changed meanwhile is read
/// again. After an interruption, the next call continues. `progress` is called with the number of
/// secrets done so far.
///
/// # Errors
/// If the store fails. What was encrypted again stays so.
pub async fn reseal(
    store: &dyn Keys,
    secrets: &Secrets,
    mut progress: impl FnMut(u64) + Send,
) -> Result<Resealed, StoreError> {
    let beginning = Cipher::beginning(secrets.cipher().active());
    let mut resealed =
        Resealed { hash_key: hash_key(store, secrets, &beginning).await?, ..Resealed::default() };
    loop {
        let before = resealed.tokens + resealed.cached;
        resealed.left.clear();
        tokens(store, secrets, &beginning, &mut resealed, &mut progress).await?;
        cached(store, secrets, &beginning, &mut resealed, &mut progress).await?;
        // Repeat until a whole pass changes nothing, because rows may have been written with
        // another key meanwhile.
        if resealed.tokens + resealed.cached == before {
            return Ok(resealed);
        }
    }
}

async fn hash_key(store: &dyn Keys, secrets: &Secrets, beginning: &[u8]) -> Result<bool, StoreError> {
    let Some(installation) = store.installation().await? else { return Ok(false) };
    if installation.hash_key.starts_with(beginning) {
        return Ok(false);
    }
    match secrets.reseal_hash_key(&installation.hash_key) {
        Ok(to) => store.reseal_hash_key(&installation.hash_key, &to).await,
        // It was decrypted at the start.
        Err(error) => Err(StoreError::Unreadable(error.to_string())),
    }
}

async fn tokens(
    store: &dyn Keys,
    secrets: &Secrets,
    beginning: &[u8],
    resealed: &mut Resealed,
    progress: &mut (impl FnMut(u64) + Send),
) -> Result<(), StoreError> {
    let mut after = TokenId::START;
    loop {
        let page = store.sealed_otherwise(beginning, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.sealed_for.version.token;
        for row in page {
            let id = row.sealed_for.version.token;
            match secrets.reseal_token(&row) {
                Ok(to) => resealed.tokens += u64::from(store.reseal_token(id, &row.sealed, &to).await?),
                Err(error) => resealed.leave(&error, &format!("token {}", id.0)),
            }
        }
        progress(resealed.tokens + resealed.cached);
    }
}

async fn cached(
    store: &dyn Keys,
    secrets: &Secrets,
    beginning: &[u8],
    resealed: &mut Resealed,
    progress: &mut (impl FnMut(u64) + Send),
) -> Result<(), StoreError> {
    let mut after = PurposeId::from(Uuid::nil());
    loop {
        let page = store.cached_otherwise(beginning, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.cached_for.purpose;
        for row in page {
            let purpose = row.cached_for.purpose;
            match secrets.reseal_exchanged(&row) {
                Ok(to) => {
                    resealed.cached += u64::from(store.reseal_cached(purpose, &row.sealed, &to).await?);
                }
                Err(error) => resealed.leave(&error, "the cached tokens of an order"),
            }
        }
        progress(resealed.tokens + resealed.cached);
    }
}

impl Resealed {
    fn leave(&mut self, error: &CipherError, what: &str) {
        let key = match error {
            CipherError::UnknownKey(key) | CipherError::Refused(key) | CipherError::NoActiveKey(key) => {
                key.clone()
            }
            CipherError::Malformed => String::new(),
        };
        let left = self.left.entry(key).or_default();
        *left += 1;
        if *left == 1 {
            tracing::error!(what, %error, "A secret cannot be decrypted and is left unchanged; there may be more");
        }
    }
}
