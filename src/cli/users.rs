//! `users`

mod erase;
mod export;
mod rename;
mod revoke;

use super::audited::Audited;
use super::user_args::UserArgs;
use super::{CliError, Context, Exit};
use crate::audit::Action;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Erase all data of a user
    ///
    /// Deletes the token and everything stored with it, the bodies and results of orders, and
    /// webhooks. Orders and the ledger stay under a random name. Orders that have not ended are
    /// cancelled. Backups are not changed: erase the user there too.
    Erase(UserChoice),
    /// Print everything that is stored of a user, as JSON
    ///
    /// For a request under article 15 of the GDPR: the state and history of the token, orders with
    /// their bodies, and webhooks. Secrets are left out.
    Export(export::Args),
    /// Sign a user out at Klarna: revoke the token there, and forget it here
    ///
    /// The token is deleted at once. A running worker revokes it within seconds; if Klarna does not
    /// answer, it tries again for a day. `tokens forget` and `users erase` do the same, unless the
    /// merchant's setting `revoke_on_forget` is off.
    Revoke(UserChoice),
    /// Give a user another name, or merge two users
    ///
    /// Moves the token, its history and open orders to the new name in one step, then ended orders
    /// and webhooks in batches, also while the service runs. If both names have a token, forget one
    /// first. If the shop still uses the old name for a while, run the command again afterwards: it
    /// moves what came since.
    Rename(rename::Args),
}

/// A user, and whether to ask before something is done to them.
#[derive(Debug, clap::Args)]
pub(super) struct UserChoice {
    #[command(flatten)]
    user: UserArgs,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Command {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Audited {
        match self {
            Self::Erase(choice) => Audited::new(Action::UserErase).about(choice.user.key()),
            Self::Export(args) => args.audited(),
            Self::Revoke(choice) => Audited::new(Action::UserRevoke).about(choice.user.key()),
            Self::Rename(args) => args.audited(),
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Erase(choice) => erase::run(choice, context),
            Self::Export(args) => args.run(context),
            Self::Revoke(choice) => revoke::run(choice, context),
            Self::Rename(args) => args.run(context),
        }
    }
}
