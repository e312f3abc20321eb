//! `instance`: the instance folder of the settings.

use clap::Subcommand;
use serde_json::json;

use super::{CliError, Context, Exit};
use crate::app::{AppError, renew_instances};

/// Commands about the instance folder.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a copied or moved instance folder (`vault.instance_dir`) an instance of its own
    ///
    /// A start is refused if the folder was used on another machine last, or if a process with the
    /// same folder, or the one that it was copied from, still sends heartbeats. This gives the
    /// folder, and that of `refresh` beside it, another id. What lies in its spool stays, and the
    /// next start stores it. Processes with the old id count as dead only once they have been
    /// silent for long enough.
    New,
}

impl Command {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self::New = self;
        let settings = context.settings()?;
        let ids = renew_instances(&settings).map_err(AppError::from)?;
        let folder = settings.vault.instance_dir.display();
        let told = match ids.first() {
            Some(id) => format!("{folder} is an instance of its own now: {id}"),
            None => format!("there is no folder {folder} yet; the first start makes it"),
        };
        context.output.print(told, &json!({ "instances": ids }))?;
        Ok(Exit::Done)
    }
}
