//! One harmless request to a host, for an operator who asks whether it can be reached.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, DATE};
use secrecy::ExposeSecret;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::checkout::{CheckoutClient, orders_url};
use super::http::{BuildError, HttpClient, Limits, Reply};
use crate::config::Merchant;

const LIMITS: Limits = Limits { connect: Duration::from_secs(3), call: Duration::from_secs(10), body: 256 * 1024 };

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
    http: HttpClient,
    checkout: CheckoutClient,
}

impl Probe {
    /// Up to 10 s a request, and up to `checkout_timeout` (`checkout.timeout`) for Checkout's.
    ///
    /// # Errors
    /// Where TLS cannot be set up, for the most part for want of CA certificates.
    pub fn new(checkout_timeout: Duration) -> Result<Self, BuildError> {
        Ok(Self { http: HttpClient::new(LIMITS)?, checkout: CheckoutClient::new(checkout_timeout)? })
    }

    /// Asks the token endpoint with a `GET`, which it need not like: any answer shows that it is there.
    ///
    /// # Errors
    /// Why there is no answer, in words fit for logs.
    pub async fn token(&self, merchant: &Merchant) -> Result<Reached, String> {
        Self::send(&self.http, self.http.get(merchant.token_url.clone())).await.map(|reply| Reached::from(&reply))
    }

    /// Fetches the keys that sign id_tokens: the answer's body, to be parsed.
    ///
    /// # Errors
    /// As [`Probe::token`].
    pub async fn jwks(&self, merchant: &Merchant) -> Result<(Reached, Zeroizing<Vec<u8>>), String> {
        let reply = Self::send(&self.http, self.http.get(merchant.jwks_url.clone())).await?;
        Ok((Reached::from(&reply), reply.body))
    }

    /// Reads an order that does not exist (`GET /checkout/v3/orders/{id}`): 404 where the credentials are good, 401 or
    /// 403 where they are not. Nothing is created.
    ///
    /// # Errors
    /// As [`Probe::token`].
    pub async fn checkout(&self, merchant: &Merchant) -> Result<Reached, String> {
        let mut url = orders_url(&merchant.checkout_url);
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&Uuid::nil().to_string());
        }
        let http = &self.checkout.http;
        let request = http
            .get(url)
            .basic_auth(&merchant.api_username, Some(merchant.api_password.expose_secret()))
            .header(ACCEPT, "application/json");
        Self::send(http, request).await.map(|reply| Reached::from(&reply))
    }

    async fn send(http: &HttpClient, request: RequestBuilder) -> Result<Reply, String> {
        http.send(request, None).await.map_err(|failure| failure.to_string())
    }
}

impl From<&Reply> for Reached {
    fn from(reply: &Reply) -> Self {
        let date = reply.headers.get(DATE).and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
        Self { status: reply.status.as_u16(), date: date.map(|date| date.to_utc()) }
    }
}
