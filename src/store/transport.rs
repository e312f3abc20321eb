//! How the way to the database is protected.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{StoreError, expose, postgres};
use crate::config::{Database, Engine};

/// How the connections to a database are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// They do not leave this machine.
    Local,
    /// TLS, and the server has a certificate for its name.
    Verified,
    /// TLS, and the server has a certificate of a trusted authority, perhaps for another name.
    AnyName,
    /// TLS, but the certificate is not verified.
    Unverified,
    /// Clear text if the server, or anybody on the way, refuses TLS.
    Clear,
}

impl Transport {
    /// Returns how the connections of all URLs are protected, with the setting of each URL.
    ///
    /// # Errors
    /// If a URL cannot be read.
    pub fn of(database: &Database) -> Result<Vec<(&'static str, Self)>, StoreError> {
        if database.engine != Engine::Postgres {
            return Ok(vec![("database.url", Self::Local)]);
        }
        urls(database).map(|(key, url)| Ok((key, postgres::transport(key, expose(url))?))).collect()
    }

    /// Returns what somebody on the network could do; `None` if nothing.
    #[must_use]
    pub const fn weakness(self) -> Option<&'static str> {
        match self {
            Self::Local | Self::Verified => None,
            Self::AnyName => Some(
                "the server's name is not verified, so whoever has a certificate of the same authority can read \
                 and change what is sent",
            ),
            Self::Unverified => Some(
                "the server's certificate is not verified, so whoever is on the way can read and change what is sent",
            ),
            Self::Clear => Some(
                "it may be clear text, so whoever is on the way can read the password and everything that is sent",
            ),
        }
    }
}

/// Returns the URLs of a PostgreSQL database, each with its setting.
fn urls(database: &Database) -> impl Iterator<Item = (&'static str, &SecretString)> {
    let listen = database.listen_url.as_ref().map(|url| ("database.listen_url", url));
    let replica = database.read_url.as_ref().map(|url| ("database.read_url", url));
    [("database.url", &database.url)].into_iter().chain(listen).chain(replica)
}

/// Returns the files with keys of client certificates for a database, each with the setting of its URL. A URL
/// that cannot be read has none.
#[must_use]
pub fn client_keys(database: &Database) -> Vec<(&'static str, PathBuf)> {
    if database.engine != Engine::Postgres {
        return Vec::new();
    }
    urls(database)
        .filter_map(|(key, url)| Some((key, postgres::client_key(key, expose(url)).ok()??)))
        .collect()
}
