//! Who the shopper is: id_tokens are verified against their issuers' published keys.

mod id_token;
pub(crate) mod jwks;
mod payload;

pub use self::id_token::IdTokens;
#[cfg(feature = "fuzzing")]
pub(crate) use self::id_token::{signed_payload, validation};
#[cfg(feature = "fuzzing")]
pub(crate) use self::payload::Payload;

/// Why an `id_token` is not believed. No claim is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Not a JWT, or one without `exp`, `iss`, `aud` or `sub`.
    #[error("the id_token is malformed")]
    Malformed,
    /// Signed otherwise than with RS256 or ES256.
    #[error("the id_token is signed with an algorithm that is not allowed")]
    Algorithm,
    /// The issuer's key set has no such key.
    #[error("the id_token names a signing key that its issuer does not publish")]
    UnknownKey,
    /// The issuer's keys have not been fetched yet, and cannot be at present.
    #[error("the issuer's signing keys are not available")]
    KeysUnavailable,
    /// The signature is not the named key's.
    #[error("the id_token's signature is wrong")]
    Signature,
    /// Not one of the merchant's issuers.
    #[error("the id_token is from another issuer")]
    Issuer,
    /// Meant for another client than the merchant's.
    #[error("the id_token is for another client")]
    Audience,
    /// Expired, or not yet valid, when it was received.
    #[error("the id_token was not valid when it was received")]
    Expired,
}
