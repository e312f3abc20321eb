//! How a client of *Sign in with Klarna* proves itself in a form (RFC 6749 section 2.3.1).

use bytes::Bytes;
use reqwest::RequestBuilder;
use reqwest::header::CONTENT_TYPE;
use secrecy::ExposeSecret;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::config::{ClientAuth, Merchant};

/// Returns the request with these fields and the client's in its body. Klarna's example has them in
/// the query, but URLs are written to logs. The body is wiped when it is dropped.
pub(super) fn form(request: RequestBuilder, merchant: &Merchant, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut fields = fields.to_vec();
    fields.push(("client_id", &merchant.client_id));
    let request = match (&merchant.client_secret, merchant.client_auth) {
        (None, _) => request,
        (Some(secret), ClientAuth::ClientSecretPost) => {
            fields.push(("client_secret", secret.expose_secret()));
            request
        }
        (Some(secret), ClientAuth::ClientSecretBasic) => {
            let (id, secret) = (form_encoded(&merchant.client_id), form_encoded(secret.expose_secret()));
            request.basic_auth(id, Some(secret))
        }
    };
    // Each byte becomes three at most, so the text does not grow out of its memory.
    let longest: usize = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut text = form_urlencoded::Serializer::new(String::with_capacity(longest));
    let body = Zeroizing::new(text.extend_pairs(&fields).finish());
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(Bytes::from_owner(body))
}

/// Encodes an id or secret before it becomes a user name or password.
fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
