//! The storage trait for providers: how many tokens each issued, moving tokens to another address,
//! and stopping merchants after too many rejections.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore, by, transaction_by};
use super::keys::sealed_token;
use super::known::know;
use super::{SealedToken, StoreError};
use crate::ids::{MerchantName, Provider, TokenId};
use crate::token::{LATEST, ProviderAnswer, Streak};

/// A merchant's tokens of one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderTokens {
    /// The merchant.
    pub merchant: MerchantName,
    /// The provider that issued them.
    pub provider: Provider,
    /// How many there are, those that were rejected included.
    pub tokens: u64,
}

/// A merchant that is stopped because too many of its tokens were rejected in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedMerchant {
    /// The merchant.
    pub merchant: MerchantName,
    /// The provider that rejected them.
    pub provider: Provider,
    /// When it was stopped.
    pub since: DateTime<Utc>,
    /// How many users' tokens were rejected in a row.
    pub rejections: u64,
}

/// A token to move to another provider.
#[derive(Clone)]
pub struct AdoptedToken {
    /// The row.
    pub token: TokenId,
    /// The encrypted token that the row must still have.
    pub from: Vec<u8>,
    /// The same token, encrypted for the other provider.
    pub to: Vec<u8>,
    /// The keyed hash of the token as one of the other provider.
    pub hash: [u8; 32],
}

/// The result of moving a token to another provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It is a token of the other provider now.
    Moved,
    /// The row has another token by now. Nothing changed.
    Changed,
    /// The same token was registered for another user at the other provider. Nothing changed.
    HeldElsewhere,
}

/// What a store does for providers.
#[async_trait]
pub trait Providers: Send + Sync {
    /// Counts the tokens of each merchant and provider. Reads all tokens, so do not call it often.
    async fn tokens_by_provider(&self) -> Result<Vec<ProviderTokens>, StoreError>;

    /// Writes down that two providers are the same one. From then on, a token that a row has or had
    /// from one of them is known as a token of the other.
    async fn join_providers(&self, provider: Provider, adopted: Provider) -> Result<(), StoreError>;

    /// Returns up to `limit` encrypted tokens of a merchant and provider, ordered by row id, after
    /// the row `after`.
    async fn sealed_by(
        &self,
        merchant: &MerchantName,
        provider: Provider,
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<SealedToken>, StoreError>;

    /// Moves tokens to another provider, in one transaction. Returns a result for each, in the same
    /// order.
    async fn adopt_tokens(&self, tokens: &[AdoptedToken], to: Provider) -> Result<Vec<Adopted>, StoreError>;

    /// Counts how many of the merchant's tokens the provider rejected in a row, and stops the
    /// merchant if there are too many for chance. The first probe may then be sent after `pause`.
    async fn judge_rejections(
        &self,
        merchant: &MerchantName,
        provider: Provider,
        pause: Duration,
    ) -> Result<Streak, StoreError>;

    /// Takes the next probe of a stopped merchant, if it may be sent now. The following one may be
    /// sent after `pause`. Returns `false` if another process took it, or the merchant is no longer
    /// stopped.
    async fn take_probe(
        &self,
        merchant: &MerchantName,
        provider: Provider,
        pause: Duration,
    ) -> Result<bool, StoreError>;

    /// Records that the provider granted a token of the merchant. This ends a stop of the merchant.
    async fn prove_provider(&self, merchant: &MerchantName, provider: Provider) -> Result<(), StoreError>;

    /// Returns the stopped merchants.
    async fn stopped_merchants(&self) -> Result<Vec<StoppedMerchant>, StoreError>;

    /// Allows the next probe of a stopped merchant at once; of all merchants if `None`.
    async fn probe_now(&self, merchant: Option<&MerchantName>) -> Result<(), StoreError>;
}

#[async_trait]
impl<E: Engine> Providers for SqlStore<E> {
    async fn tokens_by_provider(&self) -> Result<Vec<ProviderTokens>, StoreError> {
        self.count_by_provider().await
    }

    async fn join_providers(&self, provider: Provider, adopted: Provider) -> Result<(), StoreError> {
        self.write(async |c| {
            c.query(E::STATEMENTS.providers.join_providers).bind(&provider).bind(&adopted).execute().await?;
            Ok(())
        })
        .await
    }

    async fn sealed_by(
        &self,
        merchant: &MerchantName,
        provider: Provider,
        after: TokenId,
        limit: u32,
    ) -> Result<Vec<SealedToken>, StoreError> {
        for (after, until) in self.steps(after).await? {
            let rows = self
                .read(async |c| {
                    let list = c.query(E::STATEMENTS.providers.sealed_by).bind(merchant).bind(&provider);
                    list.bind(after).bind(limit).bind(until).fetch_all().await
                })
                .await?;
            if !rows.is_empty() {
                return rows.iter().map(sealed_token).collect();
            }
        }
        Ok(Vec::new())
    }

