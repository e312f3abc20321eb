//! What the URLs of a database say about the way to it.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{StoreError, Transport, expose, postgres};
use crate::config::{Database, Engine};

/// Returns how the connections of all URLs are protected, with the setting of each URL.
///
/// # Errors
/// If a URL cannot be read.
pub fn transports(database: &Database) -> Result<Vec<(&'static str, Transport)>, StoreError> {
    if database.engine != Engine::Postgres {
        return Ok(vec![("database.url", Transport::Local)]);
    }
    urls(database).map(|(key, url)| Ok((key, postgres::transport(key, expose(url))?))).collect()
}

/// Returns the URLs of a PostgreSQL database, each with its setting.
fn urls(database: &Database) -> impl Iterator<Item = (&'static str, &SecretString)> {
    let listen = database.listen_url.as_ref().map(|url| ("database.listen_url", url));
    let replica = database.read_url.as_ref().map(|url| ("database.read_url", url));
    [("database.url", &database.url)].into_iter().chain(listen).chain(replica)
}

/// Returns the files with keys of client certificates for a database, each with the setting of its
/// URL. A URL that cannot be read has none.
#[must_use]
pub fn client_keys(database: &Database) -> Vec<(&'static str, PathBuf)> {
    if database.engine != Engine::Postgres {
        return Vec::new();
    }
    urls(database)
        .filter_map(|(key, url)| Some((key, postgres::client_key(key, expose(url)).ok()??)))
        .collect()
}
