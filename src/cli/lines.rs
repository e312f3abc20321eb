//! Reads a command's input line by line, from a file or standard input, without holding all of it
//! in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, stdin};
use std::path::Path;

use super::CliError;
use crate::order::MAX_BODY;

/// The maximum length of a line in bytes: the largest order plus its envelope.
const LONGEST: usize = MAX_BODY + 64 * 1024;

/// The size of the read buffer, which also bounds how far lines of a pipe are read ahead.
const BUFFER: usize = 256 * 1024;

/// The maximum number of lines in a batch, and the bytes after which it is full, so that its
/// transaction stays short.
const BATCH: (usize, u64) = (200, 1024 * 1024);

/// The lines of a file, or of standard input if the file is `-`. Blank lines are counted, but left
/// out.
pub(crate) struct Lines {
    reader: BufReader<Box<dyn Read>>,
    /// The input's name in messages.
    name: String,
    /// The input's size in bytes, if it is a file.
    size: Option<u64>,
    read: u64,
    number: u64,
    /// An error after the lines of the last batch.
    broken: Option<CliError>,
}

/// One line.
pub(crate) struct Line {
    /// The line number, from 1.
    pub number: u64,
    /// The text without the line end.
    pub text: Result<String, BadLine>,
}

/// Why a line is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadLine {
    /// Longer than any order.
    #[error("is longer than {LONGEST} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        if path == Path::new("-") {
            return Ok(Self::new(stdin(), "standard input", None));
        }
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| CliError::failed(format!("read {name}"), error))?;
        Ok(Self::new(file, &name, metadata.is_file().then_some(metadata.len())))
    }

    pub(crate) fn new(reader: impl Read + 'static, name: &str, size: Option<u64>) -> Self {
        let reader = BufReader::with_capacity(BUFFER, Box::new(reader) as Box<dyn Read>);
        Self { reader, name: name.to_owned(), size, read: 0, number: 0, broken: None }
    }

    /// The next lines: as many as are available without waiting, up to a full batch. Empty at the
    /// end of the input.
    ///
    /// # Errors
    /// The input cannot be read. The lines before were returned.
    pub(super) fn batch(&mut self) -> Result<Vec<Line>, CliError> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let (most, bytes) = BATCH;
        let full = self.read + bytes;
        let mut lines = Vec::new();
        while lines.len() < most && self.read < full && (lines.is_empty() || self.is_next_there()) {
            match self.next() {
                Some(Ok(line)) => lines.push(line),
                Some(Err(error)) if lines.is_empty() => return Err(error),
                Some(Err(error)) => {
                    self.broken = Some(error);
                    break;
                }
                None => break,
            }
        }
        Ok(lines)
    }

    /// Whether the next line can be read without waiting: always for a file, for a pipe only if it
    /// was read ahead.
    fn is_next_there(&self) -> bool {
        self.size.is_some() || self.reader.buffer().contains(&b'\n')
    }

    /// Returns the input's size in bytes, if it is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> u64 {
        self.read
    }

    fn read_line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let limit = LONGEST as u64 + 1;
        let mut count = (&mut self.reader).take(limit).read_until(b'\n', &mut bytes)?;
        if count == 0 {
            return Ok(None);
        }
        self.number += 1;
        let is_too_long = bytes.len() > LONGEST && !bytes.ends_with(b"\n");
        if is_too_long {
            count += self.reader.skip_until(b'\n')?;
        }
        self.read += count as u64;
        let text = if is_too_long { Err(BadLine::TooLong) } else { text(bytes, self.number == 1) };
        Ok(Some(Line { number: self.number, text }))
    }
}

/// Returns the line without trailing white space, and without the byte-order mark that some editors
/// write.
fn text(bytes: Vec<u8>, is_first: bool) -> Result<String, BadLine> {
    let mut text = String::from_utf8(bytes).map_err(|_| BadLine::NotText)?;
    text.truncate(text.trim_end().len());
    if is_first && text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

impl Iterator for Lines {
    type Item = Result<Line, CliError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read_line() {
                Ok(Some(Line { text: Ok(text), .. })) if text.trim().is_empty() => {}
                Ok(line) => return line.map(Ok),
                Err(error) => {
                    let doing = format!("read {} behind line {}", self.name, self.number);
                    return Some(Err(CliError::failed(doing, error)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u64, Result<String, BadLine>)> {
        let lines = Lines::new(Cursor::new(bytes.to_vec()), "test", None);
        lines.map(|line| line.unwrap()).map(|line| (line.number, line.text)).collect()
    }

    #[test]
    fn lines_keep_their_numbers() {
        let expected = [(1, Ok("a".to_owned())), (4, Ok(" b".to_owned())), (5, Ok("c".to_owned()))];
        assert_eq!(read("\u{feff}a\r\n\n  \n b\nc".as_bytes()), expected);
        assert_eq!(read(b""), []);
    }

    #[test]
    fn a_bad_line_does_not_take_the_others_with_it() {
        assert_eq!(read(b"\xff\nb"), [(1, Err(BadLine::NotText)), (2, Ok("b".to_owned()))]);
        let mut long = vec![b'x'; 2 * LONGEST];
        long.extend(b"\nb\n");
        assert_eq!(read(&long), [(1, Err(BadLine::TooLong)), (2, Ok("b".to_owned()))]);
    }

    #[test]
    fn the_longest_line_is_read_and_no_longer_one() {
        for (length, fits) in [(LONGEST, true), (LONGEST + 1, false)] {
            for end in ["", "\n"] {
                let bytes = [vec![b'x'; length], end.as_bytes().to_vec()].concat();
                assert_eq!(read(&bytes)[0].1.is_ok(), fits, "{length} {end:?}");
            }
        }
    }

    #[test]
    fn the_position_counts_every_byte() {
        let bytes = [vec![b'x'; LONGEST + 7], b"\n\xff\nabc".to_vec()].concat();
        let mut lines = Lines::new(Cursor::new(bytes.clone()), "test", None);
        assert_eq!(lines.by_ref().count(), 3);
        assert_eq!(lines.position(), bytes.len() as u64);
    }
}
