//! The storage trait for refresh tokens: rows, and what is done with them. What is sealed comes and goes sealed.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{ClaimAttempt, StoreError};
use crate::token::{
    CachedTokens, ExchangeEnd, Intent, LedgerCursor, LedgerEntry, NewToken, Registered, Settled, TokenState, TokenView,
};

/// Which tokens a list shows, by merchant and user.
#[derive(Clone, Debug, Default)]
pub struct TokenFilter {
    /// Only tokens in this state.
    pub state: Option<TokenState>,
    /// Only this merchant's.
    pub merchant: Option<String>,
    /// Only active tokens that lapse within so long, or have lapsed.
    pub expiring_within: Option<Duration>,
    /// Only rows after this merchant and user: the last of the page before.
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: u32,
}

/// What a store does for tokens.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Registers tokens in one transaction, but those that are known; with `unless_newer` also not over one issued later.
    /// What became of each, in their order.
    async fn register_tokens(&self, tokens: &[NewToken], unless_newer: bool) -> Result<Vec<Registered>, StoreError>;

    /// As [`Tokens::register_tokens`], for one.
    async fn register_token(&self, token: &NewToken, unless_newer: bool) -> Result<Registered, StoreError> {
        let registered = self.register_tokens(std::slice::from_ref(token), unless_newer).await?.pop();
        registered.ok_or_else(|| StoreError::Unreadable("a registration without an outcome".into()))
    }

    /// Deletes the user's secrets and leaves a tombstone. `false` where there was nothing to forget.
    async fn forget_token(&self, merchant: &str, user: &str) -> Result<bool, StoreError>;

    /// One token.
    async fn token(&self, merchant: &str, user: &str) -> Result<Option<TokenView>, StoreError>;

    /// Tokens by merchant and user; no tombstones unless asked for.
    async fn tokens(&self, filter: &TokenFilter) -> Result<Vec<TokenView>, StoreError>;

    /// The ledger of a user's token, newest first: at most `limit` rows, those behind `before` where given.
    async fn ledger(
        &self,
        merchant: &str,
        user: &str,
        before: Option<LedgerCursor>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError>;

    /// Claims the user's token.
    async fn claim_token(&self, merchant: &str, user: &str) -> Result<ClaimAttempt, StoreError>;

    /// Makes sure that an intent whose commit is in doubt can never be acted on: it is closed as `not_sent`, or written
    /// down as such so that a late commit is refused.
    async fn void_intent(&self, intent: &Intent) -> Result<(), StoreError>;

    /// Closes an open intent of a dead holder as unanswered; with `hold` the token waits for an operator.
    async fn close_orphan(&self, exchange: Uuid, token: i64, generation: i64, hold: bool) -> Result<(), StoreError>;

    /// The intents of `holder` that are open, each with its token's merchant.
    async fn open_intents(&self, holder: Uuid) -> Result<Vec<(String, Intent)>, StoreError>;

    /// Writes an exchange's end in a transaction of its own; may be called again and again. A successor that the database is
    /// behind of, since it knows nothing of the exchange, is stored under a new generation, unless its user's token came later.
    /// [`StoreError::Behind`] where it does not know the user either.
    async fn settle_exchange(&self, end: &ExchangeEnd) -> Result<Settled, StoreError>;

    /// What is kept for an order or sweep.
    async fn cached_tokens(&self, purpose: Uuid) -> Result<Option<CachedTokens>, StoreError>;

    /// Deletes what was kept and has lapsed: an end can come so close to an exchange's that neither sees the other.
    async fn delete_lapsed(&self) -> Result<(), StoreError>;

    /// Writes down the first `sub` seen for a user; a later one changes nothing.
    async fn note_subject(&self, merchant: &str, user: &str, subject: &[u8]) -> Result<(), StoreError>;
}
