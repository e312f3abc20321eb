//! Reads the URL of a server as `psql` does: hosts, sockets, password file, TLS.
//!
//! sqlx reads it too, but uses clear text if the server refuses TLS, and ignores parameters that it
//! does not know. So the URL is first converted to a form that sqlx reads as `psql` does, and
//! anything else is refused.

mod password_file;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;
use url::form_urlencoded::Serializer;

use self::password_file::Login;
use crate::config::{NO_HOST, postgres_url};
use crate::store::{StoreError, Transport};

/// The parameters that are read; also `options[name]`.
const SUPPORTED: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];
/// Parameters of libpq that have no effect here. An error may name them. Any other name is not
/// shown, because it may be a part of a password.
const UNSUPPORTED: [&str; 16] = [
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "passfile",
    "require_auth",
    "service",
    "sslcrl",
    "sslpassword",
    "target_session_attrs",
    "tcp_user_timeout",
];

/// Variables of libpq that say how safe a connection must be, or where it leads, and have no effect
/// here; with the values that demand nothing.
const UNSUPPORTED_VARIABLES: [(&str, &[&str]); 9] = [
    ("PGCHANNELBINDING", &[]),
    ("PGGSSENCMODE", &["disable", "prefer"]),
    ("PGREQUIREAUTH", &[]),
    ("PGREQUIREPEER", &[]),
    ("PGSERVICE", &[]),
    ("PGSSLCRL", &[]),
    ("PGSSLCRLDIR", &[]),
    ("PGSSLMINPROTOCOLVERSION", &[]),
    ("PGTARGETSESSIONATTRS", &["any"]),
];

/// The folders in which servers put their sockets by default.
const SOCKET_FOLDERS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// The address of a server, and how the connection to it is protected.
pub(super) struct Address {
    pub(super) options: PgConnectOptions,
    pub(super) transport: Transport,
    /// The key of the client's certificate, if it has one.
    pub(super) client_key: Option<PathBuf>,
}

enum Host {
    /// The folder of a Unix socket.
    Socket(PathBuf),
    /// A name or an address.
    Name(String),
}

impl Address {
    /// Reads the URL of the setting `key`, with the environment of this process.
    pub(super) fn of_process(key: &str, url: &str) -> Result<Self, StoreError> {
        Self::read(key, url, |name| std::env::var(name).ok())
    }

