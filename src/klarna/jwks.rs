//! Fetching an issuer's key set (RFC 7517).

use std::time::Duration;

use reqwest::StatusCode;
use url::Url;
use zeroize::Zeroizing;

use super::http::{BuildError, HttpClient, Limits};

const LIMITS: Limits = Limits { connect: Duration::from_secs(2), call: Duration::from_secs(5), body: 256 * 1024 };

/// The path of a key set, as traces name it.
const JWKS: &str = "/{region}/lp/idp/.well-known/jwks.json";

/// Fetches key sets.
pub(crate) struct JwksClient {
    http: HttpClient,
}

impl JwksClient {
    /// # Errors
    /// As [`HttpClient::new`].
    pub fn new() -> Result<Self, BuildError> {
        Ok(Self { http: HttpClient::new(LIMITS)? })
    }

    /// The body of a 200.
    ///
    /// # Errors
    /// Why there is none, in words fit for logs.
    pub async fn fetch(&self, url: &Url) -> Result<Zeroizing<Vec<u8>>, String> {
        let request = self.http.get(url.clone());
        let reply = self.http.send(request, Some(JWKS)).await.map_err(|failure| failure.to_string())?;
        if reply.status != StatusCode::OK {
            return Err(format!("HTTP {}", reply.status.as_u16()));
        }
        Ok(reply.body)
    }
}
