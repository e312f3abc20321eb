//! The files with certificates and key, and what they have to fulfil.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::{Error, RootCertStore, ServerConfig};
use zeroize::Zeroizing;

use super::certificate::CertificateInfo;
use crate::bounded;
use crate::clock::Clock;

/// The most bytes of a file: several times as many as all authorities that browsers trust.
const LARGEST: usize = 1024 * 1024;

/// The files of the settings `server.tls_cert`, `server.tls_key` and `server.client_ca`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of this service, followed by the intermediate ones, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
    /// The authorities whose certificates clients may show, in PEM; `None`: clients show none.
    pub client_ca: Option<PathBuf>,
}

/// Why the files cannot be used. A message names the setting, and shows nothing of the content.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{setting}: the file {path} cannot be read: {error}", path = .path.display())]
    Unreadable {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file does not have what it should have.
    #[error("{setting}: the file {path} has no {what} in PEM that can be read", path = .path.display())]
    NotFound {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// The key is not that of the certificate.
    #[error("server.tls_key: the key does not belong to the certificate of server.tls_cert")]
    OtherKey,
    /// The time of the new certificate is over, or has not begun, while the present one is valid.
    #[error("server.tls_cert: the new certificate is valid from {} to {} only", .0.not_before, .0.not_after)]
    NotValid(CertificateInfo),
    /// The TLS library refuses them.
    #[error("server.tls_cert: {0}")]
    Refused(Error),
}

/// The content of the files, checked.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the certificate of this service says.
    pub certificate: CertificateInfo,
    /// What the certificates of the authorities for clients say.
    pub client_authorities: Vec<CertificateInfo>,
    pub(super) config: Arc<ServerConfig>,
    /// Tells whether the files have changed.
    pub(super) digest: [u8; 32],
}

/// The bytes of the files.
pub(super) struct Contents {
    certificate: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
    client_ca: Option<Zeroizing<Vec<u8>>>,
}

const CERTIFICATE: &str = "server.tls_cert";
const KEY: &str = "server.tls_key";
const CLIENT_CA: &str = "server.client_ca";

impl TlsFiles {
    /// Reads the files and checks them. `clock` tells when certificates of clients have expired.
    ///
    /// # Errors
    /// A file cannot be read, lacks what it should have, or does not fit the others. The
    /// certificate's time is not checked.
    pub async fn load(&self, clock: &Clock) -> Result<Loaded, TlsError> {
        self.check(&self.read().await?, clock)
    }

    pub(super) async fn read(&self) -> Result<Contents, TlsError> {
        Ok(Contents {
            certificate: read(CERTIFICATE, &self.certificate).await?,
            key: read(KEY, &self.key).await?,
            client_ca: match &self.client_ca {
                Some(path) => Some(read(CLIENT_CA, path).await?),
                None => None,
            },
        })
    }

    pub(super) fn check(&self, contents: &Contents, clock: &Clock) -> Result<Loaded, TlsError> {
        let chain = certificates(CERTIFICATE, &self.certificate, &contents.certificate)?;
        let no_key = |_| missing(KEY, &self.key, "private key");
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(no_key)?;
        let certificate = describe(CERTIFICATE, &self.certificate, &chain[..1])?.swap_remove(0);
        let authorities = match (&self.client_ca, &contents.client_ca) {
            (Some(path), Some(pem)) => certificates(CLIENT_CA, path, pem)?,
            _ => Vec::new(),
        };
        let client_ca = self.client_ca.as_deref().unwrap_or(Path::new(""));
        let client_authorities = describe(CLIENT_CA, client_ca, &authorities)?;
        let config = config(chain, key, authorities, clock).map_err(|error| match error {
            Error::InconsistentKeys(_) => TlsError::OtherKey,
            error => TlsError::Refused(error),
        })?;
        Ok(Loaded { certificate, client_authorities, config: Arc::new(config), digest: contents.digest() })
    }
}

impl Contents {
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for file in [&self.certificate[..], &self.key, self.client_ca.as_ref().map_or(&[], |file| &file[..])]
        {
            hash.update(Sha256::digest(file));
        }
        hash.finalize().into()
    }
}

async fn read(setting: &'static str, path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let failed = |error| TlsError::Unreadable { setting, path: path.to_owned(), error };
    let file = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || bounded::read(&file, LARGEST)).await;
    reading.map_err(io::Error::other).flatten().map_err(failed)
}

fn missing(setting: &'static str, path: &Path, what: &'static str) -> TlsError {
    TlsError::NotFound { setting, path: path.to_owned(), what }
}

/// Returns the certificates in a file; at least one.
fn certificates(
    setting: &'static str,
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    found.ok_or_else(|| missing(setting, path, "certificate"))
}

fn describe(
    setting: &'static str,
    path: &Path,
    certificates: &[CertificateDer<'_>],
) -> Result<Vec<CertificateInfo>, TlsError> {
    let read = certificates.iter().map(|der| CertificateInfo::read(der)).collect::<Option<_>>();
    read.ok_or_else(|| missing(setting, path, "certificate"))
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    authorities: Vec<CertificateDer<'static>>,
    clock: &Clock,
) -> Result<ServerConfig, Error> {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let time = Arc::new(Time(clock.clone()));
    let builder = ServerConfig::builder_with_details(Arc::clone(&provider), time);
    let builder = builder.with_safe_default_protocol_versions()?;
    let builder = if authorities.is_empty() {
        builder.with_no_client_auth()
    } else {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority)?;
        }
        // A client without a certificate shows an API key instead.
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.allow_unauthenticated().build();
        builder.with_client_cert_verifier(verifier.map_err(|error| Error::General(error.to_string()))?)
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The process's clock, as the TLS library asks for it.
#[derive(Debug)]
struct Time(Clock);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let since = self.0.now().signed_duration_since(chrono::DateTime::UNIX_EPOCH);
        since.to_std().ok().map(UnixTime::since_unix_epoch)
    }
}
