//! What commands print: results on standard output, errors on standard error.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};

use clap::ValueEnum;
use console::{Term, style, truncate_str};
use serde::Serialize;
use serde_json::json;

use super::{CliError, Table};
use crate::telemetry;

/// The format of a command's results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text, for people.
    #[default]
    Human,
    /// One JSON value a line, for scripts.
    Json,
}

/// Standard output in the chosen format.
#[derive(Clone, Debug)]
pub struct Output {
    format: Format,
    /// The width of the terminal in columns; `None` if the output is piped.
    width: Option<usize>,
}

impl Output {
    /// The process's standard output.
    #[must_use]
    pub fn stdout(format: Format) -> Self {
        let columns = Term::stdout().size_checked().map(|(_, columns)| columns.into());
        Self { format, width: columns.filter(|_| Term::stdout().is_term()) }
    }

    /// The same output with the format JSON.
    #[must_use]
    pub fn as_json(&self) -> Self {
        Self { format: Format::Json, ..self.clone() }
    }

    /// The chosen format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Prints `human` or `json` as one line, by the chosen format.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub fn print(&self, human: impl Display, json: &impl Serialize) -> Result<(), CliError> {
        match self.format {
            Format::Human => write_line(&human),
            Format::Json => {
                let line =
                    serde_json::to_string(json).map_err(|error| CliError::failed("write JSON", error))?;
                write_line(&line)
            }
        }
    }

    /// Prints rows as a table that fits the terminal, or as one JSON object on each line.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub fn table<Row: Serialize>(
        &self,
        rows: &[Row],
        table: impl FnOnce(&[Row]) -> Table,
    ) -> Result<(), CliError> {
        match self.format {
            Format::Human => write_line(&table(rows).fitted(self.width)),
            Format::Json => rows.iter().try_for_each(|row| self.print("", row)),
        }
    }

    /// Prints a hint on standard error, unless the format is JSON.
    pub fn hint(&self, hint: impl Display) {
        if self.format == Format::Human {
            telemetry::write_line(&hint.to_string());
        }
    }
}

/// The terminal of standard output, for a command that draws on it again and again.
pub(super) struct Screen(Term);

impl Screen {
    /// The terminal; `None` if standard output is none.
    pub(super) fn of_stdout() -> Option<Self> {
        Some(Term::stdout()).filter(Term::is_term).map(Self)
    }

    /// Its height and width now.
    pub(super) fn size(&self) -> (usize, usize) {
        let (height, width) = self.0.size();
        (height.into(), width.into())
    }

    pub(super) fn clear(&self) -> Result<(), CliError> {
        self.0.clear_screen().map_err(CliError::Output)
    }

    /// Replaces what is drawn by the first lines of `text` that fit, without an empty screen in
    /// between.
    pub(super) fn draw(&self, text: &str, height: usize, width: usize) -> Result<(), CliError> {
        let lines = text.lines().take(height.saturating_sub(1).max(1));
        // After each line, the rest of it is cleared, and at the end all that is below.
        let lines: Vec<_> = lines.map(|line| truncate_str(line, width, "…") + "\u{1b}[K\n").collect();
        let drawn = lines.concat();
        self.0
            .write_str(&format!("\u{1b}[H{drawn}\u{1b}[J"))
            .and_then(|()| self.0.flush())
            .map_err(CliError::Output)
    }
}

fn write_line(line: &impl Display) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(CliError::Output)
}

/// Prints an error and its causes on standard error.
pub fn print_error(format: Format, error: &CliError) {
    if error.is_broken_pipe() {
        return;
    }
    let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
    let line = match format {
        Format::Human => {
            let line = format!("{} {error}", style("error:").for_stderr().red().bold());
            [vec![line], causes].concat().join("\n  because: ")
        }
        Format::Json => json!({ "error": error.to_string(), "causes": causes }).to_string(),
    };
    telemetry::write_line(&line);
}

/// The sources of an error, without those that its own message includes.
fn causes(error: &CliError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first = match error {
        CliError::Settings(_) => None,
        other => other.source(),
    };
    std::iter::successors(first, |&error| error.source())
}
