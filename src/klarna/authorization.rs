//! The `Authorization` header of Klarna's and Kustom's APIs.

use reqwest::RequestBuilder;
use reqwest::header::AUTHORIZATION;
use secrecy::ExposeSecret;

use crate::config::ApiCredentials;

/// Adds a merchant's credentials. An API key is sent as it was issued, without base64. A key that
/// no header can hold makes the request fail before it is sent.
pub(super) fn authorized(request: RequestBuilder, credentials: &ApiCredentials) -> RequestBuilder {
    match credentials {
        ApiCredentials::Password { username, password } => {
            request.basic_auth(username, Some(password.expose_secret()))
        }
        // A text that no header can hold becomes an error of the request when it is built.
        ApiCredentials::Key(key) => request.header(AUTHORIZATION, format!("Basic {}", key.expose_secret())),
    }
}
