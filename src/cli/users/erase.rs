//! `users erase`

use std::io::{IsTerminal, Write, stderr, stdin};

use serde_json::json;

use crate::cli::table::printable;
use crate::cli::{CliError, Context, Exit};
use crate::order::check_name;
use crate::store::Erased;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The merchant's name in the settings
    merchant: String,
    /// The shop's name for the user
    user: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Args {
    pub(in crate::cli) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self { merchant, user, yes } = self;
        check_name(&user).map_err(|wrong| CliError::Usage(format!("the user {wrong}")))?;
        let whose = format!("{} of {}", printable(&user), printable(&merchant));
        if !yes && !confirmed(&whose)? {
            return Err(CliError::failed("erase the user", "the answer was not yes"));
        }
        context.block_on(async {
            let store = context.app().await?.store;
            let erased = store.erase_user(&merchant, &user).await;
            let erased = erased.map_err(|error| CliError::failed(format!("erase {whose}"), error))?;
            // A misspelt name must not pass for an erasure.
            if erased == Erased::default() {
                return Err(CliError::failed(format!("erase {whose}"), "nothing is known of a user of this name"));
            }
            let Erased { token, orders, cancelled, webhooks } = erased;
            let human = format!(
                "Erased: {}, {orders} orders ({cancelled} of them cancelled), {webhooks} webhooks.",
                if token { "the token" } else { "no token" }
            );
            let json = json!({ "token": token, "orders": orders, "cancelled": cancelled, "webhooks": webhooks });
            context.output.print(human, &json)?;
            Ok(Exit::Done)
        })
    }
}

/// Asks on a terminal. Elsewhere nobody can answer, and `--yes` must say it.
fn confirmed(whose: &str) -> Result<bool, CliError> {
    if !stdin().is_terminal() {
        return Err(CliError::Usage(format!("nobody can be asked here: add --yes to erase {whose}")));
    }
    // Where standard error is closed the answer still counts.
    let _ = write!(stderr(), "Erase all data of {whose}? It cannot be undone. [y/N] ");
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| CliError::failed("read the answer", error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
