//! The storage trait for providers: how many tokens each issued, and moving them to another address.

use async_trait::async_trait;

use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use super::{StoreError, last_id};
use crate::ids::{MerchantName, Provider, TokenId};

/// A merchant's tokens of one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderTokens {
    /// The merchant.
    pub merchant: MerchantName,
    /// The provider that issued them.
    pub provider: Provider,
    /// How many there are, whatever their state.
    pub tokens: u64,
}

/// What a store does for providers.
#[async_trait]
pub trait Providers: Send + Sync {
    /// Counts the tokens of each merchant and provider. Reads all tokens: not to be asked often.
    async fn tokens_by_provider(&self) -> Result<Vec<ProviderTokens>, StoreError>;

    /// Moves up to `limit` tokens with an id above `after` from one provider to another, in one
    /// transaction. How many there were, and the last one's id; `None` once there are no more.
    async fn adopt_tokens(
        &self,
        merchant: &MerchantName,
        from: Provider,
        to: Provider,
        after: TokenId,
        limit: u32,
    ) -> Result<Option<(u64, TokenId)>, StoreError>;
}

#[async_trait]
impl<E: Engine> Providers for SqlStore<E> {
    async fn tokens_by_provider(&self) -> Result<Vec<ProviderTokens>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.providers.tokens_by_provider).fetch_all().await?;
            rows.iter().filter_map(|row| provider_tokens(row).transpose()).collect()
        })
        .await
    }

    async fn adopt_tokens(
        &self,
        merchant: &MerchantName,
        from: Provider,
        to: Provider,
        after: TokenId,
        limit: u32,
    ) -> Result<Option<(u64, TokenId)>, StoreError> {
        self.write(async |c| {
            let adopt = c.query(E::STATEMENTS.providers.adopt).bind(merchant).bind(&from).bind(&to);
            last_id(&adopt.bind(after).bind(limit).fetch_all().await?)
        })
        .await
    }
}

fn provider_tokens(row: &impl Columns) -> Result<Option<ProviderTokens>, StoreError> {
    let (merchant, tokens) = (row.merchant()?, row.count("tokens")?);
    Ok(row.provider("provider")?.map(|provider| ProviderTokens { merchant, provider, tokens }))
}
