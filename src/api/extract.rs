//! What requests bring: paths, queries, headers and bodies, each refused with a [`Problem`].

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use futures::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use zeroize::Zeroizing;

use super::problem::{Kind, Problem};
use crate::order::check_name;

/// The most items on one page of a list, and how many there are where nothing is said.
const PAGE: (u32, u32) = (200, 50);

/// How many times a body's limit is read and thrown away, so that a caller that still writes hears the answer.
const PATIENCE: usize = 4;

/// The parameters of a path.
pub(super) struct InPath<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(found)| Self(found)).map_err(|rejection: PathRejection| invalid(rejection.body_text()))
    }
}

/// A merchant, as paths name it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MerchantPath {
    /// The merchant's name in the settings.
    #[param(example = "shop", min_length = 1, max_length = 255, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$")]
    pub(super) merchant: String,
}

/// A user, as paths name them.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct UserPath {
    /// The merchant's name in the settings.
    #[param(example = "shop", min_length = 1, max_length = 255, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$")]
    pub(super) merchant: String,
    /// The shop's own name for the user.
    #[param(example = "u-1", min_length = 1, max_length = 255, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{1,255}$")]
    pub(super) user: String,
}

/// The parameters of a query.
pub(super) struct InQuery<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(found)| Self(found)).map_err(|rejection: QueryRejection| invalid(rejection.body_text()))
    }
}

/// A request whose path, query or headers are wrong.
pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::InvalidRequest, detail)
}

/// Checks a merchant's and a user's name in a path.
pub(super) fn check_names(merchant: &str, user: &str) -> Result<(), Problem> {
    check_merchant(merchant)?;
    check_name(user).map_err(|wrong| invalid(format!("the user in the path {wrong}")))
}

/// Checks a merchant's name in a path.
pub(super) fn check_merchant(merchant: &str) -> Result<(), Problem> {
    check_name(merchant).map_err(|wrong| invalid(format!("the merchant in the path {wrong}")))
}

/// Checks a name that a list is filtered by.
pub(super) fn check_filter(parameter: &str, name: Option<&str>) -> Result<(), Problem> {
    name.map_or(Ok(()), check_name).map_err(|wrong| invalid(format!("{parameter}: {wrong}")))
}

/// How many items a page has.
pub(super) fn page_size(limit: Option<u32>) -> Result<u32, Problem> {
    let (most, usual) = PAGE;
    let limit = limit.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        Ok(limit)
    } else {
        Err(invalid(format!("limit: is {limit}, expected 1 to {most}")))
    }
}

/// Reads a body whose faults may be quoted.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    // An array of the members' values would do for the parser.
    if !text.trim_start().starts_with('{') {
        return Err(invalid("the body is not a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| error.to_string());
    let ended = parsed.and_then(|parsed| json.end().map(|()| parsed).map_err(|error| error.to_string()));
    ended.map_err(|wrong| invalid(format!("the body is not as expected: {wrong}")))
}

/// What a body may be.
pub(super) struct Expected {
    /// Its media types, the usual one first.
    pub(super) types: &'static [&'static str],
    /// Its bytes, at most.
    pub(super) limit: usize,
    /// How long it may take to arrive as a whole.
    pub(super) within: Duration,
}

impl Expected {
    /// JSON of at most `limit` bytes.
    pub(super) const fn json(limit: usize) -> Self {
        Self { types: &["application/json"], limit, within: Duration::from_secs(20) }
    }
}

/// A body of text, wiped once it is dropped: it may hold a token.
pub(super) struct Text(Zeroizing<Vec<u8>>);

impl Text {
    /// Reads a body that is as expected.
    pub(super) async fn read(headers: &HeaderMap, body: Body, expected: &Expected) -> Result<Self, Problem> {
        let declared = media_type(headers);
        if !expected.types.iter().any(|known| known.eq_ignore_ascii_case(declared)) {
            let detail = format!("send the header Content-Type: {}", expected.types.join(" or "));
            return Err(Problem::new(Kind::UnsupportedMediaType, detail));
        }
        let reading = read(body, declared_length(headers), expected.limit);
        let read = tokio::time::timeout(expected.within, reading).await.unwrap_or_else(|_| {
            let detail = format!("a body must arrive within {} s", expected.within.as_secs());
            Err(Problem::new(Kind::RequestTimeout, detail))
        });
        read.map(Self)
    }

    /// Its text.
    pub(super) fn text(&self) -> Result<&str, Problem> {
        std::str::from_utf8(&self.0).map_err(|_| invalid("the body is not UTF-8, which JSON is written in"))
    }
}

async fn read(body: Body, declared: Option<usize>, limit: usize) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let too_large = || Problem::new(Kind::TooLarge, format!("a body must not be larger than {limit} bytes"));
    if declared.is_some_and(|length| length > limit * PATIENCE) {
        return Err(too_large());
    }
    // As large as it will be, where that is known: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(declared.unwrap_or(limit).min(limit)));
    let mut size = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| invalid("the body broke off"))?;
        size += chunk.len();
        if size > limit * PATIENCE {
            break;
        }
        if size <= limit {
            bytes.extend_from_slice(&chunk);
        }
    }
    if size > limit { Err(too_large()) } else { Ok(bytes) }
}

/// The media type that a body is declared as.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    declared.split(';').next().unwrap_or_default().trim()
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
