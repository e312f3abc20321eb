//! Klarna's create-order call: how it is built (`request.rs`) and sent (here), and what its answer
//! means (`answer.rs`).

mod answer;
mod blame;
pub mod request;

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use tracing::Span;
use url::Url;
use zeroize::Zeroizing;

pub use self::answer::CreateAnswer;
pub(crate) use self::answer::classify;
use self::answer::correlation_id;
use super::authorization::authorized;
use super::http::{BuildError, Failure, HttpClient, Limits};
use super::redact::Redactor;
use crate::config::Merchant;

/// The largest answer that is read, in bytes. An answer repeats the order, which may be 1 MB, and
/// adds its snippet.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The call's path, also its name in traces.
const ORDERS: &str = "/checkout/v3/orders";

/// Creates orders at Klarna Checkout, or at Kustom, which has the same API. Clones share their
/// connections.
#[derive(Clone, Debug)]
pub struct CheckoutClient {
    pub(super) http: HttpClient,
}

impl CheckoutClient {
    /// Creates a client. `timeout` limits one whole call; Klarna answers within 30 s.
    ///
    /// # Errors
    /// If TLS cannot be set up, usually because there are no CA certificates.
    pub fn new(timeout: Duration) -> Result<Self, BuildError> {
        let limits = Limits { connect: CONNECT_TIMEOUT, call: timeout, body: BODY_LIMIT };
        Ok(Self { http: HttpClient::new(limits)? })
    }

    /// Sends the order once (`POST /checkout/v3/orders`). `body` is its JSON, with the access
    /// token. Every possible result is a [`CreateAnswer`].
    ///
    /// Klarna's correlation id is recorded in the field `correlation` of the current span.
    ///
    /// `Klarna-Idempotency-Key` is not documented for this call. It does no harm, and nothing
    /// depends on it.
    pub async fn create(&self, merchant: &Merchant, idempotency_key: &str, body: Zeroizing<String>) -> CreateAnswer {
        // The body is shared, not copied, and wiped when the last owner is dropped.
        let body = Bytes::from_owner(body);
        let request = authorized(self.http.post(orders_url(&merchant.checkout_url)), merchant)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header("Klarna-Idempotency-Key", idempotency_key)
            .body(body.clone());
        match self.http.send(request, merchant.http_proxy.as_ref(), Some(ORDERS)).await {
            Ok(reply) => {
                if let Some(id) = correlation_id(&reply.headers, &reply.body) {
                    Span::current().record("correlation", id);
                }
                classify(reply.status, &reply.headers, &reply.body, || Redactor::new(merchant, &body))
            }
            Err(failure) => CreateAnswer::Unavailable {
                maybe_created: !matches!(failure, Failure::NotSent(_)),
                what: match failure {
                    Failure::NotSent(why) => format!("Klarna could not be reached: {why}"),
                    Failure::NoAnswer(why) => format!("no answer from Klarna: {why}"),
                },
                retry_after: None,
                correlation_id: None,
            },
        }
    }
}

pub(super) fn orders_url(base: &Url) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["checkout", "v3", "orders"]);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_to_whatever_base_is_set() {
        for (base, expected) in [
            ("https://api.klarna.com", "https://api.klarna.com/checkout/v3/orders"),
            ("https://api.klarna.com/", "https://api.klarna.com/checkout/v3/orders"),
            ("http://127.0.0.1:1/stub/", "http://127.0.0.1:1/stub/checkout/v3/orders"),
        ] {
            assert_eq!(orders_url(&base.parse().unwrap()).as_str(), expected);
        }
    }
}