    /// Reads the URL of the setting `key`. `variable` returns environment variables.
    ///
    /// # Errors
    /// If it cannot be read, or if a part of it would have no effect. The text shows no value.
    fn read(key: &str, url: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, StoreError> {
        let wrong = |what: &str| StoreError::Location(format!("{key}: {what}"));
        let unreadable = || {
            StoreError::Location(format!(
                "{key} cannot be read: write postgres://user:password@host:5432/database"
            ))
        };
        let url = postgres_url(url).ok_or_else(unreadable)?;
        let given = Parameters::read(&url).map_err(|what| wrong(&what))?;
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        check_variables(variable).map_err(|what| wrong(&what))?;
        let port = given.get("port").or_else(|| variable("PGPORT")).unwrap_or_else(|| "5432".to_owned());
        let host = host(&given, &port, variable).map_err(wrong)?;
        let mut query = given.without(&["host", "hostaddr", "password", "port", "sslmode", "sslrootcert"]);
        query.append_pair("port", &port);
        query.append_pair(
            "host",
            match &host {
                Host::Socket(_) => "localhost",
                Host::Name(name) => name,
            },
        );
        // With a password, sqlx looks for no file.
        query.append_pair("password", "");
        let plain = format!("postgres:///?{}", query.finish());
        let mut options = PgConnectOptions::from_str(&plain).map_err(|_| unreadable())?;
        let password = match given.get("password").or_else(|| variable("PGPASSWORD")) {
            Some(password) => Some(password),
            None => password_of_file(&options, &host, &port, variable).map_err(wrong)?,
        };
        options = options.password(&password.unwrap_or_default());
        let mode = given.get("sslmode").or_else(|| variable("PGSSLMODE"));
        let mode = mode.map(|mode| PgSslMode::from_str(&mode)).transpose().map_err(|_| {
            wrong(
                "sslmode, in the URL or in PGSSLMODE, is none of disable, allow, prefer, require, verify-ca and \
                 verify-full",
            )
        })?;
        let authorities = authorities(given.get("sslrootcert"), variable).map_err(wrong)?;
        let (mut options, transport) = protected(options, host, mode, authorities.is_some());
        if let Some(authorities) = authorities {
            options = options.ssl_root_cert(authorities);
        }
        let (options, client_key) = with_certificate(options, &given, variable);
        // PgBouncer refuses connections that set extra_float_digits, and no float is read.
        let mut options = options.extra_float_digits(None);
        if options.get_application_name().is_none() {
            options = options.application_name("klarna-order-worker");
        }
        Ok(Self { options, transport, client_key })
    }
}

/// Checks that no variable is set that would have no effect.
fn check_variables(variable: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    let mut unsupported = UNSUPPORTED_VARIABLES.into_iter();
    let is_harmful = |(name, harmless): &(&str, &[&str])| {
        variable(name).is_some_and(|value| !harmless.contains(&value.as_str()))
    };
    match unsupported.find(is_harmful) {
        Some((name, _)) => {
            Err(format!("the variable {name} has no effect here; start this program without it"))
        }
        None => Ok(()),
    }
}

/// Adds the host, and how the connection to it is protected. `mode`: what is asked for.
fn protected(
    options: PgConnectOptions,
    host: Host,
    mode: Option<PgSslMode>,
    has_authorities: bool,
) -> (PgConnectOptions, Transport) {
    let name = match host {
        // A socket has no TLS, as in libpq.
        Host::Socket(folder) => {
            return (options.socket(folder).ssl_mode(PgSslMode::Disable), Transport::Local);
        }
        Host::Name(name) => name,
    };
    let mode = match mode {
        None if is_loopback(&name) => PgSslMode::Prefer,
        None => PgSslMode::VerifyFull,
        // sqlx would not try TLS.
        Some(PgSslMode::Allow) => PgSslMode::Prefer,
        // As libpq does.
        Some(PgSslMode::Require) if has_authorities => PgSslMode::VerifyCa,
        Some(mode) => mode,
    };
    let transport = if is_loopback(&name) { Transport::Local } else { protection(mode) };
    (options.ssl_mode(mode), transport)
}

/// Adds the client's certificate and its key, if there are some. Returns the key, too.
fn with_certificate(
    mut options: PgConnectOptions,
    given: &Parameters,
    variable: impl Fn(&str) -> Option<String> + Copy,
) -> (PgConnectOptions, Option<PathBuf>) {
    let named = given.get("sslcert").or_else(|| variable("PGSSLCERT")).is_some();
    let usual = if named { None } else { usual_file("postgresql.crt", variable) };
    let has_certificate = named || usual.is_some();
    if let Some(certificate) = usual {
        options = options.ssl_client_cert(certificate);
    }
    // sqlx refuses a key without a certificate. libpq does not look at it.
    let named = given.get("sslkey").or_else(|| variable("PGSSLKEY")).map(PathBuf::from);
    let usual =
        if named.is_none() && has_certificate { usual_file("postgresql.key", variable) } else { None };
    if let Some(key) = &usual {
        options = options.ssl_client_key(key);
    }
    (options, named.or(usual))
}

/// The parts of a URL by the names of libpq's parameters. A later one counts.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(url: &Url) -> Result<Self, String> {
        let part = |name: &str, text: &str| {
            Some((name.to_owned(), decoded(text))).filter(|(_, text)| !text.is_empty())
        };
        let parts = [
            part("user", url.username()),
            part("password", url.password().unwrap_or_default()),
            part("host", url.host_str().filter(|host| *host != NO_HOST).unwrap_or_default()),
            url.port().map(|port| ("port".to_owned(), port.to_string())),
            part("dbname", url.path().trim_start_matches('/')),
        ];
        let mut parameters: Vec<(String, String)> = parts.into_iter().flatten().collect();
        if url.fragment().is_some() {
            return Err("has a # in it; write it as %23".to_owned());
        }
        // As in libpq, a plus sign is no space.
        for pair in url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name), decoded(value));
            check_name(&name)?;
            if !value.is_empty() {
                parameters.push((name, value));
            }
        }
        Ok(Self(parameters))
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }

    /// The parameters without these, as a query.
    fn without(&self, names: &[&str]) -> Serializer<'static, String> {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())));
        query
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if SUPPORTED.contains(&name) || (name.starts_with("options[") && name.ends_with(']')) {
        return Ok(());
    }
    let known = SUPPORTED.join(", ");
    Err(if UNSUPPORTED.contains(&name) {
        format!("the parameter {name} has no effect here; leave it out (these have: {known})")
    } else {
        format!(
            "has an unknown parameter after the question mark; known are {known}. In a password, write ? as %3F"
        )
    })
}

