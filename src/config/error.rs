//! Errors of the settings. No message shows a value, because any value may be a misplaced secret.

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
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is not valid TOML.
    #[error("{origin}, line {line}: {message}")]
    Syntax {
        /// The file, as a user would name it.
        origin: String,
        /// Counted from 1.
        line: usize,
        /// The parser's message, without any value.
        message: String,
    },
    /// The file is valid TOML, but its settings, or those of the environment, are invalid.
    #[error("{origin}: {}", List(faults))]
    Faults {
        /// Where the settings came from, as a user would name it.
        origin: String,
        /// All faults, in the order of the keys.
        faults: Vec<Fault>,
    },
}

/// One invalid setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key's path, such as `merchants.shop.client_id`.
    pub key: String,
    /// The environment variable that the value came from; `None` if it came from the file.
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
