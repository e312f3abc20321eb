//! Encryption at rest: all tokens in the database and the spool are encrypted, each record bound to
//! its row.

mod adopt;
mod cipher;
mod hash;
pub mod keys;
mod reseal;
mod secrets;
pub mod wrapping;

pub use self::adopt::{AdoptedTokens, adopt};
pub use self::cipher::{Binding, Cipher, CipherError};
pub use self::hash::Hasher;
pub use self::reseal::{Resealed, reseal};
pub use self::secrets::Secrets;
pub(super) use self::secrets::{ExchangedTokens, PlainToken};
