//! `tokens after-restore`

use crate::app::RestoreReport;
use crate::cli::progress::Progress;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::vault::instance::Replayed;

/// Options of `tokens after-restore`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

/// The question on a terminal.
const QUESTION: &str = "Mark every active token as uncertain, and fail every order that has not ended?";

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, CliError> {
        confirm::ask(self.yes, "mark what may have happened since the backup", QUESTION)?;
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
                format!("{tokens} tokens are uncertain now: decide about them with `tokens resolve`."),
                format!(
                    "{orders} orders failed with database_restored: look them up at Klarna before you \
                    retry them."
                ),
            ];
            let spool = [
                (stored, "held the current token of a user, which is active again"),
                (superseded, "belonged to users who have signed in or were forgotten since"),
                (left, "were not replayed: the log says why"),
            ];
            let told = spool.into_iter().filter(|(files, _)| *files > 0);
            human.extend(told.map(|(files, what)| format!("{files} files of this machine's spool {what}.")));
            context.output.print(human.join("\n"), &doubted)?;
            Ok(if left == 0 { Exit::Done } else { Exit::SomeFailed })
        })
    }
}
