//! The claim on one token, and what is written under it. What is sealed comes and goes sealed.

use async_trait::async_trait;

use super::StoreError;
use crate::token::{ClaimedToken, ExchangeEnd, Intended, Intent, Settled};

/// What a claim gave.
pub enum ClaimAttempt {
    /// No row for this user.
    Missing,
    /// Another holds the claim.
    Busy,
    /// The caller's until it is settled or released.
    Claimed(Box<dyn TokenClaim>),
}

/// A claim on one token: at most one exists for a token, over all processes.
#[async_trait]
pub trait TokenClaim: Send + Sync {
    /// The row, as read under the claim.
    fn token(&self) -> &ClaimedToken;

    /// Makes the intent durable. An error leaves its outcome unknown.
    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError>;

    /// Writes the exchange's end and gives the claim up. An error leaves the outcome unknown.
    async fn settle(self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError>;

    /// Gives the claim up with nothing written.
    async fn release(self: Box<Self>);
}
