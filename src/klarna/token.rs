//! The call to the token endpoint.

use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::ACCEPT;
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use super::http::{BuildError, Failure, HttpClient, Limits, Reply, correlation_id, retry_after};
use crate::config::{ClientAuth, Merchant};
use crate::token::{Answer, answer};

/// Far above any lawful answer.
const BODY_LIMIT: usize = 256 * 1024;

/// The path of the call, as traces name it.
const TOKEN: &str = "/{region}/lp/idp/oauth2/token";

/// What a presentation came to.
#[derive(Debug)]
pub struct Presented {
    /// What became of the token.
    pub answer: Answer,
    /// Klarna's name for the call, where it gave one.
    pub correlation_id: Option<String>,
}

/// Presents refresh tokens at the merchants' token endpoints. Clones share their connections.
#[derive(Clone, Debug)]
pub struct TokenClient {
    http: HttpClient,
}

impl TokenClient {
    /// `timeout` bounds one call as a whole; `connect_timeout`, at most half of it, bounds DNS, TCP and TLS.
    ///
    /// # Errors
    /// Where TLS cannot be set up, for the most part for want of CA certificates.
    pub fn new(connect_timeout: Duration, timeout: Duration) -> Result<Self, BuildError> {
        let limits = Limits { connect: connect_timeout, call: timeout, body: BODY_LIMIT };
        Ok(Self { http: HttpClient::new(limits)? })
    }

    /// Presents a refresh token (RFC 6749 section 6): one call is one HTTP request, never repeated here. Everything
    /// that can happen is an [`Answer`].
    ///
    /// Not to be cancelled: who drops this future may drop the only copy of the successor.
    pub async fn present(&self, merchant: &Merchant, refresh_token: &SecretString) -> Presented {
        let (answer, correlation_id) = match self.http.send(self.request(merchant, refresh_token), Some(TOKEN)).await {
            Ok(Reply { status, headers, body }) => {
                let answer = answer::read(status.as_u16(), retry_after(&headers), &body, refresh_token);
                (answer, correlation_id(&headers))
            }
            Err(failure @ Failure::NotSent(_)) => (Answer::NotSent { what: failure.to_string() }, None),
            Err(failure @ Failure::NoAnswer(_)) => (Answer::NoAnswer { over: false, what: failure.to_string() }, None),
        };
        Presented { answer, correlation_id }
    }

    /// Everything goes into the body: Klarna's sample shows the fields in the query, but URLs end up in logs.
    fn request(&self, merchant: &Merchant, refresh_token: &SecretString) -> RequestBuilder {
        let mut request = self.http.post(merchant.token_url.clone()).header(ACCEPT, "application/json");
        let mut fields = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
            ("client_id", &merchant.client_id),
        ];
        if let Some(secret) = &merchant.client_secret {
            match merchant.client_auth {
                ClientAuth::ClientSecretPost => {
                    fields.push(("client_secret", secret.expose_secret()));
                }
                ClientAuth::ClientSecretBasic => {
                    let secret = form_encoded(secret.expose_secret());
                    request = request.basic_auth(form_encoded(&merchant.client_id), Some(secret));
                }
            }
        }
        request.form(&fields)
    }
}

/// RFC 6749 section 2.3.1 wants id and secret encoded before they become a user name and a password.
fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
