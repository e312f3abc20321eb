//! Reads files and streams of a limited size, so that a wrong path or an endless input costs little
//! memory.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// The fewest bytes of a buffer. Into a smaller one, the standard library reads by way of another
/// one.
const LEAST: usize = 64;

/// Reads a file of at most `most` bytes.
///
/// # Errors
/// It cannot be read, or is larger.
pub(crate) fn read(path: &Path, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    read_file(File::open(path)?, most)
}

/// Reads an open file of at most `most` bytes to its end.
///
/// # Errors
/// It cannot be read, or is larger.
pub(crate) fn read_file(file: File, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(most);
    read_from(file, size, most)
}

/// Reads a file of at most `most` bytes that is text.
///
/// # Errors
/// It cannot be read, is larger, or is not UTF-8.
pub(crate) fn read_text(path: &Path, most: usize) -> io::Result<Zeroizing<String>> {
    text(read(path, most)?)
}

/// Reads a text of at most `most` bytes to its end.
///
/// # Errors
/// It cannot be read, is larger, or is not UTF-8.
pub(crate) fn read_text_from(reader: impl Read, most: usize) -> io::Result<Zeroizing<String>> {
    text(read_from(reader, 0, most)?)
}

/// Reads at most `most` bytes to the end. `expected` is how many there probably are: if so, no copy
/// of a secret stays behind in a buffer that was too small.
fn read_from(reader: impl Read, expected: usize, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected.min(most) + LEAST));
    reader.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

fn text(mut bytes: Zeroizing<Vec<u8>>) -> io::Result<Zeroizing<String>> {
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (size, fits) in [(0, true), (99, true), (100, true), (101, false), (100_000, false)] {
            std::fs::write(&path, vec![b'x'; size]).unwrap();
            let found = read(&path, 100).map(|bytes| bytes.len());
            assert_eq!(found.ok(), fits.then_some(size));
        }
        // It never ends, and does not say how long it is.
        let endless = read(Path::new("/dev/zero"), 100).unwrap_err();
        assert_eq!(endless.kind(), ErrorKind::FileTooLarge);
        assert_eq!(read_text_from(io::repeat(b'x'), 100).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_is_no_text_is_told() {
        let read = |bytes: &[u8]| read_text_from(bytes, 100).map(|text| text.to_string());
        assert_eq!(read("é".as_bytes()).unwrap(), "é");
        assert_eq!(read(b"\xff").unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
