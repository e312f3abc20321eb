//! `openapi`

use std::io::Write;

use super::{CliError, Exit};
use crate::api;

/// Prints the API description. It is JSON whatever `--format` says.
pub(super) fn run() -> Result<Exit, CliError> {
    let document = api::document().map_err(|error| CliError::failed("describe the API", error))?;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(document.as_bytes()).and_then(|()| stdout.flush()).map_err(CliError::Output)?;
    Ok(Exit::Done)
}
