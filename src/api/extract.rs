//! Reads paths, queries, headers and bodies of requests. Each failure is a [`Problem`].

use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use futures::StreamExt;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;
use zeroize::Zeroizing;

use super::auth::Caller;
use super::problem::{Kind, Problem};
use crate::ids::{MerchantName, UserId, UserKey, check_name};

/// The largest page of a list, and the default page size.
const PAGE: (u32, u32) = (200, 50);

/// If a body is too large, up to this many times the size limit is read and discarded, so that a
/// caller that is still sending can receive the answer.
const DISCARDED: usize = 4;

/// How long a caller may pause while it sends a body.
const STALL: Duration = Duration::from_secs(5);

/// The parameters in a path.
pub(super) struct InPath<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(found)| Self(found)).map_err(|rejection: PathRejection| invalid(rejection.body_text()))
    }
}

/// The merchant in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MerchantPath {
    /// The merchant's name in the settings.
    #[param(example = "shop", format = "name")]
    pub(super) merchant: String,
}

/// The merchant and the user in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct UserPath {
    /// The merchant's name in the settings.
    #[param(example = "shop", format = "name")]
    pub(super) merchant: String,
    /// The shop's own id for the user.
    #[param(example = "u-1", format = "name")]
    pub(super) user: String,
}

/// The parameters in a query.
pub(super) struct InQuery<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        query
            .map(|Query(found)| Self(found))
            .map_err(|rejection: QueryRejection| invalid(rejection.body_text()))
    }
}

/// Returns the problem for a wrong path, query or header.
pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::InvalidRequest, detail)
}

impl MerchantPath {
    /// Returns the merchant, after checks that the caller may act for it and that the name is
    /// valid.
    pub(super) fn of(&self, caller: &Caller) -> Result<MerchantName, Problem> {
        caller.act_for(&self.merchant)?;
        in_path("merchant", MerchantName::parse(&self.merchant))
    }
}

impl UserPath {
    /// Returns the user, after checks that the caller may act for the merchant and that both names
    /// are valid.
    pub(super) fn of(&self, caller: &Caller) -> Result<UserKey, Problem> {
        caller.act_for(&self.merchant)?;
        let merchant = in_path("merchant", MerchantName::parse(&self.merchant))?;
        let user = in_path("user", UserId::parse(&self.user))?;
        Ok(UserKey { merchant, user })
    }
}

fn in_path<T>(what: &str, name: Result<T, &'static str>) -> Result<T, Problem> {
    name.map_err(|wrong| invalid(format!("the {what} in the path {wrong}")))
}

/// Checks a name that a list is filtered by.
pub(super) fn check_filter(parameter: &str, name: Option<&str>) -> Result<(), Problem> {
    name.map_or(Ok(()), check_name).map_err(|wrong| invalid(format!("{parameter}: {wrong}")))
}

/// Returns the page size for a `limit`: at most 200, by default 50.
pub(super) fn page_size(limit: Option<u32>) -> Result<u32, Problem> {
    let (most, usual) = PAGE;
    let limit = limit.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        Ok(limit)
    } else {
        Err(invalid(format!("limit: is {limit}, expected 1 to {most}")))
    }
}

/// Cuts rows to a page of `limit`. Returns the last row of the page if there are more: the next
/// page begins after it.
pub(super) fn cut_page<T>(rows: &mut Vec<T>, limit: u32) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more)
}

/// Which rows a request that changes many of them names.
pub(super) struct RowChoice {
    /// Whether something chooses them.
    pub(super) is_chosen: bool,
    /// Whether it asks for all.
    pub(super) all: bool,
    /// What the rows are, for the message.
    pub(super) rows: &'static str,
    /// What may choose them, for the message.
    pub(super) filters: &'static str,
}

impl RowChoice {
    /// Checks that the request says which rows: by something that chooses them, or by `all`.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let Self { is_chosen, all, rows, filters } = self;
        match (is_chosen, all) {
            (true, false) | (false, true) => Ok(()),
            (true, true) => {
                Err(invalid(format!("all: is given with something that chooses {rows}; leave one out")))
            }
            (false, false) => {
                Err(invalid(format!("nothing chooses {rows}: give a filter such as {filters}, or all")))
            }
        }
    }
}

