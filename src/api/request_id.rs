//! The id of a request: the caller's own if it is safe to log, otherwise a new one.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

pub(super) use crate::telemetry::request::{CURRENT, current_id};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id of a caller that is used, in bytes.
pub(super) const LONGEST_ID: usize = 128;

/// Returns the caller's own request id, if it is safe to write into a log.
pub(super) fn given_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(REQUEST_ID)?;
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    ((1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(allowed)).then(|| id.clone())
}

pub(super) fn new_id() -> HeaderValue {
    // A UUID contains only characters that are valid in a header.
    HeaderValue::from_str(&Uuid::now_v7().to_string()).unwrap_or(HeaderValue::from_static("none"))
}
