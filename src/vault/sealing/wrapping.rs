//! Runs the program of a key service that wraps or unwraps an encryption key: without a shell, with
//! a deadline, and with bounded output.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::config::KeyProgram;

/// The most bytes of a wrapped or unwrapped key. Key services wrap 32 bytes in a few hundred.
pub const LARGEST: usize = 16 * 1024;
/// The most bytes of a program's standard error that a message shows.
const SHOWN: usize = 2048;
/// The fewest characters of a run that may be a key in text: 32 bytes in base64 without padding.
const KEY_TEXT: usize = 43;

/// Why a program gave no key. No text has a part of a key.
#[derive(Debug, thiserror::Error)]
pub enum WrappingError {
    /// The program cannot be run.
    #[error("{path} cannot be run: {error}", path = .path.display())]
    NotRun {
        /// The program.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The program ended with an error.
    #[error("{path} ended with {status}{said}", path = .path.display())]
    Failed {
        /// The program.
        path: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to its standard error, as the end of a sentence.
        said: String,
    },
    /// The program did not end in time, and was killed.
    #[error("{path} did not end within {after}, and was killed{said}", path = .path.display(), after = shown(.after))]
    TimedOut {
        /// The program.
        path: PathBuf,
        /// `command_timeout`
        after: Duration,
        /// What it wrote to its standard error, as the end of a sentence.
        said: String,
    },
    /// The program printed too much.
    #[error("{path} printed more than {LARGEST} bytes", path = .path.display())]
    TooMuch {
        /// The program.
        path: PathBuf,
    },
    /// What the program printed is not a key.
    #[error("{path} did not print a key: 32 bytes, plain or in base64{said}", path = .path.display())]
    NoKey {
        /// The program.
        path: PathBuf,
        /// What it wrote to its standard error, as the end of a sentence.
        said: String,
    },
}

fn shown(duration: &Duration) -> humantime::FormattedDuration {
    humantime::format_duration(*duration)
}

/// What a program wrote.
struct Output {
    printed: Zeroizing<Vec<u8>>,
    /// Its standard error, as the end of a sentence.
    said: String,
}

/// Has a program unwrap a key.
///
/// # Errors
/// The program fails, takes too long, or prints something else.
pub async fn unwrap(
    program: &KeyProgram,
    wrapped: &[u8],
    environment: &BTreeMap<String, String>,
) -> Result<Zeroizing<[u8; 32]>, WrappingError> {
    let Output { printed, said } = run(program, wrapped, environment).await?;
    key(&printed).ok_or_else(|| WrappingError::NoKey { path: program.path.clone(), said })
}

/// Has a program wrap a key, which it gets as base64 text. Returns what it printed.
///
/// # Errors
/// The program fails, takes too long, or prints too much.
pub async fn wrap(
    program: &KeyProgram,
    key: &[u8; 32],
    environment: &BTreeMap<String, String>,
) -> Result<Zeroizing<Vec<u8>>, WrappingError> {
    let text = Zeroizing::new(STANDARD.encode(key));
    Ok(run(program, text.as_bytes(), environment).await?.printed)
}

/// Reads a key. Some programs print what was encrypted as it is, others in base64, and what was
/// encrypted may itself be base64.
pub fn key(printed: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new(printed.to_vec());
    for _ in 0..3 {
        if let Ok(key) = bytes.as_slice().try_into() {
            return Some(Zeroizing::new(key));
        }
        bytes = Zeroizing::new(STANDARD.decode(bytes.trim_ascii()).ok()?);
    }
    None
}

async fn run(
    program: &KeyProgram,
    input: &[u8],
    environment: &BTreeMap<String, String>,
) -> Result<Output, WrappingError> {
    let path = || program.path.clone();
    let not_run = |error| WrappingError::NotRun { path: path(), error };
    let mut child = start(program, environment).map_err(not_run)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut printed = Zeroizing::new(vec![0; LARGEST + 1]);
    let mut said = Zeroizing::new(vec![0; SHOWN]);
    let (mut length, mut shown) = (0, 0);
    let ended = timeout(program.timeout, async {
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program that ends early, or reads nothing, closes the pipe. Its exit code
                // counts.
                let _ = stdin.write_all(input).await;
            }
        };
        tokio::join!(feed, read(stdout, &mut printed, &mut length), read(stderr, &mut said, &mut shown));
        child.wait().await
    });
    let ended = ended.await;
    if ended.is_err() {
        kill(&mut child).await;
    }
    let said = sentence(&said[..shown]);
    match ended {
        Err(_) => Err(WrappingError::TimedOut { path: path(), after: program.timeout, said }),
        Ok(Err(error)) => Err(not_run(error)),
        Ok(Ok(status)) if !status.success() => Err(WrappingError::Failed { path: path(), status, said }),
        Ok(Ok(_)) if length > LARGEST => Err(WrappingError::TooMuch { path: path() }),
        Ok(Ok(_)) => {
            printed.truncate(length);
            Ok(Output { printed, said })
        }
    }
}

