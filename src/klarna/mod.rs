//! Everything that speaks HTTP to Klarna: the token endpoint, Checkout, the key sets that sign id_tokens, and an
//! operator's probes of all three. Every call goes through [`http`], which holds the rules that a single-use token needs.

pub mod checkout;
pub mod http;
pub(crate) mod jwks;
pub mod probe;
pub(crate) mod redact;
pub mod token;
