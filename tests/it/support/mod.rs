//! What tests stand on.

#[expect(dead_code, reason = "shared with the tests of the HTTP calls, which use the rest")]
#[path = "../../support/faults.rs"]
pub mod faults;
#[expect(dead_code, reason = "shared with the tests of the HTTP calls, which use the rest")]
#[path = "../../support/issuer.rs"]
pub mod issuer;
pub mod klarna;
#[path = "../../support/merchant.rs"]
pub mod merchant;
#[path = "../../support/postgres.rs"]
mod postgres;
pub mod raw;
pub mod stores;