fn start(program: &KeyProgram, environment: &BTreeMap<String, String>) -> io::Result<Child> {
    let names = KeyProgram::ALWAYS.into_iter().chain(program.variables.iter().map(String::as_str));
    Command::new(&program.path)
        .args(&program.arguments)
        .env_clear()
        .envs(names.filter_map(|name| Some((name, environment.get(name)?))))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Kills a program and what it has started.
async fn kill(child: &mut Child) {
    // It has not been waited for, so no other process has its number.
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(group) = group {
        // It fails if all of them have ended.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = child.wait().await;
    }
}

/// Reads everything, and keeps the beginning. `length` is how much of `buffer` is filled, also if
/// this is cancelled.
async fn read(from: Option<impl AsyncRead + Unpin>, buffer: &mut [u8], length: &mut usize) {
    let Some(mut from) = from else { return };
    let mut rest = Zeroizing::new([0; 1024]);
    loop {
        let free = if *length < buffer.len() { &mut buffer[*length..] } else { &mut rest[..] };
        match from.read(free).await {
            Ok(0) | Err(_) => return,
            Ok(read) => *length = (*length + read).min(buffer.len()),
        }
    }
}

/// Returns what a program wrote to its standard error, as the end of a sentence, in one line and
/// without anything that may be a key.
fn sentence(said: &[u8]) -> String {
    let text = match std::str::from_utf8(said) {
        Ok(text) => text,
        // Cut within a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&said[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return ": it wrote no text to its standard error".to_owned(),
    };
    // The last word may be the beginning of a key.
    let text =
        if said.len() < SHOWN { text } else { text.rsplit_once(char::is_whitespace).unwrap_or_default().0 };
    let words: Vec<String> = text.split_whitespace().map(without_keys).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(" ")) }
}

/// Replaces each run of characters that may be a key in base64 or hexadecimal, and control
/// characters.
fn without_keys(word: &str) -> String {
    let may_be_key = |letter: char| letter.is_ascii_alphanumeric() || "+/=_-".contains(letter);
    let mut shown = String::new();
    for part in word.split_inclusive(|letter| !may_be_key(letter)) {
        let run = part.trim_end_matches(|letter| !may_be_key(letter));
        shown.push_str(if run.len() < KEY_TEXT { run } else { "[left out]" });
        shown.extend(part[run.len()..].chars().map(|letter| if letter.is_control() { '?' } else { letter }));
    }
    shown
}

/// Returns the names of the variables that a program gets, of those that there are.
#[must_use]
pub fn variables<'a>(program: &'a KeyProgram, environment: &BTreeMap<String, String>) -> Vec<&'a str> {
    let names = KeyProgram::ALWAYS.into_iter().chain(program.variables.iter().map(String::as_str));
    names.filter(|name| environment.contains_key(*name)).collect()
}

#[cfg(test)]
mod tests;
