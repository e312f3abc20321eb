//! `keys`

mod api;
mod rotate;
mod status;

use std::io;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use serde_json::json;

use super::{CliError, Context, Exit};
use crate::config::key_file;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a new encryption key: 32 random bytes in base64
    ///
    /// Name it in the settings as [vault.keys.<name>], with file or env. On PostgreSQL every process needs the same.
    Generate {
        /// Write it to this new file, readable by its owner alone, instead of printing it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Keys for callers of the API
    #[command(subcommand)]
    Api(api::Command),
    /// Seal everything anew with the active key, while the service runs
    ///
    /// Give every machine the new key first, inactive; then make it active everywhere; then run this once. It may be
    /// interrupted and run again. Exit code 3: something could not be opened, and is as it was.
    Rotate,
    /// Tell what each key seals, and which may be taken out of the settings
    Status,
}

impl Command {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Generate { out: Some(path) } => {
                key_file::create(&path).map_err(|error| not_written(&path, error))?;
                let human = format!("Wrote a new key to {}. Keep a copy of it elsewhere.", path.display());
                context.output.print(human, &json!({ "file": path }))?;
            }
            Self::Api(command) => return command.run(context),
            Self::Generate { out: None } => {
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
            CliError::failed(doing, "the file exists, and secrets may be sealed with what it holds; name another")
        }
        _ => CliError::failed(doing, error),
    }
}
