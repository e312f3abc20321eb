//! Who the shopper is: id_tokens are verified against their issuers' published keys.

mod id_token;
pub(crate) mod jwks;
mod payload;

pub use self::id_token::{IdTokenError, IdTokens};
#[cfg(feature = "fuzzing")]
pub(crate) use self::id_token::{signed_payload, validation};
#[cfg(feature = "fuzzing")]
pub(crate) use self::payload::Payload;