    async fn adopt_tokens(&self, tokens: &[AdoptedToken], to: Provider) -> Result<Vec<Adopted>, StoreError> {
        self.transaction(async |c| {
            let mut adopted = Vec::with_capacity(tokens.len());
            for token in tokens {
                adopted.push(adopt(c, self.now(), token, to).await?);
            }
            Ok(adopted)
        })
        .await
    }

    async fn judge_rejections(
        &self,
        merchant: &MerchantName,
        provider: Provider,
        pause: Duration,
    ) -> Result<Streak, StoreError> {
        let sql = &E::STATEMENTS.providers;
        transaction_by::<E, _>(self.engine.urgent().await?, async |c| {
            let answers =
                c.query(sql.latest_answers).bind(merchant).bind(&provider).bind(LATEST).fetch_all().await?;
            let answers = answers.iter().map(provider_answer).collect::<Result<Vec<_>, _>>()?;
            let streak = Streak::of(&answers);
            if streak.is_suspicious() {
                let stop = c.query(sql.stop).bind(merchant).bind(&provider).bind(streak.length);
                stop.bind(self.now()).bind(pause).execute().await?;
            }
            Ok(streak)
        })
        .await
    }

    async fn take_probe(
        &self,
        merchant: &MerchantName,
        provider: Provider,
        pause: Duration,
    ) -> Result<bool, StoreError> {
        by::<E, _>(self.engine.urgent().await?, async |c| {
            let take =
                c.query(E::STATEMENTS.providers.take_probe).bind(merchant).bind(&provider).bind(self.now());
            Ok(take.bind(pause).execute().await? == 1)
        })
        .await
    }

    async fn prove_provider(&self, merchant: &MerchantName, provider: Provider) -> Result<(), StoreError> {
        let sql = &E::STATEMENTS.providers;
        transaction_by::<E, _>(self.engine.urgent().await?, async |c| {
            c.query(sql.prove).bind(merchant).bind(&provider).execute().await?;
            c.query(sql.disprove_others).bind(merchant).bind(&provider).execute().await?;
            Ok(())
        })
        .await
    }

    async fn stopped_merchants(&self) -> Result<Vec<StoppedMerchant>, StoreError> {
        self.read(async |c| {
            let rows = c.query(E::STATEMENTS.providers.stopped).fetch_all().await?;
            rows.iter().filter_map(|row| stopped_merchant(row).transpose()).collect()
        })
        .await
    }

    async fn probe_now(&self, merchant: Option<&MerchantName>) -> Result<(), StoreError> {
        self.write(async |c| {
            c.query(E::STATEMENTS.providers.probe_now).bind(merchant).bind(self.now()).execute().await?;
            Ok(())
        })
        .await
    }
}

async fn adopt<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    token: &AdoptedToken,
    to: Provider,
) -> Result<Adopted, StoreError> {
    // The token came when it came. A later time would make a successor that a spool still holds
    // look superseded.
    let came =
        c.query(E::STATEMENTS.tokens.last_came).bind(token.token).fetch_one().await?.opt_time("came_at")?;
    let known = match came {
        Some(came) => know(c, token.token, &token.hash, came).await?,
        None => know(c, token.token, &token.hash, now).await?,
    };
    if !known {
        let holder = c.query(E::STATEMENTS.tokens.holder).bind(&token.hash).fetch_optional().await?;
        if holder.map(|row| row.token("id")).transpose()? != Some(token.token) {
            return Ok(Adopted::HeldElsewhere);
        }
    }
    let adopt =
        c.query(E::STATEMENTS.providers.adopt).bind(token.token).bind(&token.from).bind(&to).bind(&token.to);
    Ok(if adopt.execute().await? == 1 { Adopted::Moved } else { Adopted::Changed })
}

fn provider_answer(row: &impl Columns) -> Result<ProviderAnswer, StoreError> {
    Ok(ProviderAnswer { token: row.token("token_id")?, rejected: row.flag("rejected")? })
}

fn stopped_merchant(row: &impl Columns) -> Result<Option<StoppedMerchant>, StoreError> {
    let (merchant, since, rejections) = (row.merchant()?, row.time("stopped_at")?, row.count("rejections")?);
    Ok(row.provider("provider")?.map(|provider| StoppedMerchant { merchant, provider, since, rejections }))
}
