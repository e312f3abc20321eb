//! TLS for the calls to Klarna and to the shops' webhook endpoints.

use std::sync::{Arc, OnceLock};

use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, Error};

/// Returns the TLS settings that all clients of the process share. The system's CA certificates are
/// read once.
///
/// # Errors
/// Usually because the system has no CA certificates.
pub(super) fn shared() -> Result<ClientConfig, Error> {
    static SHARED: OnceLock<Result<ClientConfig, Error>> = OnceLock::new();
    SHARED.get_or_init(load).clone()
}

fn load() -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_platform_verifier()?.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
