//! The call to the token endpoint.

use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::ACCEPT;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::client_auth;
use super::http::{BuildError, Failure, HttpClient, Limits, Reply, correlation_id};
use super::pauses::{retry_after, used_up};
use crate::breaker::UsedUp;
use crate::config::Merchant;
use crate::token::{Answer, answer};

/// The largest answer that is read, in bytes; far more than any valid answer.
const BODY_LIMIT: usize = 256 * 1024;

/// The call's path, also its name in traces.
const TOKEN: &str = "/{region}/lp/idp/oauth2/token";

/// The result of presenting a token.
#[derive(Debug)]
pub struct Presented {
    /// What happened to the token.
    pub answer: Answer,
    /// Klarna's correlation id of the call, if the answer had one.
    pub correlation_id: Option<String>,
    /// Whether the answer says that Klarna's limit of calls is used up.
    pub used_up: Option<UsedUp>,
}

/// Presents refresh tokens at the merchants' token endpoints, each by a connection of its own: an
/// endpoint that closes a connection just when it is used again would cost an answer.
#[derive(Clone, Debug)]
pub struct TokenClient {
    http: HttpClient,
}

impl TokenClient {
    /// `timeout` limits one whole call. `connect_timeout`, at most half of it, limits DNS, TCP and
    /// TLS.
    ///
    /// # Errors
    /// If TLS cannot be set up, usually because there are no CA certificates.
    pub fn new(connect_timeout: Duration, timeout: Duration) -> Result<Self, BuildError> {
        let limits = Limits { connect: connect_timeout, call: timeout, body: BODY_LIMIT, reuse: false };
        Ok(Self { http: HttpClient::new(limits)? })
    }

    /// Presents a refresh token (RFC 6749 section 6). One call is one HTTP request; it is never
    /// repeated here. Every possible result is an [`Answer`].
    ///
    /// Do not cancel this future: dropping it may drop the only copy of the successor.
    pub async fn present(&self, merchant: &Merchant, refresh_token: &SecretString) -> Presented {
        let longest = merchant.longest_pauses.asked;
        let (answer, correlation_id, used_up) = match self
            .http
            .send(self.request(merchant, refresh_token), merchant.http_proxy.as_ref(), Some(TOKEN))
            .await
        {
            Ok(Reply { status, headers, body }) => {
                let wait = retry_after(&headers, longest);
                let answer = answer::read(status.as_u16(), wait, &body, refresh_token);
                (answer, correlation_id(&headers), used_up(&headers, longest))
            }
            Err(failure @ Failure::NotSent(_)) => (Answer::NotSent { cause: failure.cause() }, None, None),
            Err(Failure::Broken { begun, why }) => {
                match answer::read(begun.status.as_u16(), None, &begun.body, refresh_token) {
                    // The successor came before the answer broke off.
                    rotated @ Answer::Rotated(_) => (rotated, correlation_id(&begun.headers), None),
                    _ => (unanswered(&Failure::NoAnswer(why)), None, None),
                }
            }
            Err(failure @ Failure::NoAnswer(_)) => (unanswered(&failure), None, None),
        };
        Presented { answer, correlation_id, used_up }
    }

    fn request(&self, merchant: &Merchant, refresh_token: &SecretString) -> RequestBuilder {
        let request = self.http.post(Url::clone(&merchant.token_url)).header(ACCEPT, "application/json");
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
        client_auth::form(request, merchant, &fields)
    }
}

fn unanswered(failure: &Failure) -> Answer {
    Answer::NoAnswer { over: false, cause: failure.cause() }
}
