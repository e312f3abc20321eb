//! Reads a command's input line by line, from a file or standard input, without holding all of it
//! in memory. A line ends with LF, CR LF or CR.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, stdin};
use std::path::Path;
use std::thread;

use tokio::sync::mpsc;

use super::CliError;
use crate::lifecycle::Shutdown;
use crate::order::MAX_BODY;

/// The maximum length of a line in bytes: the largest order plus its envelope.
const LONGEST: usize = MAX_BODY + 64 * 1024;

/// The size of the read buffer, which also bounds how far lines of a pipe are read ahead.
const BUFFER: usize = 256 * 1024;

/// The maximum number of lines in a batch, and the bytes after which it is full, so that its
/// transaction stays short.
pub(super) const BATCH: (usize, u64) = (200, 1024 * 1024);

/// The lines of a file, or of standard input if the file is `-`. Blank lines are counted, but left
/// out.
pub(crate) struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    /// The input's name in messages.
    name: String,
    /// The input's size in bytes, if it is a file.
    size: Option<u64>,
    read: u64,
    number: u64,
    /// Whether the last line ended with CR, so that an LF that follows belongs to the same line
    /// end.
    after_cr: bool,
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

    pub(crate) fn new(reader: impl Read + Send + 'static, name: &str, size: Option<u64>) -> Self {
        let reader = BufReader::with_capacity(BUFFER, Box::new(reader) as Box<dyn Read + Send>);
        Self { reader, name: name.to_owned(), size, read: 0, number: 0, after_cr: false, broken: None }
    }

    /// The next lines: as many as are available without waiting, up to a full batch. Empty at the
    /// end of the input.
    fn batch(&mut self) -> Result<Vec<Line>, CliError> {
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
        self.size.is_some() || self.reader.buffer().iter().any(|byte| is_end(*byte))
    }

    /// Returns the input's size in bytes, if it is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// Reads batches in a thread of its own, so that a command whose input does not come can be
    /// stopped.
    pub(super) fn batches(mut self) -> Result<Batches, CliError> {
        let (sender, batches) = mpsc::channel(1);
        let read = move || {
            loop {
                let batch = self.batch().map(|lines| Batch { lines, position: self.read });
                let end = batch.as_ref().map_or(true, |batch| batch.lines.is_empty());
                // An error says that nobody waits any more.
                if sender.blocking_send(batch).is_err() || end {
                    return;
                }
            }
        };
        let started = thread::Builder::new().name("input".into()).spawn(read);
        started.map(|_| Batches(batches)).map_err(|error| CliError::failed("start a thread", error))
    }

    fn read_line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut is_begun = false;
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                filled => filled?,
            };
            if std::mem::take(&mut self.after_cr) && buffer.first() == Some(&b'\n') {
                self.reader.consume(1);
                self.read += 1;
                continue;
            }
            if buffer.is_empty() && !is_begun {
                return Ok(None);
            }
            is_begun = true;
            let end = buffer.iter().position(|byte| is_end(*byte));
            let part = &buffer[..end.unwrap_or(buffer.len())];
            // One byte more than the longest line tells that this one is longer.
            bytes.extend(part.iter().take(LONGEST + 1 - bytes.len()));
            self.after_cr = end.is_some_and(|end| buffer[end] == b'\r');
            let used = part.len() + usize::from(end.is_some());
            let is_over = end.is_some() || buffer.is_empty();
            self.reader.consume(used);
            self.read += used as u64;
            if is_over {
                break;
            }
        }
        self.number += 1;
        let text = if bytes.len() > LONGEST { Err(BadLine::TooLong) } else { text(bytes, self.number == 1) };
        Ok(Some(Line { number: self.number, text }))
    }
}

fn is_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// Lines that belong together.
pub(super) struct Batch {
    pub lines: Vec<Line>,
    /// How many bytes of the input were read.
    pub position: u64,
}

/// The batches of an input, read ahead by a thread.
pub(super) struct Batches(mpsc::Receiver<Result<Batch, CliError>>);

impl Batches {
    /// The next batch; `None` at the end of the input, or once a stop is requested.
    ///
    /// # Errors
    /// The input cannot be read. The lines before were returned.
    pub(super) async fn next(&mut self, shutdown: &Shutdown) -> Result<Option<Batch>, CliError> {
        let batch = tokio::select! {
            biased;
            () = shutdown.soft() => None,
            batch = self.0.recv() => batch,
        };
        Ok(batch.transpose()?.filter(|batch| !batch.lines.is_empty()))
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
    fn every_line_end_counts() {
        let numbered = |texts: &[&str]| -> Vec<(u64, Result<String, BadLine>)> {
            (1..).zip(texts.iter().map(|text| Ok((*text).to_owned()))).collect()
        };
        for bytes in ["a\nb\nc", "a\r\nb\r\nc\r\n", "a\rb\rc\r", "a\rb\nc\r\n", "a\r\nb\rc"] {
            assert_eq!(read(bytes.as_bytes()), numbered(&["a", "b", "c"]), "{bytes:?}");
        }
        assert_eq!(read(b"a\r\rb\n\rc").iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 3, 5]);
        // CR and LF on both sides of the read buffer's end.
        let mut long = vec![b'x'; BUFFER - 1];
        long.extend(b"\r\nb");
        assert_eq!(read(&long).len(), 2);
        assert_eq!(read(&long)[1], (2, Ok("b".to_owned())));
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
        assert_eq!(lines.read, bytes.len() as u64);
    }
}
