//! Tokens as the store writes them: never in clear text.

use crate::ids::{MerchantName, Provider, PurposeId, TokenId, TokenVersion};

/// What an encrypted refresh token is bound to. It can be decrypted only for exactly this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFor {
    /// The merchant of the row.
    pub merchant: MerchantName,
    /// The row, and the generation of the token in it.
    pub version: TokenVersion,
    /// The provider that issued the token.
    pub provider: Provider,
}

/// What encrypted cached tokens are bound to. They can be decrypted only for exactly this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedFor {
    /// The order or vend that they were fetched for.
    pub purpose: PurposeId,
    /// The merchant of the row.
    pub merchant: MerchantName,
    /// The row of the refresh token that they came from.
    pub token: TokenId,
    /// The generation with which the grant began that they came from.
    pub grant_generation: i64,
    /// The provider that issued them.
    pub provider: Provider,
}

/// A refresh token that the store cannot read. The row and generation that a token gets are known
/// only within the transaction that stores it, so the store asks for the encrypted form there.
pub trait TokenSecret: Send + Sync {
    /// Returns the token, encrypted for its row.
    ///
    /// # Errors
    /// Why it cannot be encrypted, in words that reveal nothing of it.
    fn seal(&self, sealed_for: &SealedFor) -> Result<Vec<u8>, String>;

    /// Returns the keyed hash of the token as one of this provider.
    fn hash(&self, provider: Provider) -> [u8; 32];
}
