//! `tokens after-restore`

use super::confirmed;
use crate::cli::progress::Progress;
use crate::cli::{CliError, Context, Exit};

/// Whether to ask.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// What is asked on a terminal.
const QUESTION: &str = "Doubt every active token, and fail every order that has not ended?";

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, CliError> {
        if !self.yes && !confirmed(QUESTION)? {
            return Err(CliError::failed("doubt the tokens", "the answer was not yes"));
        }
        context.block_on(async {
            let app = context.app().await?;
            let progress = Progress::new(&context.output, None);
            let doubted = app
                .after_restore(|so_far| {
                    let told = format!("{} tokens, {} orders", so_far.tokens, so_far.orders);
                    progress.at(so_far.tokens + so_far.orders, told);
                })
                .await?;
            drop(progress);
            let human = format!(
                "{} tokens are uncertain now: `tokens resolve` decides about them.\n\
                 {} orders failed with database_restored: look for them at Klarna before retrying them.",
                doubted.tokens, doubted.orders
            );
            context.output.print(human, &doubted)?;
            Ok(Exit::Done)
        })
    }
}
