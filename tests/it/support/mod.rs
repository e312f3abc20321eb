//! What tests stand on.

#[path = "../../support/faults.rs"]
pub mod faults;
#[path = "../../support/issuer.rs"]
pub mod issuer;
#[path = "../../support/merchant.rs"]
pub mod merchant;
#[path = "../../support/postgres.rs"]
mod postgres;
mod raw;
pub mod stores;