/// The host in any spelling of libpq. Without one, a socket in a usual folder, or else `localhost`.
fn host(
    given: &Parameters,
    port: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Host, &'static str> {
    let name = given.get("host").or_else(|| variable("PGHOST"));
    let address = given.get("hostaddr").or_else(|| variable("PGHOSTADDR"));
    if name.is_some() && address.is_some() {
        return Err(
            "has host and hostaddr (PGHOST and PGHOSTADDR count too); leave hostaddr out, and let the host's \
                    name lead to it",
        );
    }
    let Some(named) = address.or(name) else {
        let has_socket = |folder: &&str| Path::new(folder).join(format!(".s.PGSQL.{port}")).exists();
        let folder = SOCKET_FOLDERS.into_iter().find(has_socket);
        return Ok(
            folder.map_or_else(|| Host::Name("localhost".to_owned()), |folder| Host::Socket(folder.into()))
        );
    };
    if named.contains(',') {
        return Err("names several hosts; write the one of the primary, or a name that leads to it");
    }
    if named.starts_with('@') {
        return Err("names a socket in the abstract namespace; write the folder of a socket, or a host");
    }
    if named.starts_with('/') {
        return Ok(Host::Socket(named.into()));
    }
    let name = named.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&named);
    Ok(Host::Name(name.to_owned()))
}

/// The file with the certificates of the authorities to trust; `None` for those that browsers
/// trust.
fn authorities(
    given: Option<String>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<PathBuf>, &'static str> {
    let Some(path) = given.or_else(|| variable("PGSSLROOTCERT")) else {
        return Ok(usual_file("root.crt", variable));
    };
    if path == "system" {
        return Err(
            "sslrootcert, in the URL or in PGSSLROOTCERT, is system: leave it out, and the authorities that \
                    browsers trust are used",
        );
    }
    std::fs::File::open(&path)
        .map(|_| Some(path.into()))
        .map_err(|_| "the file that sslrootcert or PGSSLROOTCERT names cannot be read")
}

/// A file of the user's, if it exists.
fn usual_file(name: &str, variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let path = variable("HOME").map(|home| Path::new(&home).join(".postgresql").join(name));
    path.filter(|path| path.exists())
}

/// The password for these options, if a file has it. A socket in a usual folder has the name
/// `localhost` there, one in another folder has its folder's name.
fn password_of_file(
    options: &PgConnectOptions,
    host: &Host,
    port: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, &'static str> {
    let hosts = match host {
        Host::Name(name) => vec![name.as_str()],
        Host::Socket(folder) => {
            let is_usual = SOCKET_FOLDERS.iter().any(|usual| Path::new(usual) == folder);
            folder.to_str().into_iter().chain(is_usual.then_some("localhost")).collect()
        }
    };
    let user = options.get_username();
    let database = options.get_database().filter(|name| !name.is_empty()).unwrap_or(user);
    password_file::password(&Login { hosts, port, database, user }, variable)
}

const fn protection(mode: PgSslMode) -> Transport {
    match mode {
        PgSslMode::VerifyFull => Transport::Verified,
        PgSslMode::VerifyCa => Transport::AnyName,
        PgSslMode::Require => Transport::Unverified,
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => Transport::Clear,
    }
}

fn is_loopback(host: &str) -> bool {
    let is_loopback = |ip: std::net::IpAddr| ip.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
}

/// Resolves percent escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let escape = if *byte == b'%' { after.get(..2) } else { None };
        let escape = escape.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(escape.unwrap_or(*byte));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
