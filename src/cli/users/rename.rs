//! `users rename`

use std::time::Duration;

use serde_json::json;

use crate::audit::Action;
use crate::cli::audited::Audited;
use crate::cli::table::printable;
use crate::cli::user_args::user;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::ids::{MerchantName, UserId, UserKey};
use crate::store::{Moved, Renamed};
use crate::vault::{BEING_ERASED, BOTH_HAVE_TOKENS, BUSY};

/// How long the command waits for an order that a worker has.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The merchant's name in the settings
    merchant: MerchantName,
    /// The shop's old name for the user
    #[arg(value_parser = user)]
    old: UserId,
    /// The shop's new name for the user
    #[arg(value_parser = user)]
    new: UserId,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Args {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Audited {
        Audited::new(Action::UserRename).about(self.from())
    }

    fn from(&self) -> UserKey {
        UserKey { merchant: self.merchant.clone(), user: self.old.clone() }
    }

    pub(in crate::cli) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let (from, to, yes) = (self.from(), self.new, self.yes);
        if from.user == to {
            return Err(CliError::Usage("both names are the same".into()));
        }
        let (old, new) = (printable(from.user.as_str()), printable(to.as_str()));
        let doing = format!("rename {old} of {} to {new}", printable(from.merchant.as_str()));
        let question = format!(
            "Move token, orders and webhooks of {old} to {new}? If {new} has data, the two cannot be told apart \
             afterwards."
        );
        confirm::ask(yes, &doing, question)?;
        context.block_on(async {
            let renamed = context.app().await?.renamer().rename(&from, &to, PATIENCE).await;
            let moved = match renamed.map_err(|error| CliError::failed(doing.clone(), error))? {
                Renamed::Done(moved) if moved == Moved::default() => {
                    return Err(CliError::failed(doing, "no data is stored for this user"));
                }
                Renamed::Done(moved) => moved,
                Renamed::BothHaveTokens => return Err(CliError::failed(doing, BOTH_HAVE_TOKENS)),
                Renamed::Busy => return Err(CliError::failed(doing, BUSY)),
                Renamed::BeingErased => return Err(CliError::failed(doing, BEING_ERASED)),
            };
            let Moved { token, orders, webhooks } = moved;
            let what = if token { "the token" } else { "no token" };
            let human = format!("Moved to {new}: {what}, {orders} orders, {webhooks} webhooks.");
            context
                .output
                .print(human, &json!({ "token": token, "orders": orders, "webhooks": webhooks }))?;
            Ok(Exit::Done)
        })
    }
}
