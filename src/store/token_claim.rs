//! The claim on one token. The store handles encrypted values only as bytes.

use async_trait::async_trait;

use super::StoreError;
use crate::token::{ClaimedToken, ExchangeEnd, Intended, Intent, Settled};

/// The result of claiming a token.
pub enum ClaimAttempt {
    /// There is no row for this user.
    Missing,
    /// Another exchange holds the claim.
    Busy,
    /// The caller holds the claim until it settles or releases it.
    Claimed(Box<dyn TokenClaim>),
}

/// A claim on one token: at most one exists for a token, over all processes.
#[async_trait]
pub trait TokenClaim: Send + Sync {
    /// Returns the row, as it was read under the claim.
    fn token(&self) -> &ClaimedToken;

    /// Makes the intent durable. After an error, it is unknown whether it is durable.
    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError>;

    /// Stores the end of the exchange and releases the claim. After an error, it is unknown whether
    /// the end is stored.
    async fn settle(self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError>;

    /// Releases the claim and writes nothing.
    async fn release(self: Box<Self>);
}
