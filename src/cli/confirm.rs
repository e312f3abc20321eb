//! The confirmation before a change that cannot be undone.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdin};

use super::CliError;

/// Asks for a confirmation on the terminal. With `yes` nothing is asked; `doing` completes "add
/// --yes to …" in the error.
///
/// # Errors
/// There is neither a terminal nor `yes`, or the user did not answer yes.
pub(super) fn ask(yes: bool, doing: &str, question: impl Display) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        let wrong = "this needs a confirmation, and standard input is not a terminal";
        return Err(CliError::Usage(format!("{wrong}: add --yes to {doing}")));
    }
    // If standard error is closed, the answer still counts.
    let _ = write!(stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| CliError::failed("read the answer", error))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(CliError::Aborted)
}
