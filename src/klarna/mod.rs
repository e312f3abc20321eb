//! Everything that speaks HTTP to Klarna: the token endpoint, the revocation endpoint, the create
//! call of each target (`create`), the calls about orders and sessions that exist (`session`), the
//! key sets that sign id_tokens, the OpenID documents (`discovery`), and `doctor`'s probes of them.
//! Every call uses [`http`], which has the rules that a single-use token needs. [`breakers`] has
//! the circuit breakers of the calls to each target.

pub mod accepted_credentials;
mod authorization;
pub mod breakers;
mod client_auth;
mod client_tls;
pub mod create;
pub mod discovery;
pub(crate) mod encoding;
mod fields;
pub mod http;
pub(crate) mod key_set;
mod large_answer;
pub(crate) mod order_error;
pub(crate) mod pauses;
pub mod probe;
pub(crate) mod redact;
pub mod revoke;
pub mod session;
pub mod token;
