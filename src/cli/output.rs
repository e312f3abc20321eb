//! What commands print: results on standard output, errors on standard error.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};

use clap::ValueEnum;
use console::{Term, style};
use serde::Serialize;
use serde_json::json;

use super::{CliError, Table};

/// Whom the output is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// People.
    #[default]
    Human,
    /// Scripts: one JSON value a line.
    Json,
}

/// Standard output, in the format that the user asked for.
#[derive(Clone, Debug)]
pub struct Output {
    format: Format,
    /// The terminal's columns; `None` where the output is piped.
    width: Option<usize>,
}

impl Output {
    /// The process's standard output.
    #[must_use]
    pub fn stdout(format: Format) -> Self {
        let columns = Term::stdout().size_checked().map(|(_, columns)| columns.into());
        Self { format, width: columns.filter(|_| Term::stdout().is_term()) }
    }

    /// The same for scripts.
    #[must_use]
    pub fn as_json(&self) -> Self {
        Self { format: Format::Json, ..self.clone() }
    }

    /// The format that the user asked for.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Prints a line of `human` or of `json`, as the user asked.
    ///
    /// # Errors
    /// Where standard output takes no more.
    pub fn print(&self, human: impl Display, json: &impl Serialize) -> Result<(), CliError> {
        match self.format {
            Format::Human => write_line(&human),
            Format::Json => {
                let line = serde_json::to_string(json).map_err(|error| CliError::failed("write JSON", error))?;
                write_line(&line)
            }
        }
    }

    /// Prints rows as a table that fits the terminal, or as a JSON object a line.
    ///
    /// # Errors
    /// Where standard output takes no more.
    pub fn table<Row: Serialize>(&self, rows: &[Row], table: impl FnOnce(&[Row]) -> Table) -> Result<(), CliError> {
        match self.format {
            Format::Human => write_line(&table(rows).fitted(self.width)),
            Format::Json => rows.iter().try_for_each(|row| self.print("", row)),
        }
    }

    /// Tells people what they may want to do next, on standard error; scripts are told nothing.
    pub fn hint(&self, hint: impl Display) {
        if self.format == Format::Human {
            // It is of no use to anybody where standard error is closed.
            let _ = writeln!(io::stderr(), "{hint}");
        }
    }
}

fn write_line(line: &impl Display) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(CliError::Output)
}

/// Tells an error and its causes on standard error.
pub fn tell(format: Format, error: &CliError) {
    if error.is_broken_pipe() {
        return;
    }
    let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
    let told = match format {
        Format::Human => {
            let line = format!("{} {error}", style("error:").for_stderr().red().bold());
            [vec![line], causes].concat().join("\n  because: ")
        }
        Format::Json => json!({ "error": error.to_string(), "causes": causes }).to_string(),
    };
    // Where standard error is closed, nobody is left to tell.
    let _ = writeln!(io::stderr(), "{told}");
}

/// The sources of an error, without those that its own text shows already.
fn causes(error: &CliError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first = match error {
        CliError::Settings(_) => None,
        other => other.source(),
    };
    std::iter::successors(first, |&error| error.source())
}
