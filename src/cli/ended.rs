//! The end of a command whose process exchanged tokens.

use super::output::print_error;
use super::{CliError, Context, Exit};
use crate::app::Ending;

/// Logs how the process ended, and returns its exit code. Call it after the runtime has ended, so
/// that what is left in the spool is in the last line.
///
/// # Errors
/// That of the command, unless the spool has files: these are named first.
pub(super) fn exit_after(
    context: &Context,
    exit: Result<Exit, CliError>,
    ending: Ending,
) -> Result<Exit, CliError> {
    let exit = match exit {
        Err(error) if ending.spooled > 0 && error.exit() != Exit::Outdated => {
            print_error(context.output.format(), &error);
            Ok(Exit::of(ending))
        }
        exit => exit,
    };
    ending.log();
    exit
}
