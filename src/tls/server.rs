//! Handshakes with the present files, and new files.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::CertificateInfo;
use super::files::{Loaded, TlsError, TlsFiles};
use crate::clock::Clock;

/// How often the files are read.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// After how many reads a failure that goes on is logged again: an hour.
const LOGGED_EVERY: u32 = 1800;

/// A client's verified certificate.
pub type ClientCertificate = Arc<CertificateInfo>;

/// Does TLS handshakes. Clones share the files.
#[derive(Clone)]
pub struct TlsServer(Arc<Shared>);

struct Shared {
    files: TlsFiles,
    clock: Clock,
    /// What new connections use.
    present: watch::Sender<Arc<Loaded>>,
    /// How many reads in a row have failed. One read at a time.
    failures: Mutex<u32>,
}

/// What a poll of the files found.
#[derive(Debug)]
pub enum Reload {
    /// The files are those in use.
    Unchanged,
    /// New connections use new files.
    Replaced,
    /// The new files cannot be used; new connections use the former ones.
    Failed(TlsError),
}

impl TlsServer {
    /// Loads the files.
    ///
    /// # Errors
    /// They cannot be used. A certificate whose time is over is used all the same, because a
    /// service that does not start would stop orders too.
    pub async fn open(files: TlsFiles, clock: Clock) -> Result<Self, TlsError> {
        let loaded = files.load(&clock).await?;
        if !loaded.certificate.is_valid(clock.now()) {
            let CertificateInfo { not_before, not_after, .. } = &loaded.certificate;
            tracing::error!(%not_before, %not_after, "The TLS certificate of this service is not valid now; clients \
                refuse it until it is replaced");
        }
        let present = watch::Sender::new(Arc::new(loaded));
        Ok(Self(Arc::new(Shared { files, clock, present, failures: Mutex::new(0) })))
    }

    /// Does the handshake of a new connection. Returns the client's certificate if it showed one.
    ///
    /// # Errors
    /// The handshake failed, or the client's certificate is not accepted.
    pub async fn accept<S>(&self, stream: S) -> io::Result<(TlsStream<S>, Option<ClientCertificate>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Arc::clone(&self.0.present.borrow().config);
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = shown.and_then(|der| CertificateInfo::read(der)).map(Arc::new);
        Ok((stream, certificate))
    }

    /// Reads the files, and uses them for new connections if they have changed.
    ///
    /// Files are replaced one after the other, so a failure is logged only if the next poll fails
    /// too.
    pub async fn reload(&self) -> Reload {
        let Shared { files, clock, present, failures } = &*self.0;
        let mut failures = failures.lock().await;
        match poll_files(files, clock, present).await {
            Ok(None) => {
                *failures = 0;
                Reload::Unchanged
            }
            Ok(Some(loaded)) => {
                *failures = 0;
                let CertificateInfo { names, not_after, .. } = &loaded.certificate;
                tracing::info!(?names, %not_after, "The TLS files were replaced; new connections use them");
                present.send_replace(Arc::new(loaded));
                Reload::Replaced
            }
            Err(error) => {
                *failures += 1;
                if *failures % LOGGED_EVERY == 2 {
                    tracing::error!(%error, "The new TLS files cannot be used; new connections use the former ones");
                }
                Reload::Failed(error)
            }
        }
    }

    /// Polls the files every few seconds, for as long as it runs.
    pub async fn watch(self) {
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            self.reload().await;
        }
    }
}

/// Returns the new files if they have changed.
async fn poll_files(
    files: &TlsFiles,
    clock: &Clock,
    present: &watch::Sender<Arc<Loaded>>,
) -> Result<Option<Loaded>, TlsError> {
    let contents = files.read().await?;
    let former = Arc::clone(&present.borrow());
    if contents.digest() == former.digest {
        return Ok(None);
    }
    let loaded = files.check(&contents, clock)?;
    let now = clock.now();
    if former.certificate.is_valid(now) && !loaded.certificate.is_valid(now) {
        return Err(TlsError::NotValid(loaded.certificate));
    }
    Ok(Some(loaded))
}
