//! One harmless request to a host, for an operator who asks whether it can be reached.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::RequestBuilder;
use reqwest::header::DATE;

use super::jwks;
use super::transport::{BuildError, Reply, Transport};
use crate::config::Merchant;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
const BODY_LIMIT: usize = 256 * 1024;

/// A host's answer, whatever it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The HTTP status.
    pub status: u16,
    /// The host's clock, to the second, where it tells.
    pub date: Option<DateTime<Utc>>,
}

/// Asks hosts. No request of its spends a token or creates anything.
#[derive(Clone, Debug)]
pub struct Probe {
    transport: Transport,
}

impl Probe {
    /// Up to 10 s a request.
    ///
    /// # Errors
    /// Where TLS cannot be set up, for the most part for want of CA certificates.
    pub fn new() -> Result<Self, BuildError> {
        Ok(Self { transport: Transport::new(CONNECT_TIMEOUT, TIMEOUT, BODY_LIMIT)? })
    }

    /// Asks the token endpoint with a `GET`, which it need not like: any answer shows that it is there.
    ///
    /// # Errors
    /// Why there is no answer, in words fit for logs.
    pub async fn token(&self, merchant: &Merchant) -> Result<Reached, String> {
        self.send(self.transport.get(merchant.token_url.clone())).await.map(|reply| Reached::from(&reply))
    }

    /// Fetches the keys that sign id_tokens; how many of them can be used.
    ///
    /// # Errors
    /// As [`Probe::token`].
    pub async fn jwks(&self, merchant: &Merchant) -> Result<(Reached, usize), String> {
        let reply = self.send(self.transport.get(merchant.jwks_url.clone())).await?;
        let keys = jwks::parse(&reply.body).map_or(0, |keys| keys.len());
        Ok((Reached::from(&reply), keys))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Reply, String> {
        self.transport.send(request, None).await.map_err(|failure| failure.to_string())
    }
}

impl From<&Reply> for Reached {
    fn from(reply: &Reply) -> Self {
        let date = reply.headers.get(DATE).and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
        Self { status: reply.status.as_u16(), date: date.map(|date| date.to_utc()) }
    }
}
