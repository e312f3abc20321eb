//! The error responses of the operations, each with an example.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::problem::{Kind, KindParts, MEDIA_TYPE, Problem, ProblemDetails};
use crate::order::Fault;
use crate::vault::{BOTH_HAVE_TOKENS, BUSY};

/// A kind of error, and an example of its `detail`.
type Example = (Kind, &'static str);

/// Why a request could not be served at the moment.
const UNAVAILABLE: [Example; 3] = [
    (Kind::Unavailable, "the database does not answer; try again"),
    (Kind::DiskFull, "the disk is full and nothing was stored; try again when there is space"),
    (Kind::Overloaded, "too many requests at the moment: try again soon"),
];

/// Why a process that drains takes a request in no more.
const DRAINING: Example =
    (Kind::Draining, "this process takes nothing new in, and ends soon: send the request again");

/// Errors of every operation that needs a key.
pub(super) struct Common;

impl IntoResponses for Common {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            (Kind::InvalidRequest, "limit: is 0, expected 1 to 200"),
            (Kind::Unauthorized, "unknown API key"),
            (Kind::Forbidden, "the API key is not valid for this merchant"),
            (
                Kind::Misdirected,
                "without API keys, only requests to localhost, 127.0.0.1 or [::1] are accepted",
            ),
            (Kind::HeadTooLarge, "path, query and headers must not have more than 16384 bytes"),
            (Kind::Internal, "the request failed; the logs have the cause under this x-request-id"),
        ];
        answers(&[&own[..], &UNAVAILABLE[..]].concat())
    }
}

/// Errors of operations without a key.
pub(super) struct Open;

impl IntoResponses for Open {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[
            (Kind::InvalidRequest, "unknown field `verbos`, expected `verbose`"),
            (
                Kind::Misdirected,
                "without API keys, only requests to localhost, 127.0.0.1 or [::1] are accepted",
            ),
            (Kind::HeadTooLarge, "path, query and headers must not have more than 16384 bytes"),
        ])
    }
}

/// Errors of every operation with a body.
const SENT: [Example; 3] = [
    (Kind::RequestTimeout, "the body must arrive within 20 s"),
    (Kind::TooLarge, "the body must not be larger than 1000000 bytes"),
    (Kind::UnsupportedMediaType, "send the header Content-Type: application/json"),
];

/// Errors of operations with a small JSON body.
pub(super) struct Sent;

impl IntoResponses for Sent {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&SENT)
    }
}

/// Errors of submitting a batch. Name it after [`Common`], whose answer with 503 it extends.
pub(super) struct SentBatch;

impl IntoResponses for SentBatch {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[&SENT[..], &[(Kind::InvalidOrder, ""), DRAINING], &UNAVAILABLE[..]].concat())
    }
}

/// Errors of changing an order.
pub(super) struct ChangedOrder;

impl IntoResponses for ChangedOrder {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[
            (Kind::WrongStatus, "the order was submitted: submit a new order instead"),
            (Kind::BodyGone, "the order's body was deleted (retention.bodies): submit a new order"),
        ])
    }
}

/// Errors of changing the body of an order. Name it after [`Common`], whose answer with 503 it
/// extends.
pub(super) struct UpdatedOrder;

impl IntoResponses for UpdatedOrder {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            (Kind::WrongStatus, "the order is completed at Klarna: it cannot be changed any more"),
            (Kind::OrderBusy, "the order is being submitted or changed at the moment: try again"),
            (Kind::BodyGone, "the order's body was deleted (retention.bodies): submit a new order"),
            (Kind::PreconditionFailed, "the order has version 2 by now: get it, and change that version"),
            (
                Kind::PreconditionRequired,
                "send the header If-Match with the ETag of the order that you change, or with *",
            ),
            (Kind::InvalidOrder, ""),
            (Kind::KlarnaRefused, ""),
            (
                Kind::KlarnaUnavailable,
                "no answer from Klarna: timed out after sending; repeat the same request",
            ),
            (
                Kind::OrdersPaused,
                "an operator has paused the orders of shop: Klarna is being maintained; repeat the same request \
                 later",
            ),
        ];
        answers(&[&SENT[..], &own[..], &UNAVAILABLE[..]].concat())
    }
}

/// Errors of a push.
pub(super) struct Pushed;

impl IntoResponses for Pushed {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            (Kind::InvalidRequest, "klarna_order_id: is not an id of Klarna"),
            (Kind::NotFound, "there is no such address for pushes"),
            (
                Kind::Misdirected,
                "without API keys, only requests to localhost, 127.0.0.1 or [::1] are accepted",
            ),
            (Kind::HeadTooLarge, "path, query and headers must not have more than 16384 bytes"),
        ];
        answers(&[&own[..], &UNAVAILABLE[..]].concat())
    }
}

