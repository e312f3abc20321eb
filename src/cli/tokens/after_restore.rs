//! `tokens after-restore`

use crate::app::RestoreReport;
use crate::cli::progress::Progress;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::vault::instance::Replayed;

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
        confirm::ask(self.yes, "doubt what happened since the backup", QUESTION)?;
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
            let RestoreReport { tokens, orders, spool: Replayed { stored, superseded, left } } = doubted;
            let mut human = vec![
                format!("{tokens} tokens are uncertain now: `tokens resolve` decides about them."),
                format!("{orders} orders failed with database_restored: look for them at Klarna before retrying them."),
            ];
            let spool = [
                (stored, "held the present token of their users, which is active again"),
                (superseded, "were of users who have signed in or were forgotten since"),
                (left, "are left alone: the log says why"),
            ];
            let told = spool.into_iter().filter(|(files, _)| *files > 0);
            human.extend(told.map(|(files, what)| format!("{files} files of this machine's spool {what}.")));
            context.output.print(human.join("\n"), &doubted)?;
            Ok(if left == 0 { Exit::Done } else { Exit::SomeFailed })
        })
    }
}
