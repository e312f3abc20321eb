//! Everything that speaks HTTP to Klarna: the token endpoint, Checkout, the key sets that sign
//! id_tokens, and `doctor`'s probes of all three. Every call uses [`http`], which has the rules
//! that a single-use token needs.

mod authorization;
pub mod checkout;
mod encoding;
pub mod http;
pub(crate) mod jwks;
pub mod probe;
pub(crate) mod redact;
pub mod token;
