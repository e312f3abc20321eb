//! What requests bring: paths, queries, headers and bodies, each refused with a [`Problem`].

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use futures::StreamExt;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::problem::{Kind, Problem};
use crate::order::check_name;

/// How long a body may take to arrive as a whole.
const BODY_READ: Duration = Duration::from_secs(20);

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

/// Checks a user's name in a path.
pub(super) fn check_user(user: &str) -> Result<(), Problem> {
    check_name(user).map_err(|wrong| invalid(format!("the user in the path {wrong}")))
}

/// A body of JSON, wiped once it is dropped: it may hold a token.
pub(super) struct Json(Zeroizing<Vec<u8>>);

impl Json {
    /// Reads a body of at most `limit` bytes.
    pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Self, Problem> {
        if !is_json(headers) {
            return Err(Problem::new(Kind::UnsupportedMediaType, "send the header Content-Type: application/json"));
        }
        let reading = read(body, declared_length(headers), limit);
        let read = tokio::time::timeout(BODY_READ, reading).await.unwrap_or_else(|_| {
            let detail = format!("a body must arrive within {} s", BODY_READ.as_secs());
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

fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = declared.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
