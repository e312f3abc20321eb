//! The storage trait for encryption keys: which keys this database knows, how much each encrypts,
//! and encryption with another key.
//!
//! An encrypted value begins with its key's name. The store knows only that beginning.

use async_trait::async_trait;

use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use super::{Installations, StoreError};
use crate::ids::{Provider, PurposeId, TokenId};
use crate::token::{CachedFor, SealedFor};

/// How many values a key encrypts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sealed {
    /// Refresh tokens.
    pub tokens: u64,
    /// Cached tokens of running orders, and those that were vended. They expire within minutes.
    pub cached: u64,
    /// The key for hashes of known tokens: 0 or 1.
    pub hash_key: u64,
}

impl Sealed {
    /// Returns whether the key encrypts nothing.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// An encrypted token in its row.
#[derive(Clone)]
pub struct SealedToken {
    /// What it is bound to.
    pub sealed_for: SealedFor,
    /// The encrypted token.
    pub sealed: Vec<u8>,
}

/// Cached tokens that are not encrypted with the active key.
#[derive(Clone)]
pub struct SealedCachedTokens {
    /// What they are bound to.
    pub cached_for: CachedFor,
    /// The encrypted tokens.
    pub sealed: Vec<u8>,
}

/// Storage for encryption keys.
#[async_trait]
pub trait Keys: Installations {
    /// Returns the name and the fingerprint of each key that this database knows.
    async fn known_keys(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Stores a key's fingerprint, unless there is one with this name.
    async fn note_key(&self, name: &str, fingerprint: &[u8]) -> Result<(), StoreError>;

    /// Returns how many encrypted values have this beginning. An empty beginning counts all.
    async fn sealed(&self, beginning: &[u8]) -> Result<Sealed, StoreError>;

    /// Returns tokens that do not have this beginning, ordered by row id, after the row `after`.
    async fn sealed_otherwise(
        &self,
        beginning: &[u8],
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<SealedToken>, StoreError>;

    /// Returns cached tokens that do not have this beginning, ordered by purpose, after the purpose
    /// `after`.
    async fn cached_otherwise(
        &self,
        beginning: &[u8],
        after: PurposeId,
        limit: u32,
    ) -> Result<Vec<SealedCachedTokens>, StoreError>;

    /// Replaces the encrypted token `from` by `to`. Returns `false`, and changes nothing, if the
    /// row has another value.
    async fn reseal_token(&self, id: TokenId, from: &[u8], to: &[u8]) -> Result<bool, StoreError>;

    /// Like [`Keys::reseal_token`], for cached tokens.
    async fn reseal_cached(&self, purpose: PurposeId, from: &[u8], to: &[u8]) -> Result<bool, StoreError>;

    /// Like [`Keys::reseal_token`], for the key of the hashes.
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
        let tokens = self.count_sealed(beginning).await?;
        self.read(async |c| {
            let row = c.query(E::STATEMENTS.keys.sealed).bind(beginning).fetch_one().await?;
            Ok(Sealed {
                tokens: tokens + row.count("revoked")?,
                cached: row.count("cached")?,
                hash_key: row.count("hash_key")?,
            })
        })
        .await
    }

    async fn sealed_otherwise(
        &self,
        beginning: &[u8],
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<SealedToken>, StoreError> {
        for (after, until) in self.steps(after).await? {
            let rows = self
                .read(async |c| {
                    let list = c.query(E::STATEMENTS.keys.sealed_otherwise).bind(beginning).bind(after);
                    list.bind(limit).bind(until).fetch_all().await
                })
                .await?;
            if !rows.is_empty() {
                return rows.iter().map(sealed_token).collect();
            }
        }
        Ok(Vec::new())
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
            Ok(c.query(E::STATEMENTS.keys.reseal_cached).bind(purpose).bind(from).bind(to).execute().await?
                == 1)
        })
        .await
    }

    async fn reseal_hash_key(&self, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
        self.write(async |c| {
            Ok(c.query(E::STATEMENTS.keys.reseal_hash_key).bind(from).bind(to).execute().await? == 1)
        })
        .await
    }
}

/// Reads a row with an encrypted token, which always has a provider.
pub(super) fn sealed_token(row: &impl Columns) -> Result<SealedToken, StoreError> {
    let provider = provider(row)?;
    let sealed_for = SealedFor { merchant: row.merchant()?, version: row.version("id")?, provider };
    Ok(SealedToken { sealed_for, sealed: row.bytes("sealed")? })
}

fn sealed_cached_tokens(row: &impl Columns) -> Result<SealedCachedTokens, StoreError> {
    let cached_for = CachedFor {
        purpose: row.id("purpose_ref")?,
        merchant: row.merchant()?,
        token: row.token("token_id")?,
        grant_generation: row.int("grant_generation")?,
        provider: provider(row)?,
    };
    Ok(SealedCachedTokens { cached_for, sealed: row.bytes("sealed")? })
}

fn provider(row: &impl Columns) -> Result<Provider, StoreError> {
    row.provider("provider")?.ok_or_else(|| StoreError::Unreadable("column provider".into()))
}
