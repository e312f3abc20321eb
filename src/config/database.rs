//! `[database]`

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::number;
use super::reader::Reader;

const DEFAULT_URL: &str = "sqlite://data/worker.db";

/// The database of the installation.
#[derive(Clone, Debug)]
pub struct Database {
    /// Follows from the scheme of `url`.
    pub engine: Engine,
    /// Secret, since it may hold a password.
    pub url: SecretString,
    /// A direct connection for `LISTEN` and migrations, if `url` goes through PgBouncer.
    pub listen_url: Option<SecretString>,
    /// A read-only replica for pages, lists and exports.
    pub read_url: Option<SecretString>,
    /// Prepared statements kept by connection; 0 behind PgBouncer in transaction mode.
    pub statement_cache: usize,
    /// For the API, the queue and the reports; the vault has pools of its own.
    pub max_connections: u32,
}

/// The storage engine, as the scheme of `database.url` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One file, for one process.
    Sqlite {
        /// The file, relative to the working directory.
        path: PathBuf,
    },
    /// A server, for any number of processes.
    Postgres,
}

impl Database {
    /// Whether `url` leads to a transaction pooler, so that nothing may be left to a session: the
    /// setting `statement_cache` is 0.
    #[must_use]
    pub const fn goes_through_pooler(&self) -> bool {
        self.statement_cache == 0
    }

    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let given = url(reader, "url");
        // A file that cannot be read is a fault already.
        let is_faulty = given.is_none() && (reader.has("database.url") || reader.has("database.url_file"));
        let (key, url) = given.unwrap_or_else(|| ("database.url".to_owned(), DEFAULT_URL.into()));
        let engine = if is_faulty { None } else { checked(reader, &key, &url) };
        let listen_url = server(reader, "listen_url", engine.as_ref());
        let read_url = server(reader, "read_url", engine.as_ref());
        let statement_cache = number(reader.within("database.statement_cache", 100, &(0..=10_000)));
        let max_connections = reader.within("database.max_connections", 20, &(1..=10_000));
        Some(Self { engine: engine?, url, listen_url, read_url, statement_cache, max_connections })
    }
}

/// Reads a URL, or the file that has it. Returns the key that gives it, and the URL.
fn url(reader: &mut Reader, name: &str) -> Option<(String, SecretString)> {
    let forms = [name.to_owned(), format!("{name}_file")];
    let (form, value) = reader.one_of("database", &[&forms[0], &forms[1]])?;
    let key = format!("database.{}", forms[form]);
    if form == 1 {
        return Some((key.clone(), reader.secret_of_file(&key, &value)?));
    }
    if has_password(value.expose_secret()) {
        reader.note_secret(&key);
    }
    Some((key, value))
}

/// Returns the engine of a URL. Anything else is recorded as a fault.
fn checked(reader: &mut Reader, key: &str, url: &SecretString) -> Option<Engine> {
    let instead = r#"write "sqlite://path/to/file.db" or "postgres://user@host/name""#;
    engine(url.expose_secret()).map_err(|wrong| reader.fault(key, wrong, instead)).ok()
}

/// Reads the URL of another server, which only PostgreSQL has.
fn server(reader: &mut Reader, name: &str, engine: Option<&Engine>) -> Option<SecretString> {
    let (key, url) = url(reader, name)?;
    if engine == Some(&Engine::Postgres) && !is_postgres(url.expose_secret()) {
        reader.fault(&key, "not the URL of a PostgreSQL server", r#"write "postgres://user@host/name""#);
    }
    if matches!(engine, Some(Engine::Sqlite { .. })) {
        reader.fault(&key, "has no effect on SQLite", "leave it out");
    }
    Some(url)
}

fn has_password(url: &str) -> bool {
    let names_one = |url: &Url| url.query_pairs().any(|(name, _)| name == "password");
    postgres_url(url).is_some_and(|url| url.password().is_some() || names_one(&url))
}

fn engine(url: &str) -> Result<Engine, &'static str> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        return match path {
            "" | ":memory:" => Err("names no file; a database in memory would be lost when the process ends"),
            path if path.contains('?') => Err("has options after a question mark, which have no effect"),
            path => Ok(Engine::Sqlite { path: path.into() }),
        };
    }
    if is_postgres(url) {
        Ok(Engine::Postgres)
    } else {
        Err("not the URL of a SQLite file or a PostgreSQL \
        server")
    }
}

fn is_postgres(url: &str) -> bool {
    postgres_url(url).is_some()
}

/// Reads the URL of a PostgreSQL server. As with `psql`, it may have a user or a port and no host;
/// the host is then [`NO_HOST`].
pub(crate) fn postgres_url(text: &str) -> Option<Url> {
    let (scheme, rest) =
        text.split_once("://").filter(|(scheme, _)| ["postgres", "postgresql"].contains(scheme))?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let at = authority.rfind('@').map_or(0, |at| at + 1);
    let host = &authority[at..];
    if !authority.is_empty() && (host.is_empty() || host.starts_with(':')) {
        return Url::parse(&format!("{scheme}://{}{NO_HOST}{}", &rest[..at], &rest[at..])).ok();
    }
    Url::parse(text).ok()
}

/// The host of a URL that has none.
pub(crate) const NO_HOST: &str = "no-host.invalid";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_chooses_the_engine() {
        let sqlite = |path: &str| Ok(Engine::Sqlite { path: path.into() });
        assert_eq!(engine("sqlite://data/worker.db"), sqlite("data/worker.db"));
        assert_eq!(engine("sqlite:///var/lib/worker.db"), sqlite("/var/lib/worker.db"));
        assert_eq!(engine("postgres://u:p@db/shop"), Ok(Engine::Postgres));
        for without_host in [
            "postgresql:///shop?host=/run/postgresql",
            "postgres://u:p@/shop?host=/run",
            "postgres://:5433/shop",
        ] {
            assert_eq!(engine(without_host), Ok(Engine::Postgres), "{without_host}");
        }
        for bad in [
            "mysql://db/shop",
            "data/worker.db",
            "sqlite://",
            "sqlite://:memory:",
            "sqlite://a.db?mode=ro",
            "postgres://[/x",
        ] {
            assert!(engine(bad).is_err(), "{bad}");
        }
    }
}
