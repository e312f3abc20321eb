//! `users`

mod erase;

use super::{CliError, Context, Exit};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Erase all of a user's data, as data protection may ask
    ///
    /// The token and what was kept from it, bodies and results of orders, and webhooks are deleted; orders and ledger stay under a
    /// random name. Orders that have not ended are cancelled. Backups are yours to see to.
    Erase(erase::Args),
}

impl Command {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Erase(args) => args.run(context),
        }
    }
}
