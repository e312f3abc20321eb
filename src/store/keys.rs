//! The storage trait for encryption keys: which this database has seen, what each seals, and
//! sealing anew.
//!
//! What is sealed begins with its key's name; the store is told that beginning, and knows no more
//! of it.

use async_trait::async_trait;

use super::StoreError;
use super::columns::Columns;
use super::engine::{Engine, SqlStore};

use crate::ids::{PurposeId, TokenId, UserKey};

/// How much there is whose beginning is a key's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sealed {
    /// Refresh tokens.
    pub tokens: u64,
    /// Access tokens kept for orders that are under way; they lapse within minutes.
    pub kept: u64,
    /// The key of the hashes of known tokens: one.
    pub hash_key: u64,
}

impl Sealed {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// A row whose secret is sealed with another key than it should be.
#[derive(Clone)]
pub struct SealedToken {
    /// The row.
    pub id: TokenId,
    /// Whose token.
    pub owner: UserKey,
    /// The secret.
    pub sealed: Vec<u8>,
}

/// Likewise, for what an exchange brought for an order.
#[derive(Clone)]
pub struct SealedCachedTokens {
    /// What it is kept for.
    pub purpose: PurposeId,
    /// The secret.
    pub sealed: Vec<u8>,
}

/// What a store does for keys.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The keys that this database has seen: name and fingerprint.
    async fn known_keys(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Writes a key down, unless one of its name stands there already.
    async fn note_key(&self, name: &str, fingerprint: &[u8]) -> Result<(), StoreError>;

    /// How much begins so; all that is sealed, where the beginning is empty.
    async fn sealed(&self, beginning: &[u8]) -> Result<Sealed, StoreError>;

    /// Tokens that begin otherwise, by row after `after`.
    async fn sealed_otherwise(
        &self,
        beginning: &[u8],
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<SealedToken>, StoreError>;

    /// What is kept and begins otherwise, by purpose after `after`.
    async fn cached_otherwise(
        &self,
        beginning: &[u8],
        after: PurposeId,
        limit: u32,
    ) -> Result<Vec<SealedCachedTokens>, StoreError>;

    /// Puts `to` in the place of `from`; `false` where the row has moved on, and nothing changed.
    async fn reseal_token(&self, id: TokenId, from: &[u8], to: &[u8]) -> Result<bool, StoreError>;

    /// Likewise, for what is kept.
    async fn reseal_cached(&self, purpose: PurposeId, from: &[u8], to: &[u8]) -> Result<bool, StoreError>;

    /// Likewise, for the key of the hashes.
    async fn reseal_hash_key(&self, from: &[u8], to: &[u8]) -> Result<bool, StoreError>;
}

#[async_trait]
impl<E: Engine> Keys for SqlStore<E> {
    async fn known_keys(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.keys.known_keys).fetch_all().await?;
            rows.iter().map(|row| Ok((row.text("name")?, row.bytes("fingerprint")?))).collect()
        })
        .await
    }

    async fn note_key(&self, name: &str, fingerprint: &[u8]) -> Result<(), StoreError> {
        self.write(async |c| {
            let note = c.query(E::STATEMENTS.keys.note_key).bind(name).bind(fingerprint).bind(self.now());
            note.execute().await?;
            Ok(())
        })
        .await
    }

    async fn sealed(&self, beginning: &[u8]) -> Result<Sealed, StoreError> {
        self.read(async |c| {
            let row = c.query(E::STATEMENTS.keys.sealed).bind(beginning).fetch_one().await?;
            Ok(Sealed { tokens: row.count("tokens")?, kept: row.count("kept")?, hash_key: row.count("hash_key")? })
        })
        .await
    }

    async fn sealed_otherwise(
        &self,
        beginning: &[u8],
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<SealedToken>, StoreError> {
        self.read(async |c| {
            let list = c.query(E::STATEMENTS.keys.sealed_otherwise).bind(beginning).bind(after).bind(limit);
            list.fetch_all().await?.iter().map(sealed_token).collect()
        })
        .await
    }

    async fn cached_otherwise(
        &self,
        beginning: &[u8],
        after: PurposeId,
        limit: u32,
    ) -> Result<Vec<SealedCachedTokens>, StoreError> {
        self.read(async |c| {
            let list = c.query(E::STATEMENTS.keys.cached_otherwise).bind(beginning).bind(after).bind(limit);
            list.fetch_all().await?.iter().map(sealed_cached_tokens).collect()
        })
        .await
    }

    async fn reseal_token(&self, id: TokenId, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
        self.write(async |c| {
            Ok(c.query(E::STATEMENTS.keys.reseal_token).bind(id).bind(from).bind(to).execute().await? == 1)
        })
        .await
    }

    async fn reseal_cached(&self, purpose: PurposeId, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
        self.write(async |c| {
            Ok(c.query(E::STATEMENTS.keys.reseal_cached).bind(purpose).bind(from).bind(to).execute().await? == 1)
        })
        .await
    }

    async fn reseal_hash_key(&self, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
        self.write(async |c| Ok(c.query(E::STATEMENTS.keys.reseal_hash_key).bind(from).bind(to).execute().await? == 1))
            .await
    }
}

fn sealed_token(row: &impl Columns) -> Result<SealedToken, StoreError> {
    Ok(SealedToken { id: row.token("id")?, owner: row.owner()?, sealed: row.bytes("sealed")? })
}

fn sealed_cached_tokens(row: &impl Columns) -> Result<SealedCachedTokens, StoreError> {
    Ok(SealedCachedTokens { purpose: row.id("purpose_ref")?, sealed: row.bytes("sealed")? })
}
