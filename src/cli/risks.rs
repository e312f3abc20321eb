//! Warnings about the settings, which a process logs at its start, because others could read
//! secrets.

use super::CliError;
use crate::app::AppError;
use crate::config::Settings;
use crate::ops::exposed_files;
use crate::store::transports;

/// Warns of connections to the database that are not safe, and of files with secrets that others
/// can read.
///
/// # Errors
/// If a URL of the database cannot be read.
pub(super) fn warn(settings: &Settings) -> Result<(), CliError> {
    for (setting, transport) in transports(&settings.database).map_err(AppError::from)? {
        if let Some(weakness) = transport.weakness() {
            tracing::warn!(
                setting,
                weakness,
                "The connection to the database is not verified; leave sslmode out, or write sslmode=verify-full"
            );
        }
    }
    for file in exposed_files(settings) {
        tracing::warn!(setting = file.key, path = %file.path.display(), mode = format!("{:o}", file.mode),
            "Other users of this machine can read or change a file with a secret; set its mode to 0600");
    }
    Ok(())
}
