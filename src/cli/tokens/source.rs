//! Where the lines of an import come from: this program's own formats, or the export of another
//! system.

use super::record::{InputFormat, Reader};
use super::systems::{NotRegistered, Read, SystemReader};
use crate::cli::CliError;
use crate::cli::lines::Line;

/// Reads the lines of an import.
pub(super) enum Source {
    /// JSON lines or CSV, in the format that the user named or that the first line has.
    Own { format: Option<InputFormat>, reader: Option<Reader> },
    /// An export of another system.
    System(SystemReader),
}

impl Source {
    /// Reads a batch of lines. Of an export of another system, nothing is returned before the end.
    ///
    /// # Errors
    /// The input is in another format.
    pub(super) fn read(&mut self, batch: Vec<Line>) -> Result<Vec<Read>, CliError> {
        match self {
            Self::Own { format, reader } => own(reader, *format, batch),
            Self::System(system) => {
                for line in batch {
                    system.line(&line).map_err(|wrong| not_read(line.number, &wrong))?;
                }
                Ok(Vec::new())
            }
        }
    }

    /// Returns what remains at the end of the input.
    pub(super) fn end(&mut self) -> Vec<Read> {
        match self {
            Self::Own { .. } => Vec::new(),
            Self::System(system) => system.end(),
        }
    }
}

fn own(
    reader: &mut Option<Reader>,
    format: Option<InputFormat>,
    batch: Vec<Line>,
) -> Result<Vec<Read>, CliError> {
    let mut records = Vec::with_capacity(batch.len());
    for Line { number, text } in batch {
        let text = text.map_err(|bad| bad.to_string());
        let reader = match (&mut *reader, &text) {
            (Some(reader), _) => reader,
            (none, Ok(first)) => {
                let (made, is_header) =
                    Reader::new(format, first).map_err(|wrong| not_read(number, &wrong))?;
                let reader = none.insert(made);
                if is_header {
                    continue;
                }
                reader
            }
            (_, Err(bad)) => return Err(not_read(number, bad)),
        };
        records.push((number, text.and_then(|text| reader.read(&text)).map_err(NotRegistered::Wrong)));
    }
    Ok(records)
}

fn not_read(number: u64, wrong: &str) -> CliError {
    CliError::failed("read the tokens", format!("line {number} {wrong}"))
}
