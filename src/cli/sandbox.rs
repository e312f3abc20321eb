//! `sandbox`: runs the stand-in for Klarna in a process of its own.

use super::{CliError, Context, Exit};
use crate::lifecycle::Shutdown;

/// Options of `sandbox`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    command: klarna_sandbox::Command,
}

impl Args {
    /// Serves until a signal arrives.
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.block_on(async {
            // Before anything else: as process 1, a process without a handler ignores its signals.
            let shutdown = Shutdown::install().map_err(|error| CliError::failed("handle signals", error))?;
            let started = self.command.start().await;
            let (sandbox, addresses) = started.map_err(|error| CliError::failed("run the sandbox", error))?;
            context.output.print(&addresses, &addresses)?;
            shutdown.soft().await;
            sandbox.shutdown().await;
            Ok(Exit::Done)
        })
    }
}
