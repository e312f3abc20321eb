//! `PUT /v1/orders/{id}`

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::klarna_order::OrderBody;
use super::{LARGEST, Order, change, etag, find};
use crate::api::AppState;
use crate::api::answers::{Absent, Common, UpdatedOrder};
use crate::api::auth::Caller;
use crate::api::extract::{self, Expected, InPath, invalid};
use crate::api::problem::{Kind, Problem};
use crate::order::{Fault, OrderId};
use crate::sessions::NotChanged;

/// The new order.
//
// This only describes the request. `order::parse_change` reads it.
#[derive(Clone, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderUpdate {
    /// The whole body of the create call of the order's target, as it would be submitted now.
    #[schema(value_type = OrderBody)]
    pub order: Value,
}

/// Change an order.
///
/// While the order is queued, the new body replaces the old one. Once it is submitted, the order or
/// session is changed at Klarna, without a token, and the answer has its present `html_snippet` or
/// `client_token`. While a worker runs the order, the answer is 409 (`order-busy`): repeat the
/// request after the seconds in `Retry-After`. While an operator has paused the merchant's orders,
/// a submitted order is not changed (503, `orders-paused`). `If-Match` has the `ETag` of the order
/// that you have seen, or `*` for any. A repeated request is answered like the first.
#[utoipa::path(
    put,
    operation_id = "update_order",
    path = "/v1/orders/{id}",
    tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("If-Match" = String, Header, example = "\"1\"", min_length = 1,
            pattern = r#"^(\*|(W/)?"[!#-+\--~]*"( *, *(W/)?"[!#-+\--~]*")*)$"#,
            description = "The `ETag` of the order that is changed, with its quotes, or `*`"),
    ),
    request_body = OrderUpdate,
    responses(
        (status = 200, description = "The order is changed, by this or an earlier equal request", body = Order,
            headers(("ETag" = String, description = "The order's version, in quotes"))),
        Absent,
        Common,
        UpdatedOrder,
    )
)]
pub(in crate::api) async fn update(
    State(app): State<Arc<AppState>>,
    caller: Caller,
    InPath(id): InPath<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let found = find(&app, &caller, &id).await?;
    let concerns = change::of(&found);
    let expected = expected(&headers, found.version)?;
    let text = extract::Text::read(&headers, body, &Expected::json(LARGEST)).await?;
    let body = app.intake.parse_change(text.text()?, &found)?;
    let order = app.sessions.change(found.id, expected, body).await?;
    // A repeated request changes nothing.
    if order.version != found.version {
        tracing::info!(order = %order.id, version = order.version, "An order was changed");
    }
    let etag = etag(&order);
    Ok((etag, concerns, Json(Order::from(order))).into_response())
}

/// Returns the version that the caller expects; `None` for any. `present` is the order's: of
/// several expected versions it is chosen.
fn expected(headers: &HeaderMap, present: i64) -> Result<Option<i64>, Problem> {
    let mut versions = Vec::new();
    for value in headers.get_all(IF_MATCH) {
        for tag in value.to_str().unwrap_or_default().split(',').map(str::trim) {
            if tag == "*" {
                return Ok(None);
            }
            versions.push(tag);
        }
    }
    if versions.is_empty() {
        let detail = "send the header If-Match with the ETag of the order that you change, or with *";
        return Err(Problem::new(Kind::PreconditionRequired, detail));
    }
    let read = |tag: &&str| tag.strip_prefix('"')?.strip_suffix('"')?.parse::<i64>().ok();
    let numbers: Vec<i64> = versions.iter().filter_map(read).collect();
    // A tag that is none of ours, or a weak one, names no version (RFC 9110 section 13.1.1).
    let chosen = numbers.iter().find(|version| **version == present).or(numbers.first());
    match chosen {
        Some(version) => Ok(Some(*version)),
        None if versions.iter().all(|tag| is_tag(tag)) => Err(NotChanged::OtherVersion(present).into()),
        None => Err(invalid("the header If-Match is no list of entity tags: write \"1\" with its quotes")),
    }
}

/// Whether a text is an entity tag (RFC 9110 section 8.8.3).
fn is_tag(text: &str) -> bool {
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    opaque.len() >= 2 && opaque.starts_with('"') && opaque.ends_with('"')
}

impl From<NotChanged> for Problem {
    fn from(why: NotChanged) -> Self {
        let of = |kind| Self::new(kind, why.to_string());
        match why {
            NotChanged::Missing => of(Kind::NotFound),
            NotChanged::OtherVersion(_) => of(Kind::PreconditionFailed),
            NotChanged::Busy(wait) => of(Kind::OrderBusy).after(wait),
            NotChanged::Over(_) => of(Kind::WrongStatus),
            NotChanged::BodyGone => of(Kind::BodyGone),
            NotChanged::Paused { wait, .. } => of(Kind::OrdersPaused).after(wait),
            NotChanged::Refused(error) => {
                Self::with_faults(Kind::KlarnaRefused, vec![Fault::new("/order", error.message)])
            }
            NotChanged::Unavailable(_, wait) => of(Kind::KlarnaUnavailable).after(wait),
            NotChanged::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(value: &'static str) -> Result<Option<i64>, u16> {
        let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_static(value))]);
        expected(&headers, 3).map_err(|problem| problem.details().status)
    }

    #[test]
    fn if_match_is_read_as_rfc_9110_says() {
        assert_eq!(of("\"3\""), Ok(Some(3)));
        assert_eq!(of("\"1\", \"3\""), Ok(Some(3)));
        assert_eq!(of("\"2\""), Ok(Some(2)));
        assert_eq!(of("*"), Ok(None));
        for other in ["W/\"3\"", "\"abc\""] {
            assert_eq!(of(other), Err(412), "{other}");
        }
        assert_eq!(of("3"), Err(400));
        assert_eq!(expected(&HeaderMap::new(), 3).unwrap_err().details().status, 428);
    }
}
