//! Checks a request with a token before the token is looked up: format, fields, client.

use std::collections::HashMap;

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use url::form_urlencoded;

use crate::Shared;

/// The fields of a well-formed form, of an authenticated client.
pub(super) struct Form {
    pub(super) client_id: String,
    pub(super) fields: HashMap<String, String>,
}

/// A well-formed refresh request of an authenticated client.
pub(super) struct RefreshRequest {
    pub(super) client_id: String,
    pub(super) refresh_token: String,
}

/// Why a request is refused. It contains nothing of the request.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) description: &'static str,
}

pub(super) const fn bad(code: &'static str, description: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, code, description }
}

pub(super) const INVALID_CLIENT: Refusal = Refusal {
    status: StatusCode::UNAUTHORIZED,
    code: "invalid_client",
    description: "Client authentication failed (unknown client, or a wrong or missing secret).",
};

impl Form {
    pub(super) fn read(
        shared: &Shared,
        query: Option<&str>,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<Self, Refusal> {
        if query
            .is_some_and(|query| ["token", "client_", "grant_type"].iter().any(|name| query.contains(name)))
        {
            shared.world().recorder.stats.leaks.token_in_query += 1;
            return Err(bad(
                "invalid_request",
                "LEAK: form fields came in the query string, and URLs end up in logs. Send them in the body.",
            ));
        }
        let content_type =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !content_type.starts_with("application/x-www-form-urlencoded") {
            return Err(bad("invalid_request", "The body must be application/x-www-form-urlencoded."));
        }
        let mut fields = HashMap::new();
        for (name, value) in form_urlencoded::parse(body.unwrap_or_default()) {
            if fields.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(bad("invalid_request", "A field came more than once."));
            }
        }
        Ok(Self { client_id: authenticate(shared, headers, &mut fields)?, fields })
    }
}

impl RefreshRequest {
    pub(super) fn read(form: Form) -> Result<Self, Refusal> {
        let Form { client_id, mut fields } = form;
        match fields.get("grant_type").map(String::as_str) {
            Some("refresh_token") => {}
            Some(_) => {
                return Err(bad(
                    "unsupported_grant_type",
                    "Only refresh_token and authorization_code are granted here.",
                ));
            }
            None => return Err(bad("invalid_request", "The field grant_type is missing.")),
        }
        match fields.remove("refresh_token") {
            Some(refresh_token) if !refresh_token.is_empty() => Ok(Self { client_id, refresh_token }),
            _ => Err(bad("invalid_request", "The field refresh_token is missing.")),
        }
    }
}

/// Returns the client's id. The client must be known, and must send its secret if it has one (RFC
/// 6749 section 2.3.1).
fn authenticate(
    shared: &Shared,
    headers: &HeaderMap,
    fields: &mut HashMap<String, String>,
) -> Result<String, Refusal> {
    let posted_secret = fields.remove("client_secret");
    let (client_id, secret) = match basic_credentials(headers) {
        Some(_) if posted_secret.is_some() => {
            return Err(bad("invalid_request", "The client authenticated in more than one way."));
        }
        Some((id, secret)) => (decode_form(&id), Some(decode_form(&secret))),
        None => (fields.remove("client_id").unwrap_or_default(), posted_secret),
    };
    if client_id.is_empty() {
        return Err(bad("invalid_request", "The field client_id is missing."));
    }
    let known = shared.options.client_id.as_ref().is_none_or(|known| *known == client_id);
    let proved = match &shared.options.client_secret {
        Some(expected) => secret.as_deref() == Some(expected.expose_secret()),
        None => true,
    };
    if known && proved { Ok(client_id) } else { Err(INVALID_CLIENT) }
}

/// Returns user name and password of `Authorization: Basic`, as sent.
pub(super) fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(basic_text(headers)?).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Returns the text after `Authorization: Basic`, as sent.
pub(super) fn basic_text(headers: &HeaderMap) -> Option<&str> {
    let (scheme, text) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(text.trim())
}

/// OAuth's Basic credentials are form-encoded before they are joined.
fn decode_form(text: &str) -> String {
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}
