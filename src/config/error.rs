//! What can be wrong with the settings. No message ever shows a value: any value may be a secret in the wrong place.

use std::fmt;
use std::path::PathBuf;

/// Why the settings were refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named by `--config`, or the one in the working directory, cannot be read.
    #[error("cannot read the settings file {}: {source}; name an existing file with --config", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{origin}, line {line}: {message}")]
    Syntax {
        /// The file, as a user would name it.
        origin: String,
        /// Counted from 1.
        line: usize,
        /// The parser's message, which holds no value.
        message: String,
    },
    /// The file is TOML, and what it says (or the environment adds) does not hold.
    #[error("{origin}: {}", List(faults))]
    Faults {
        /// Where the settings came from, as a user would name it.
        origin: String,
        /// All that were found, in the order of the keys.
        faults: Vec<Fault>,
    },
}

/// One thing that is wrong, with the place and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key's path, such as `merchants.shop.client_id`.
    pub key: String,
    /// The environment variable that the value came from, if not from the file.
    pub variable: Option<String>,
    /// What is wrong.
    pub wrong: String,
    /// What to write instead.
    pub instead: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, variable, wrong, instead } = self;
        match variable {
            Some(variable) => write!(f, "{key} (from {variable}): {wrong}; {instead}"),
            None => write!(f, "{key}: {wrong}; {instead}"),
        }
    }
}

struct List<'a>(&'a [Fault]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [fault] => write!(f, "{fault}"),
            faults => {
                write!(f, "{} settings are wrong", faults.len())?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}
