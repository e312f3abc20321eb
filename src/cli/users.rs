//! `users`

mod erase;

use super::{CliError, Context, Exit};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Erase all data of a user
    ///
    /// Deletes the token and everything stored with it, the bodies and results of orders, and
    /// webhooks. Orders and the ledger stay under a random name. Orders that have not ended are
    /// cancelled. Backups are not changed: erase the user there too.
    Erase(erase::Args),
}

impl Command {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Erase(args) => args.run(context),
        }
    }
}
