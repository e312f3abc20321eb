//! `keys`

mod api;
mod rotate;
mod status;
mod wrap;

use std::io;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use serde_json::json;

use super::audited::Audited;
use super::{CliError, Context, Exit};
use crate::audit::Action;
use crate::config::key_file;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a new encryption key: 32 random bytes in base64
    ///
    /// Add it to the settings as [vault.keys.<name>], with file or env. On PostgreSQL every process
    /// needs the same key.
    Generate {
        /// Write the key to this new file, readable only by its owner, instead of printing it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Have the key service of this key in the settings (vault.keys.NAME.wrap) encrypt the key,
        /// check that its `unwrap` gives it back, and write it to its new `file`. The key itself is
        /// shown nowhere
        #[arg(long, value_name = "NAME", conflicts_with = "out")]
        wrap: Option<String>,
    },
    /// Make keys for callers of the API
    #[command(subcommand)]
    Api(api::Command),
    /// Encrypt everything with the active key, while the service runs
    ///
    /// First add the new key on every machine, without making it active. Then make it active
    /// everywhere. Then run this command once. It can be interrupted and run again. Exit code 3:
    /// some secrets could not be decrypted and were not changed.
    Rotate,
    /// Count what each key encrypts, and show which keys can be removed from the settings
    Status,
}

impl Command {
    /// Returns what the command leaves in the audit log. Keys are made without a database.
    pub(super) fn audited(&self) -> Option<Audited> {
        match self {
            Self::Rotate => Some(Audited::new(Action::KeysRotate)),
            Self::Generate { .. } | Self::Api(_) | Self::Status => None,
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Generate { wrap: Some(name), .. } => return wrap::run(context, &name),
            Self::Generate { out: Some(path), .. } => {
                key_file::create(&path).map_err(|error| not_written(&path, error))?;
                let human = format!("Wrote a new key to {}. Keep a copy of it elsewhere.", path.display());
                context.output.print(human, &json!({ "file": path }))?;
            }
            Self::Api(command) => return command.run(context),
            Self::Generate { out: None, wrap: None } => {
                let key = key_file::generate();
                context.output.print(key.expose_secret(), &json!({ "key": key.expose_secret() }))?;
            }
            Self::Rotate => return rotate::run(context),
            Self::Status => return status::run(context),
        }
        Ok(Exit::Done)
    }
}

fn not_written(path: &Path, error: io::Error) -> CliError {
    let doing = format!("write a key to {}", path.display());
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            CliError::failed(doing, "the file exists, and its key may be in use; choose another name")
        }
        _ => CliError::failed(doing, error),
    }
}