/// Errors of deciding about a token.
pub(super) struct Decided;

impl IntoResponses for Decided {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [(Kind::WrongState, "the token is active; only an uncertain token needs a decision")];
        answers(&[&SENT[..], &own[..]].concat())
    }
}

/// Errors of submitting an order. Name it after [`Common`], whose answer with 503 it extends.
pub(super) struct SentOrder;

impl IntoResponses for SentOrder {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            (Kind::InvalidOrder, ""),
            (Kind::IdempotencyKeyReused, "the idempotency key was used before, for another request"),
            DRAINING,
        ];
        answers(&[&SENT[..], &own[..], &UNAVAILABLE[..]].concat())
    }
}

/// Errors of registering a refresh token.
pub(super) struct SentToken;

impl IntoResponses for SentToken {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            (Kind::InvalidToken, "refresh_token is empty: send the token from the sign-in"),
            (Kind::TokenHeldElsewhere, "the refresh token belongs to the user u-1 of the merchant shop"),
        ];
        answers(&[&SENT[..], &own[..]].concat())
    }
}

/// Errors of renaming a user.
pub(super) struct RenamedUser;

impl IntoResponses for RenamedUser {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [(Kind::UserExists, BOTH_HAVE_TOKENS), (Kind::UserBusy, BUSY)];
        answers(&[&SENT[..], &own[..]].concat())
    }
}

/// Errors of operations on something that may not exist.
pub(super) struct Absent;

impl IntoResponses for Absent {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[(Kind::NotFound, "there is no order with this id")])
    }
}

/// Errors of getting an access token. Name it after [`Common`], whose answer with 503 it extends.
pub(super) struct NotVended;

impl IntoResponses for NotVended {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            (Kind::NotFound, "there is no refresh token for this user"),
            (Kind::UnknownMerchant, "the settings have no merchant with this name"),
            (
                Kind::ReauthRequired,
                "the user's refresh token no longer works (expired): the user must sign in again",
            ),
            (
                Kind::TokenUncertain,
                "it is not known whether the user's refresh token was used: an operator has to decide",
            ),
            (
                Kind::NoAccessToken,
                "no access token came in time; the refresh token is kept: try again in 2 s",
            ),
            DRAINING,
        ];
        answers(&[&own[..], &UNAVAILABLE[..]].concat())
    }
}

/// Errors of operations on a merchant of the settings.
pub(super) struct AbsentMerchant;

impl IntoResponses for AbsentMerchant {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[(Kind::UnknownMerchant, "the settings have no merchant with this name")])
    }
}

/// Errors of testing a webhook endpoint.
pub(super) struct NoEndpoint;

impl IntoResponses for NoEndpoint {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        answers(&[(Kind::NotFound, "this merchant has no webhook endpoint")])
    }
}

/// Builds a response for each status, with an example for each kind of error.
fn answers(kinds: &[Example]) -> BTreeMap<String, RefOr<Response>> {
    let mut statuses: BTreeMap<String, Vec<Example>> = BTreeMap::new();
    for example in kinds {
        statuses.entry(example.0.parts().status.as_str().to_owned()).or_default().push(*example);
    }
    statuses.into_iter().map(|(status, kinds)| (status, RefOr::T(answer(&kinds)))).collect()
}

fn answer(kinds: &[Example]) -> Response {
    let titles: Vec<&str> = kinds.iter().map(|(kind, _)| kind.parts().title).collect();
    let examples = kinds.iter().map(|&(kind, detail)| {
        let KindParts { suffix, title, .. } = kind.parts();
        // The example belongs to no request, even if this description is read in one.
        let details = ProblemDetails { request_id: None, ..problem(kind, detail).details() };
        let value = serde_json::to_value(details).ok();
        (suffix, ExampleBuilder::new().summary(title).value(value).build())
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ProblemDetails")))
        .examples_from_iter(examples);
    ResponseBuilder::new().description(titles.join(", or: ")).content(MEDIA_TYPE, content.build()).build()
}

fn problem(kind: Kind, detail: &str) -> Problem {
    if kind == Kind::KlarnaRefused {
        let message = "HTTP 400 (BAD_VALUE) from Klarna: Bad value: order_lines[0].name";
        return Problem::with_faults(kind, vec![Fault::new("/order", message)]);
    }
    if kind == Kind::InvalidOrder {
        let message = "is 49000, expected 50000: quantity 5 × unit_price 10000 − total_discount_amount 0";
        return Problem::with_faults(kind, vec![Fault::new("/order/order_lines/0/total_amount", message)]);
    }
    Problem::new(kind, detail)
}
