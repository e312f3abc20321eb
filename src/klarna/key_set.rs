//! Fetches an issuer's key set (RFC 7517).

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::SecretString;
use url::Url;
use zeroize::Zeroizing;

use super::http::{BuildError, HttpClient, Limits};

const LIMITS: Limits =
    Limits { connect: Duration::from_secs(2), call: Duration::from_secs(5), body: 256 * 1024, reuse: true };

/// The path of a key set, also its name in traces.
const JWKS: &str = "/{region}/lp/idp/.well-known/jwks.json";

/// Fetches key sets.
pub(crate) struct KeySetClient {
    http: HttpClient,
}

impl KeySetClient {
    /// # Errors
    /// Like [`HttpClient::new`].
    pub fn new() -> Result<Self, BuildError> {
        Ok(Self { http: HttpClient::new(LIMITS)? })
    }

    /// Returns the body of a 200 answer.
    ///
    /// # Errors
    /// Why there is none, as a text without secrets.
    pub async fn fetch(&self, url: &Url, proxy: Option<&SecretString>) -> Result<Zeroizing<Vec<u8>>, String> {
        let request = self.http.get(url.clone());
        let reply =
            self.http.send(request, proxy, Some(JWKS)).await.map_err(|failure| failure.to_string())?;
        if reply.status != StatusCode::OK {
            return Err(format!("HTTP {}", reply.status.as_u16()));
        }
        Ok(reply.body)
    }
}
