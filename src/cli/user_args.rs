//! The user that a command is about.

use std::fmt;

use super::table::printable;
use crate::ids::{MerchantName, UserId, UserKey};

/// Names a user of a merchant.
#[derive(Debug, clap::Args)]
pub(super) struct UserArgs {
    /// The merchant's name in the settings
    pub(super) merchant: MerchantName,
    /// The shop's name for the user
    #[arg(value_parser = user)]
    pub(super) user: UserId,
}

/// Checks the name of a user.
pub(super) fn user(name: &str) -> Result<UserId, String> {
    UserId::parse(name).map_err(|wrong| format!("the user {wrong}"))
}

impl UserArgs {
    pub(super) fn key(&self) -> UserKey {
        UserKey { merchant: self.merchant.clone(), user: self.user.clone() }
    }
}

impl fmt::Display for UserArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", printable(self.user.as_str()), printable(self.merchant.as_str()))
    }
}
