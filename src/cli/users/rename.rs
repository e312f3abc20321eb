//! `users rename`

use std::time::Duration;

use serde_json::json;

use crate::audit::Action;
use crate::cli::audited::Audited;
use crate::cli::table::printable;
use crate::cli::{CliError, Context, Exit};
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
    old: String,
    /// The shop's new name for the user
    new: String,
}

impl Args {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Audited {
        Audited::new(Action::UserRename).about(UserKey::new(self.merchant.as_str(), self.old.as_str()))
    }

    pub(in crate::cli) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self { merchant, old, new } = self;
        let parsed =
            |name: &str| UserId::parse(name).map_err(|wrong| CliError::Usage(format!("a user {wrong}")));
        let (user, to) = (parsed(&old)?, parsed(&new)?);
        if user == to {
            return Err(CliError::Usage("both names are the same".into()));
        }
        let from = UserKey { merchant, user };
        let (old, new) = (printable(&old), printable(&new));
        let doing = format!("rename {old} of {} to {new}", printable(from.merchant.as_str()));
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
