//! The password file, as libpq reads it (PostgreSQL's manual, "The Password File"). sqlx reads one
//! too, but another one where that of `PGPASSFILE` has no password, under other names, and it logs
//! lines that it cannot read.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use crate::bounded;

/// The most bytes of the file.
const LARGEST: usize = 1024 * 1024;

/// What a line must name.
pub(super) struct Login<'a> {
    /// The names that the host has in the file.
    pub(super) hosts: Vec<&'a str>,
    pub(super) port: &'a str,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// Returns the password of the file that `PGPASSFILE` names, or of `~/.pgpass`; `None` if there is
/// no such file, or if no line of it is for this login.
///
/// # Errors
/// If others may read the file: libpq does not use it then.
pub(super) fn password(
    login: &Login<'_>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, &'static str> {
    let usual = || variable("HOME").map(|home| Path::new(&home).join(".pgpass"));
    let Some(path) = variable("PGPASSFILE").map(PathBuf::from).or_else(usual) else { return Ok(None) };
    let Ok(file) = File::open(&path) else { return Ok(None) };
    match file.metadata() {
        Ok(metadata) if metadata.is_file() && is_private(&metadata) => {}
        Ok(metadata) if metadata.is_file() => {
            return Err(
                "others can read the password file (PGPASSFILE, or ~/.pgpass), so it is not used: set its mode \
                        to 0600",
            );
        }
        _ => return Ok(None),
    }
    let Ok(lines) = bounded::read_file(file, LARGEST) else { return Ok(None) };
    let password = lines.split(|byte| *byte == b'\n').find_map(|line| of_line(line, login));
    password
        .transpose()
        .map_err(|_| "the password file (PGPASSFILE, or ~/.pgpass) has a password that is not UTF-8")
}

#[cfg(unix)]
fn is_private(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    matches!(metadata.permissions().mode() & 0o77, 0)
}

/// libpq does not ask there either.
#[cfg(windows)]
fn is_private(_: &std::fs::Metadata) -> bool {
    true
}

/// The password of a line, which may be empty, if the line is for this login.
fn of_line(line: &[u8], login: &Login<'_>) -> Option<Result<String, FromUtf8Error>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.starts_with(b"#") {
        return None;
    }
    let rest = login.hosts.iter().find_map(|host| after_field(line, host))?;
    let rest = after_field(rest, login.port)?;
    let rest = after_field(rest, login.database)?;
    let rest = after_field(rest, login.user)?;
    let (password, _) = field(rest);
    Some(String::from_utf8(password))
}

/// What follows the first field, if that is `*` or this value.
fn after_field<'a>(line: &'a [u8], value: &str) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let (found, rest) = field(line);
    rest.filter(|_| found == value.as_bytes())
}

/// The first field, in which a backslash takes the next byte literally; and what follows the colon
/// at its end.
fn field(line: &[u8]) -> (Vec<u8>, Option<&[u8]>) {
    let (mut value, mut at) = (Vec::new(), 0);
    while let Some(byte) = line.get(at) {
        match (byte, line.get(at + 1)) {
            (b':', _) => return (value, line.get(at + 1..)),
            (b'\\', Some(escaped)) => {
                value.push(*escaped);
                at += 1;
            }
            _ => value.push(*byte),
        }
        at += 1;
    }
    (value, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<String> {
        let login = Login { hosts: vec!["db:1"], port: "5432", database: "sh\\op", user: "u" };
        of_line(line.as_bytes(), &login).transpose().unwrap()
    }

    #[test]
    fn a_line_is_read_as_libpq_reads_it() {
        assert_eq!(found(r"db\:1:5432:sh\\op:u:s\:3\\c"), Some(r"s:3\c".into()));
        assert_eq!(found("*:*:*:*:word\r"), Some("word".into()));
        assert_eq!(found("*:*:*:u:word:what follows"), Some("word".into()));
        assert_eq!(found("*:*:*:*:wörd\\"), Some("wörd\\".into()));
        assert_eq!(found("*:*:*:*:"), Some(String::new()));
        for other in ["# *:*:*:*:word", "*:*:*:v:word", "*:5433:*:*:word", "*:*:*:u", "", "db:1:*:*:*:word"] {
            assert_eq!(found(other), None, "{other}");
        }
    }
}
