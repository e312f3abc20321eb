//! How a client of *Sign in with Klarna* proves itself in a form (RFC 6749 section 2.3.1).

use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use url::form_urlencoded;

use crate::config::{ClientAuth, Merchant};

/// Returns the request with these fields and the client's in its body. Klarna's example has them in the
/// query, but URLs are written to logs.
pub(super) fn form(request: RequestBuilder, merchant: &Merchant, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut fields = fields.to_vec();
    fields.push(("client_id", &merchant.client_id));
    let Some(secret) = &merchant.client_secret else { return request.form(&fields) };
    match merchant.client_auth {
        ClientAuth::ClientSecretPost => {
            fields.push(("client_secret", secret.expose_secret()));
            request.form(&fields)
        }
        ClientAuth::ClientSecretBasic => {
            let (id, secret) = (form_encoded(&merchant.client_id), form_encoded(secret.expose_secret()));
            request.basic_auth(id, Some(secret)).form(&fields)
        }
    }
}

/// Encodes an id or secret before it becomes a user name or password.
fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
