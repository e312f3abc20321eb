//! The errors of the operations, each with an example.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::problem::{Kind, MEDIA_TYPE, Problem, ProblemDetails};
use crate::order::Fault;

/// A kind of error, and what it says for example.
type Example = (Kind, &'static str);

/// Every operation that asks for a key.
pub(super) struct Common;

impl IntoResponses for Common {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[
            (Kind::InvalidRequest, "limit: is 0, expected 1 to 200"),
            (Kind::Unauthorized, "the API key is not known here"),
            (Kind::Forbidden, "the API key is not good for this merchant"),
            (Kind::Misdirected, "without API keys only requests to localhost, 127.0.0.1 or [::1] are served"),
            (Kind::HeadTooLarge, "path, query and headers must not have more than 16384 bytes"),
            (Kind::Internal, "the request could not be served; the logs tell more under this x-request-id"),
            (Kind::Unavailable, "the database does not answer; send the request again"),
            (Kind::DiskFull, "nothing was taken in; send it again once there is room"),
            (Kind::Overloaded, "too many requests are being served: send it again in a moment"),
        ])
    }
}

/// What anybody may ask.
pub(super) struct Open;

impl IntoResponses for Open {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[
            (Kind::InvalidRequest, "unknown field `verbos`, expected `verbose`"),
            (Kind::Misdirected, "without API keys only requests to localhost, 127.0.0.1 or [::1] are served"),
            (Kind::HeadTooLarge, "path, query and headers must not have more than 16384 bytes"),
        ])
    }
}

/// Every operation that takes a body.
const SENT: [Example; 3] = [
    (Kind::RequestTimeout, "a body must arrive within 20 s"),
    (Kind::TooLarge, "a body must not be larger than 1000000 bytes"),
    (Kind::UnsupportedMediaType, "send the header Content-Type: application/json"),
];

/// A body of parameters.
pub(super) struct Sent;

impl IntoResponses for Sent {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&SENT)
    }
}

/// A batch of orders.
pub(super) struct SentBatch;

impl IntoResponses for SentBatch {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[&SENT[..], &[(Kind::InvalidOrder, "")]].concat())
    }
}

/// A wish to change an order.
pub(super) struct OrderAdminOutcome;

impl IntoResponses for OrderAdminOutcome {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[
            (Kind::WrongStatus, "the order was submitted: hand in a new order for another one"),
            (Kind::BodyGone, "the order's body was deleted (retention.bodies): hand it in anew"),
        ])
    }
}

/// A decision about a token.
pub(super) struct Decided;

impl IntoResponses for Decided {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [(Kind::WrongState, "the token is active: only an uncertain one waits for a decision")];
        answers(&[&SENT[..], &own[..]].concat())
    }
}

/// A post of an order.
pub(super) struct SentOrder;

impl IntoResponses for SentOrder {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            (Kind::InvalidOrder, ""),
            (Kind::IdempotencyKeyReused, "the idempotency key was used before, for another request"),
        ];
        answers(&[&SENT[..], &own[..]].concat())
    }
}

/// A put of a refresh token.
pub(super) struct SentToken;

impl IntoResponses for SentToken {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [(Kind::InvalidToken, "refresh_token is empty: write the token that sign-in returned")];
        answers(&[&SENT[..], &own[..]].concat())
    }
}

/// A look at something that may not be there.
pub(super) struct Absent;

impl IntoResponses for Absent {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[(Kind::NotFound, "there is no order with this id")])
    }
}

/// What needs a merchant of the settings.
pub(super) struct AbsentMerchant;

impl IntoResponses for AbsentMerchant {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[(Kind::UnknownMerchant, "the settings have no merchant of the name in the path")])
    }
}

/// An answer for each status, with an example for each kind.
fn answers(kinds: &[Example]) -> BTreeMap<String, RefOr<Response>> {
    let mut statuses: BTreeMap<String, Vec<Example>> = BTreeMap::new();
    for example in kinds {
        statuses.entry(example.0.parts().0.as_str().to_owned()).or_default().push(*example);
    }
    statuses.into_iter().map(|(status, kinds)| (status, RefOr::T(answer(&kinds)))).collect()
}

fn answer(kinds: &[Example]) -> Response {
    let titles: Vec<&str> = kinds.iter().map(|(kind, _)| kind.parts().2).collect();
    let examples = kinds.iter().map(|&(kind, detail)| {
        let (_, name, title) = kind.parts();
        // Of no request, also where one asks for the description.
        let details = ProblemDetails { request_id: None, ..problem(kind, detail).details() };
        let value = serde_json::to_value(details).ok();
        (name, ExampleBuilder::new().summary(title).value(value).build())
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDetails"))).examples_from_iter(examples);
    ResponseBuilder::new().description(titles.join(", or: ")).content(MEDIA_TYPE, content.build()).build()
}

fn problem(kind: Kind, detail: &str) -> Problem {
    if kind == Kind::InvalidOrder {
        let message = "is 49000, expected 50000: quantity 5 × unit_price 10000 − total_discount_amount 0";
        return Problem::with_faults(kind, vec![Fault::new("/order/order_lines/0/total_amount", message)]);
    }
    Problem::new(kind, detail)
}
