//! Reads all tokens, in steps by their ids: a single statement over very many would take longer
//! than a statement may.

use std::collections::BTreeMap;

use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use super::keeper::token_count;
use super::{ProviderTokens, StoreError, TokenCount};
use crate::ids::{MerchantName, Provider, TokenId};
use crate::token::DeadReason;

/// How many ids a step has.
const STEP: usize = 100_000;

impl<E: Engine> SqlStore<E> {
    /// Returns the steps to all tokens after this one: each has the ids after its first number
    /// until its second.
    pub(super) async fn steps(&self, after: TokenId) -> Result<impl Iterator<Item = (i64, i64)>, StoreError> {
        let last: i64 = self
            .read(async |c| Ok(c.query(E::STATEMENTS.tokens.last_token).fetch_one().await?.int("last")?))
            .await?;
        let size = i64::try_from(STEP).unwrap_or(i64::MAX);
        Ok((after.0..last).step_by(STEP).map(move |from| (from, from.saturating_add(size))))
    }

    /// Counts the tokens of a merchant, or of all, by state, reason and days until they expire.
    pub(super) async fn count_by_state(
        &self,
        merchant: Option<&MerchantName>,
    ) -> Result<Vec<TokenCount>, StoreError> {
        let mut counted = BTreeMap::<_, TokenCount>::new();
        for (after, until) in self.steps(TokenId::START).await? {
            let rows = self
                .read(async |c| {
                    let counts = c.query(E::STATEMENTS.keeper.token_counts).bind(merchant).bind(self.now());
                    counts.bind(after).bind(until).fetch_all().await
                })
                .await?;
            for row in &rows {
                let more = token_count(row)?;
                let group = (more.state.as_str(), more.reason.map(DeadReason::as_str), more.days);
                counted.entry(group).and_modify(|count| count.tokens += more.tokens).or_insert(more);
            }
        }
        Ok(counted.into_values().collect())
    }

    /// Counts the tokens of each merchant and provider.
    pub(super) async fn count_by_provider(&self) -> Result<Vec<ProviderTokens>, StoreError> {
        let mut counted = BTreeMap::<(MerchantName, Provider), u64>::new();
        for (after, until) in self.steps(TokenId::START).await? {
            let rows = self
                .read(async |c| {
                    let counts = c.query(E::STATEMENTS.providers.tokens_by_provider);
                    counts.bind(after).bind(until).fetch_all().await
                })
                .await?;
            for row in &rows {
                if let Some(provider) = row.provider("provider")? {
                    *counted.entry((row.merchant()?, provider)).or_default() += row.count("tokens")?;
                }
            }
        }
        let of_provider = |((merchant, provider), tokens)| ProviderTokens { merchant, provider, tokens };
        Ok(counted.into_iter().map(of_provider).collect())
    }

    /// Counts the tokens whose encrypted value has this beginning.
    pub(super) async fn count_sealed(&self, beginning: &[u8]) -> Result<u64, StoreError> {
        let mut tokens = 0;
        for (after, until) in self.steps(TokenId::START).await? {
            tokens += self
                .read(async |c| {
                    let count = c.query(E::STATEMENTS.keys.sealed_tokens).bind(beginning);
                    Ok(count.bind(after).bind(until).fetch_one().await?.count("tokens")?)
                })
                .await?;
        }
        Ok(tokens)
    }
}
