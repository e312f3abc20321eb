//! The call to the revocation endpoint (RFC 7009).

use std::time::Duration;

use reqwest::header::ACCEPT;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::client_auth;
use super::http::{BuildError, HttpClient, Limits, Reply};
use super::pauses::retry_after;
use crate::config::Merchant;

/// The largest answer that is read, in bytes. A valid one has none or a short error.
const BODY_LIMIT: usize = 64 * 1024;

/// The call's path, also its name in traces.
const REVOKE: &str = "/{region}/lp/idp/oauth2/revoke";

/// The result of a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The token is revoked, or was not valid any more.
    Done,
    /// The endpoint does not revoke such tokens. Trying again does not help.
    Refused {
        /// A text for logs.
        what: String,
    },
    /// It is not known, or not revoked: try again.
    Failed {
        /// A text for logs.
        what: String,
        /// The pause that the answer asks for.
        retry_after: Option<Duration>,
    },
}

/// Revokes refresh tokens at the merchants' revocation endpoints.
#[derive(Clone, Debug)]
pub struct RevokeClient {
    http: HttpClient,
}

/// The error of a refusal (RFC 6749 section 5.2).
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl RevokeClient {
    /// `timeout` limits one whole call.
    ///
    /// # Errors
    /// If TLS cannot be set up, usually because there are no CA certificates.
    pub fn new(timeout: Duration) -> Result<Self, BuildError> {
        let limits = Limits { connect: timeout / 2, call: timeout, body: BODY_LIMIT, reuse: false };
        Ok(Self { http: HttpClient::new(limits)? })
    }

    /// Revokes a refresh token at `url`. A request may be repeated: a token that is revoked already
    /// is answered like one that was revoked now.
    pub async fn revoke(&self, merchant: &Merchant, url: &Url, refresh_token: &SecretString) -> Revoked {
        let request = self.http.post(url.clone()).header(ACCEPT, "application/json");
        let fields = [("token", refresh_token.expose_secret()), ("token_type_hint", "refresh_token")];
        let request = client_auth::form(request, merchant, &fields);
        match self.http.send(request, merchant.http_proxy.as_ref(), Some(REVOKE)).await {
            Ok(reply) => read(&reply, merchant.longest_pauses.asked),
            Err(failure) => Revoked::Failed { what: failure.to_string(), retry_after: None },
        }
    }
}

/// Reads a whole answer.
pub(crate) fn read(reply: &Reply, longest_pause: Duration) -> Revoked {
    if reply.status.is_success() {
        return Revoked::Done;
    }
    let what = format!("HTTP {}", reply.status.as_u16());
    let refusal: Option<Refusal> = serde_json::from_slice(&reply.body).ok();
    match refusal.as_ref().map(|refusal| refusal.error.as_str()) {
        // Some providers answer so for a token that is spent or revoked.
        Some("invalid_grant" | "invalid_token") => Revoked::Done,
        Some("unsupported_token_type") => Revoked::Refused { what: format!("{what} unsupported_token_type") },
        _ => Revoked::Failed { what, retry_after: retry_after(&reply.headers, longest_pause) },
    }
}
