//! The storage trait for operators' decisions about tokens that may or may not have been used.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, Query, SqlStore};
use super::token_view::token_view;
use super::tokens::view;
use super::{StoreError, Tokens, last_id};
use crate::ids::{MerchantName, TokenId, UserKey};
use crate::token::{DeadReason, Resolution, Resolved, TokenState};

/// Selects `uncertain` tokens.
#[derive(Clone, Debug, Default)]
pub struct Doubtful {
    /// Only this merchant's tokens.
    pub merchant: Option<MerchantName>,
    /// Only tokens that became uncertain before this time.
    pub before: Option<DateTime<Utc>>,
}

/// Selects tokens that were rejected, including those rejected after their expiry.
#[derive(Clone, Debug, Default)]
pub struct RejectedTokens {
    /// Only this merchant's tokens.
    pub merchant: Option<MerchantName>,
    /// Only tokens that were rejected at this time or later.
    pub since: Option<DateTime<Utc>>,
}

/// Storage for decisions about `uncertain` tokens. A decision does not change the generation, so a
/// successor that arrives late still replaces the token.
#[async_trait]
pub trait Resolving: Tokens {
    /// Applies a decision to one token.
    async fn resolve_token(&self, key: &UserKey, resolution: Resolution) -> Result<Resolved, StoreError>;

    /// Returns how many tokens need a decision.
    async fn count_uncertain(&self, which: &Doubtful) -> Result<u64, StoreError>;

    /// Applies a decision to up to `limit` tokens with an id above `after`, in one transaction.
    /// Returns how many there were, and the last one's id; `None` if there are no more.
    async fn resolve_tokens(
        &self,
        which: &Doubtful,
        resolution: Resolution,
        after: TokenId,
        limit: u32,
    ) -> Result<Option<(u64, TokenId)>, StoreError>;

    /// Counts rejected tokens.
    async fn count_rejected(&self, which: &RejectedTokens) -> Result<u64, StoreError>;

    /// Makes a rejected token active again. Returns `false` if it is not rejected, or is not stored
    /// any more.
    async fn retry_rejected_token(&self, key: &UserKey) -> Result<bool, StoreError>;

    /// Makes up to `limit` rejected tokens with an id above `after` active again, in one
    /// transaction. Returns how many there were, and the last one's id; `None` if there are no
    /// more.
    async fn retry_rejected(
        &self,
        which: &RejectedTokens,
        after: TokenId,
        limit: u32,
    ) -> Result<Option<(u64, TokenId)>, StoreError>;
}

#[async_trait]
impl<E: Engine> Resolving for SqlStore<E> {
    async fn resolve_token(&self, key: &UserKey, resolution: Resolution) -> Result<Resolved, StoreError> {
        self.transaction(async |c| {
            let resolve = decided(c, E::STATEMENTS.resolving.resolve, self.now(), resolution);
            if let Some(row) = resolve.bind_user(key).fetch_optional().await? {
                return Ok(Resolved::Done(token_view(&row)?));
            }
            Ok(view(c, key).await?.map_or(Resolved::Missing, Resolved::NotUncertain))
        })
        .await
    }

    async fn count_uncertain(&self, which: &Doubtful) -> Result<u64, StoreError> {
        self.read(async |c| {
            let count =
                c.query(E::STATEMENTS.resolving.count_uncertain).bind(&which.merchant).bind(which.before);
            Ok(count.fetch_one().await?.count("tokens")?)
        })
        .await
    }

    async fn resolve_tokens(
        &self,
        which: &Doubtful,
        resolution: Resolution,
        after: TokenId,
        limit: u32,
    ) -> Result<Option<(u64, TokenId)>, StoreError> {
        self.transaction(async |c| {
            let resolve = decided(c, E::STATEMENTS.resolving.resolve_all, self.now(), resolution)
                .bind(&which.merchant)
                .bind(which.before)
                .bind(after)
                .bind(limit);
            last_id(&resolve.fetch_all().await?)
        })
        .await
    }

    async fn count_rejected(&self, which: &RejectedTokens) -> Result<u64, StoreError> {
        self.read(async |c| {
            let count =
                c.query(E::STATEMENTS.resolving.count_rejected).bind(&which.merchant).bind(which.since);
            Ok(count.fetch_one().await?.count("tokens")?)
        })
        .await
    }

    async fn retry_rejected_token(&self, key: &UserKey) -> Result<bool, StoreError> {
        self.write(async |c| {
            let retry = c.query(E::STATEMENTS.resolving.retry_rejected_token).bind_user(key).bind(self.now());
            Ok(retry.execute().await? > 0)
        })
        .await
    }

    async fn retry_rejected(
        &self,
        which: &RejectedTokens,
        after: TokenId,
        limit: u32,
    ) -> Result<Option<(u64, TokenId)>, StoreError> {
        self.transaction(async |c| {
            let retry =
                c.query(E::STATEMENTS.resolving.retry_rejected).bind(&which.merchant).bind(which.since);
            last_id(&retry.bind(after).bind(limit).bind(self.now()).fetch_all().await?)
        })
        .await
    }
}

/// Binds the first parameters of a statement that writes a decision.
fn decided<'c, E: Engine>(
    c: &'c mut Connection<'_, E>,
    statement: &'static str,
    now: Now,
    resolution: Resolution,
) -> Query<'c, E> {
    let (state, reason) = match resolution {
        Resolution::Retry | Resolution::Present => (TokenState::Active, None),
        Resolution::Dead => (TokenState::ReauthRequired, Some(DeadReason::AnswerLost)),
    };
    c.query(statement)
        .bind(state.as_str())
        .bind(reason.map(DeadReason::as_str))
        .bind(resolution == Resolution::Present)
        .bind(now)
}
