//! TLS for this service's own HTTP API: its certificate, the certificates of clients, and the files
//! that they come from, which may be replaced while the service runs.
//!
//! `files` reads and checks the files, `certificate` reads what a certificate says about its owner,
//! and `server` does handshakes and notices new files.

mod certificate;
mod files;
mod server;

pub use certificate::CertificateInfo;
pub use files::{Loaded, TlsError, TlsFiles};
pub use server::{ClientCertificate, Reload, TlsServer};
