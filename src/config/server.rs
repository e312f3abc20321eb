//! `[server]`

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::api_key::{ApiKey, Credential};
use super::reader::Reader;
use crate::tls::TlsFiles;

const CERTIFICATE: &str = "server.tls_cert";
const KEY: &str = "server.tls_key";
const CLIENT_CA: &str = "server.client_ca";

/// The API keys of the settings.
pub type ApiKeys = Vec<Arc<ApiKey>>;

/// The HTTP servers of a process.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address and port; port 0 takes any free one.
    pub bind: SocketAddr,
    /// The address of health and metrics, without an API key, for any role; `None` if there is
    /// none.
    pub probes: Option<SocketAddr>,
    /// How long a stop waits for running work.
    pub shutdown_grace: Duration,
    /// The maximum number of concurrent requests, without those that wait for an order.
    pub max_requests: usize,
    /// The maximum number of concurrent requests that wait for an order (`?wait=`).
    pub max_waits: usize,
    /// The maximum number of connections.
    pub max_connections: usize,
    /// Whether `/docs` and `/openapi.json` are served.
    pub docs: bool,
    /// Whether a change of the settings file, or of a file with a secret, reloads the settings.
    pub reload_on_change: bool,
    /// The files for TLS; `None`: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// The API keys. The list is empty only if `bind` is a loopback address: then everybody on this
    /// machine may do everything.
    pub api_keys: ApiKeys,
}

impl Server {
    pub(super) fn read(reader: &mut Reader, merchants: &BTreeSet<String>) -> Self {
        let bind = reader.get_or("server.bind", SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
        let probes = reader.get("server.probes");
        let shutdown_grace = reader.lasting("server.shutdown_grace", Duration::from_mins(1));
        let max_requests = reader.within("server.max_requests", 256_u32, &(1..=100_000)) as usize;
        let max_waits = reader.within("server.max_waits", 4096_u32, &(1..=1_000_000)) as usize;
        let max_connections = reader.within("server.max_connections", 8192_u32, &(16..=1_000_000)) as usize;
        if max_connections <= max_requests + max_waits {
            let instead = "write more than server.max_requests and server.max_waits together";
            reader.fault(
                "server.max_connections",
                "fewer than the requests that may be open at a time",
                instead,
            );
        }
        let docs = reader.get_or("server.docs", true);
        let reload_on_change = reader.get_or("server.reload_on_change", false);
        let tls = tls(reader);
        let numbers = reader.names("server.api_keys");
        if numbers.is_empty() && !bind.ip().to_canonical().is_loopback() {
            let instead = "add a [[server.api_keys]] section, or bind to 127.0.0.1";
            reader.fault("server.bind", "reachable from other machines, and there are no API keys", instead);
        }
        let mut api_keys = ApiKeys::new();
        for number in numbers {
            let section = format!("server.api_keys.{number}");
            let Some(key) = ApiKey::read(reader, &section, merchants) else {
                continue;
            };
            if matches!(key.credential, Credential::Certificate(_)) && !reader.has(CLIENT_CA) {
                let instead = "set server.client_ca to the authority that issues it";
                reader.fault(&format!("{section}.certificate"), "not verified by any authority", instead);
            }
            if api_keys.iter().any(|other| other.name == key.name || other.credential == key.credential) {
                reader.fault(&section, "has the name or the key of another one", "give each its own");
            }
            api_keys.push(Arc::new(key));
        }
        Self {
            bind,
            probes,
            shutdown_grace,
            max_requests,
            max_waits,
            max_connections,
            docs,
            reload_on_change,
            tls,
            api_keys,
        }
    }
}

/// Reads the paths for TLS. The files are read when the server starts, and by `doctor`.
fn tls(reader: &mut Reader) -> Option<TlsFiles> {
    let (certificate, key) = (reader.get::<PathBuf>(CERTIFICATE), reader.get::<PathBuf>(KEY));
    let client_ca = reader.get(CLIENT_CA);
    for (given, other) in [(CERTIFICATE, KEY), (KEY, CERTIFICATE), (CLIENT_CA, CERTIFICATE)] {
        if reader.has(given) && !reader.has(other) {
            reader.fault(
                given,
                format!("given without {other}"),
                format!("set {other} too, or leave it out"),
            );
        }
    }
    let (certificate, key) = (certificate?, key?);
    reader.secret_files.insert(KEY.to_owned(), key.clone());
    Some(TlsFiles { certificate, key, client_ca })
}
