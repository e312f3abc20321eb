//! Asking before something that cannot be undone.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdin};

use super::CliError;

/// Asks on a terminal. Elsewhere nobody can answer, and `--yes` must say it; `doing` follows "--yes to".
///
/// # Errors
/// Where nobody can be asked, or the answer was not yes.
pub(super) fn ask(yes: bool, doing: &str, question: impl Display) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        return Err(CliError::Usage(format!("nobody can be asked here: add --yes to {doing}")));
    }
    // Where standard error is closed the answer still counts.
    let _ = write!(stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| CliError::failed("read the answer", error))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(CliError::failed(doing, "the answer was not yes"))
}
