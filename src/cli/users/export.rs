//! `users export`

use std::io::Write as _;

use crate::api::Export;
use crate::audit::Action;
use crate::cli::audited::Audited;
use crate::cli::user_args::UserArgs;
use crate::cli::{CliError, Context, Exit};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    user: UserArgs,
}

impl Args {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Audited {
        Audited::new(Action::UserExport).about(self.user.key())
    }

    /// Prints the document part by part. It is JSON whatever `--format` says.
    pub(in crate::cli) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let doing = format!("export {}", self.user);
        let failed = |error| CliError::failed(doing.clone(), error);
        context.block_on(async {
            let app = context.app_to_read().await?;
            let (key, now) = (self.user.key(), app.clock.now());
            let export = Export::begin(app.registry(), app.store.clone(), key, now).await.map_err(failed)?;
            // A misspelt name must not look like a user without data.
            let mut export =
                export.ok_or_else(|| CliError::failed(doing.clone(), "no data is stored for this user"))?;
            context.audit_read().await?;
            while let Some(part) = export.part().await.map_err(failed)? {
                std::io::stdout().lock().write_all(part.as_bytes()).map_err(CliError::Output)?;
            }
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(b"\n").and_then(|()| stdout.flush()).map_err(CliError::Output)?;
            Ok(Exit::Done)
        })
    }
}