/// Reads a whole number, however it is written: for JSON Schema, `1000.0` is an integer.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    let written = number.as_u64().or_else(|| number.to_string().strip_suffix(".0")?.parse().ok());
    let whole = written.and_then(|number| u32::try_from(number).ok());
    whole.map(Some).ok_or_else(|| D::Error::custom(format!("{number} is not a whole number from 0 on")))
}

/// Parses a JSON body. The error may quote the body, so it must not contain secrets.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    // Without this check the parser would also accept an array of the members' values.
    if !text.trim_start().starts_with('{') {
        return Err(invalid("the body is not a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| error.to_string());
    let ended = parsed.and_then(|parsed| json.end().map(|()| parsed).map_err(|error| error.to_string()));
    ended.map_err(|wrong| invalid(format!("the body is invalid: {wrong}")))
}

/// Reads a JSON body of at most `limit` bytes.
pub(super) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<T, Problem> {
    let body = Text::read(headers, body, &Expected::json(limit)).await?;
    parse(body.text()?)
}

/// What kinds of bodies a route accepts.
pub(super) struct Expected {
    /// The accepted media types, the usual one first.
    pub(super) types: &'static [&'static str],
    /// The largest size, in bytes.
    pub(super) limit: usize,
    /// How long the whole body may take to arrive.
    pub(super) within: Duration,
}

impl Expected {
    /// Accepts JSON of at most `limit` bytes.
    pub(super) const fn json(limit: usize) -> Self {
        Self { types: &["application/json"], limit, within: Duration::from_secs(20) }
    }
}

/// A text body. Its memory is wiped when it is dropped, because it may contain a token.
pub(super) struct Text(Zeroizing<Vec<u8>>);

impl Text {
    /// Reads a body and checks its type, size and arrival time.
    pub(super) async fn read(headers: &HeaderMap, body: Body, expected: &Expected) -> Result<Self, Problem> {
        let declared = media_type(headers);
        if !expected.types.iter().any(|known| known.eq_ignore_ascii_case(declared)) {
            let detail = format!("send the header Content-Type: {}", expected.types.join(" or "));
            return Err(Problem::new(Kind::UnsupportedMediaType, detail));
        }
        let reading = read(body, declared_length(headers), expected.limit);
        let read = tokio::time::timeout(expected.within, reading).await.unwrap_or_else(|_| {
            let detail = format!("the body must arrive within {} s", expected.within.as_secs());
            Err(Problem::new(Kind::RequestTimeout, detail))
        });
        read.map(Self)
    }

    /// Returns the body as text.
    pub(super) fn text(&self) -> Result<&str, Problem> {
        std::str::from_utf8(&self.0).map_err(|_| invalid("the body is not valid UTF-8, which JSON requires"))
    }
}

async fn read(body: Body, declared: Option<usize>, limit: usize) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let too_large =
        || Problem::new(Kind::TooLarge, format!("the body must not be larger than {limit} bytes"));
    if declared.is_some_and(|length| length > limit * DISCARDED) {
        return Err(too_large());
    }
    // Allocate the final size at once if it is known: growing would leave copies in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(declared.unwrap_or(limit).min(limit)));
    let mut size = 0;
    let mut chunks = body.into_data_stream();
    let stalled = |_| {
        let detail = format!("the body must not pause for longer than {} s", STALL.as_secs());
        Problem::new(Kind::RequestTimeout, detail)
    };
    while let Some(chunk) = tokio::time::timeout(STALL, chunks.next()).await.map_err(stalled)? {
        let chunk = chunk.map_err(|_| invalid("the connection ended before the whole body arrived"))?;
        size += chunk.len();
        if size > limit * DISCARDED {
            break;
        }
        if size <= limit {
            bytes.extend_from_slice(&chunk);
        }
    }
    if size > limit { Err(too_large()) } else { Ok(bytes) }
}

/// Returns the media type from the `Content-Type` header.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    declared.split(';').next().unwrap_or_default().trim()
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
