//! Sends one harmless request to a host, for `doctor`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, DATE};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::accepted_credentials::AcceptedCredentials;
use super::authorization::authorized;
use super::create::{Call, CreateClient};
use super::http::{BuildError, HttpClient, Limits, Reply};
use crate::config::{ApiCredentials, Merchant};
use crate::order::Target;

const LIMITS: Limits =
    Limits { connect: Duration::from_secs(3), call: Duration::from_secs(10), body: 256 * 1024, reuse: true };

/// The answer of a host, with any status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The HTTP status.
    pub status: u16,
    /// The host's clock in seconds, if it sent a `Date`.
    pub date: Option<DateTime<Utc>>,
}

/// The answer of a host that has the keys which sign id_tokens.
pub struct KeySetReply {
    /// The HTTP status.
    pub status: u16,
    /// The body, unparsed.
    pub body: Zeroizing<Vec<u8>>,
}

/// Sends test requests to hosts. None of them spends a token or creates anything.
#[derive(Clone, Debug)]
pub struct Probe {
    http: HttpClient,
    create: CreateClient,
}

impl Probe {
    /// Creates a probe. Each request may take up to 10 s, and one to a target up to
    /// `checkout_timeout` (`checkout.timeout`).
    ///
    /// # Errors
    /// If TLS cannot be set up, usually because there are no CA certificates.
    pub fn new(checkout_timeout: Duration) -> Result<Self, BuildError> {
        let create = CreateClient::new(checkout_timeout, AcceptedCredentials::default())?;
        Ok(Self { http: HttpClient::new(LIMITS)?, create })
    }

    /// Sends a `GET` to the token endpoint. Any answer, even an error, shows that it can be
    /// reached.
    ///
    /// # Errors
    /// Why there is no answer, as a text without secrets.
    pub async fn token(&self, merchant: &Merchant) -> Result<Reached, String> {
        Self::send(&self.http, merchant, self.http.get(Url::clone(&merchant.token_url)))
            .await
            .map(|reply| Reached::from(&reply))
    }

    /// Fetches the keys that sign id_tokens.
    ///
    /// # Errors
    /// Like [`Probe::token`].
    pub async fn jwks(&self, merchant: &Merchant) -> Result<KeySetReply, String> {
        let reply = Self::send(&self.http, merchant, self.http.get(Url::clone(&merchant.jwks_url))).await?;
        Ok(KeySetReply { status: reply.status.as_u16(), body: reply.body })
    }

    /// Reads an order or session that does not exist (`GET` with an id below the target's create
    /// call): 404 if these credentials are valid, 401 or 403 if not. Nothing is created.
    ///
    /// # Errors
    /// Like [`Probe::token`].
    pub async fn target(
        &self,
        merchant: &Merchant,
        credentials: &ApiCredentials,
        target: Target,
    ) -> Result<Reached, String> {
        let base = merchant.url(target).ok_or_else(|| format!("the settings have no {target}_url"))?;
        let mut url = Call::of(target).url(base);
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&Uuid::nil().to_string());
        }
        let http = &self.create.http;
        let request = authorized(http.get(url), credentials).header(ACCEPT, "application/json");
        Self::send(http, merchant, request).await.map(|reply| Reached::from(&reply))
    }

    async fn send(http: &HttpClient, merchant: &Merchant, request: RequestBuilder) -> Result<Reply, String> {
        http.send(request, merchant.http_proxy.as_ref(), None).await.map_err(|failure| failure.to_string())
    }
}

impl From<&Reply> for Reached {
    fn from(reply: &Reply) -> Self {
        let date =
            reply.headers.get(DATE).and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
        Self { status: reply.status.as_u16(), date: date.map(|date| date.to_utc()) }
    }
}
