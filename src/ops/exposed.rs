//! All files with secrets that other users of the machine can read or change.

use crate::config::{ExposedFile, Settings};
use crate::store::client_keys;

/// Returns those of the settings, and the keys of client certificates that the URLs of the database
/// name.
#[must_use]
pub fn exposed_files(settings: &Settings) -> Vec<ExposedFile> {
    let keys = client_keys(&settings.database).into_iter();
    let keys = keys.filter_map(|(key, path)| ExposedFile::of(key.to_owned(), path));
    settings.exposed_files().into_iter().chain(keys).collect()
}
