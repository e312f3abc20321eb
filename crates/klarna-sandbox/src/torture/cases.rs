//! The list of cases: what goes wrong in each, and whether a right client keeps the grant.

use crate::faults::{Endpoint, Failure};
use crate::options::{InvalidGrantForm, Rotation};

/// What goes wrong while a client submits one order, and what must be true afterwards.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    /// What happens, in a sentence.
    pub(super) about: &'static str,
    pub(super) rotation: Rotation,
    pub(super) act: Act,
    pub(super) grant: Fate,
}

/// What is done to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Nothing.
    Order,
    /// The first exchange fails.
    FailExchange(Failure),
    /// The first create call fails. Stands for the create call of either target.
    FailCreate(Failure),
    /// The process is killed while its request to the endpoint has this failure, and started again.
    Kill(Endpoint, Failure),
    /// Two orders of the user are submitted at the same time.
    Together,
    /// After the order, the first token of the sign-in is registered once more.
    RegisterAgain,
    /// The user withdraws consent before the order, and is refused in this form.
    Revoke(InvalidGrantForm),
    /// The token is older than its lifetime.
    Expire,
}

/// What becomes of the grant if the client does everything right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The client keeps it: the next order is recognised.
    Kept,
    /// It is lost with its answer. The client may present the spent token once more, to learn that.
    Lost,
    /// Klarna has ended it. The client learns that from one refusal.
    Ended,
}

use Act::{Expire, FailCreate, FailExchange, Kill, Order, RegisterAgain, Revoke, Together};
use Fate::{Ended, Kept, Lost};
use Rotation::{Grace, Idempotent, Omitted, Strict};

macro_rules! cases {
    ($($name:literal, $rotation:expr, $act:expr, $grant:expr, $about:literal;)*) => {
        &[$(Case { name: $name, about: $about, rotation: $rotation, act: $act, grant: $grant }),*]
    };
}

/// Every case. The first one has no fault: it shows that the client is driven as it expects.
pub(super) const CASES: &[Case] = cases! {
    "none", Strict, Order, Kept, "Nothing goes wrong.";

    "token-400", Strict, FailExchange(Failure::BadRequest), Kept, "The exchange is refused with 400 invalid_request; the token is not spent.";
    "token-401", Strict, FailExchange(Failure::Unauthorized), Kept, "The exchange is refused with 401 invalid_client; the token is not spent.";
    "token-403", Strict, FailExchange(Failure::Forbidden), Kept, "The exchange is refused with 403 unauthorized_client; the token is not spent.";
    "token-429", Strict, FailExchange(Failure::TooManyRequests), Kept, "The exchange is answered with 429 and Retry-After; the token is not spent.";
    "token-500", Strict, FailExchange(Failure::InternalError), Kept, "The exchange is answered with 500; the token is not spent.";
    "token-502", Strict, FailExchange(Failure::BadGateway), Kept, "The exchange is answered with 502; the token is not spent.";
    "token-503", Strict, FailExchange(Failure::Unavailable), Kept, "The exchange is answered with 503 and Retry-After; the token is not spent.";
    "token-cut", Strict, FailExchange(Failure::Cut), Kept, "The connection is cut before the exchange; the token is not spent.";
    "token-stall", Strict, FailExchange(Failure::Stall), Kept, "The exchange is never answered; the token is not spent.";

    "token-lost", Strict, FailExchange(Failure::Lost), Lost, "The connection is cut after the rotation.";
    "token-truncated", Strict, FailExchange(Failure::Truncated), Lost, "The answer of the exchange is cut in the middle.";
    "token-500-processed", Strict, FailExchange(Failure::InternalErrorProcessed), Lost, "The exchange is answered with 500 after the rotation.";
    "token-504", Strict, FailExchange(Failure::GatewayTimeout), Lost, "The exchange is answered with 504 after the rotation.";
    "token-garbage", Strict, FailExchange(Failure::Garbage), Lost, "The exchange is answered with 200 and an HTML page, after the rotation.";
    "token-empty", Strict, FailExchange(Failure::Empty), Lost, "The exchange is answered with 200 and no body, after the rotation.";
    "token-hang", Strict, FailExchange(Failure::Hang), Lost, "The exchange is never answered, after the rotation.";

    "token-lost-grace", Grace, FailExchange(Failure::Lost), Kept, "The connection is cut after the rotation; the provider answers a repetition with the same successor.";
    "token-truncated-grace", Grace, FailExchange(Failure::Truncated), Kept, "The answer is cut in the middle; the provider answers a repetition with the same successor.";
    "token-500-grace", Grace, FailExchange(Failure::InternalErrorProcessed), Kept, "500 after the rotation; the provider answers a repetition with the same successor.";
    "token-504-grace", Grace, FailExchange(Failure::GatewayTimeout), Kept, "504 after the rotation; the provider answers a repetition with the same successor.";
    "token-hang-grace", Grace, FailExchange(Failure::Hang), Kept, "Never answered after the rotation; the provider answers a repetition with the same successor.";
    "token-late-grace", Grace, FailExchange(Failure::Late), Kept, "The answer of the exchange comes late (--late); the provider answers a repetition with the same successor.";
    "token-delayed-grace", Grace, FailExchange(Failure::Delayed), Kept, "The exchange reaches the provider late (--late), perhaps after its own repetition.";

    "token-bom", Strict, FailExchange(Failure::Bom), Kept, "The answer of the exchange begins with a byte-order mark.";
    "token-gzip", Strict, FailExchange(Failure::Gzip), Kept, "The answer of the exchange is compressed with gzip, though nobody asked for it.";
    "token-deflate", Strict, FailExchange(Failure::Deflate), Kept, "The answer of the exchange is compressed with deflate, though nobody asked for it.";
    "token-no-access-token", Strict, FailExchange(Failure::NoAccessToken), Kept, "The answer has a new refresh token, and no access token.";
    "token-odd-members", Strict, FailExchange(Failure::OddMembers), Kept, "The answer has repeated members (the last one counts), a number out of range and half a surrogate pair.";
    "token-bad-id-token", Strict, FailExchange(Failure::BadIdToken), Kept, "The signature of the id_token is wrong; the new refresh token is good.";

    "not-rotated", Idempotent, Order, Kept, "The provider answers with the token that was presented.";
    "no-refresh-token", Omitted, Order, Kept, "The provider's answer has no refresh token: the presented one stays good.";

    "revoked", Strict, Revoke(InvalidGrantForm::Status400), Ended, "The user has withdrawn consent: 400 invalid_grant.";
    "revoked-401", Strict, Revoke(InvalidGrantForm::Status401), Ended, "The user has withdrawn consent: 401 invalid_grant.";
    "revoked-403", Strict, Revoke(InvalidGrantForm::Status403), Ended, "The user has withdrawn consent: 403 invalid_grant.";
    "revoked-inactive", Strict, Revoke(InvalidGrantForm::TokenInactive), Ended, "The user has withdrawn consent: 401 token_inactive.";
    "revoked-nested", Strict, Revoke(InvalidGrantForm::Nested), Ended, "The user has withdrawn consent: {\"error\": {\"code\": \"invalid_grant\"}}.";
    "expired", Strict, Expire, Ended, "The token is past its lifetime.";

    "two-orders", Strict, Together, Kept, "Two orders of one user are submitted at the same time.";
    "registered-again", Strict, RegisterAgain, Kept, "A spent token is registered once more, as by a repeated sign-in callback.";

    "create-429", Strict, FailCreate(Failure::TooManyRequests), Kept, "After the exchange, the create call is answered with 429.";
    "create-500", Strict, FailCreate(Failure::InternalError), Kept, "After the exchange, the create call is answered with 500; nothing was created.";
    "create-503", Strict, FailCreate(Failure::Unavailable), Kept, "After the exchange, the create call is answered with 503 and Retry-After.";
    "create-cut", Strict, FailCreate(Failure::Cut), Kept, "After the exchange, the connection is cut before the create call.";
    "create-lost", Strict, FailCreate(Failure::Lost), Kept, "The order is created, and the connection is cut before the answer.";
    "create-truncated", Strict, FailCreate(Failure::Truncated), Kept, "The order is created, and the answer is cut in the middle.";
    "create-500-processed", Strict, FailCreate(Failure::InternalErrorProcessed), Kept, "The order is created, and the answer is 500.";
    "create-504", Strict, FailCreate(Failure::GatewayTimeout), Kept, "The order is created, and the answer is 504.";
    "create-garbage", Strict, FailCreate(Failure::Garbage), Kept, "The order is created, and the answer is an HTML page with the status of a success.";
    "create-hang", Strict, FailCreate(Failure::Hang), Kept, "The order is created, and never answered.";
    "create-bom", Strict, FailCreate(Failure::Bom), Kept, "The answer of the create call begins with a byte-order mark.";
    "create-gzip", Strict, FailCreate(Failure::Gzip), Kept, "The answer of the create call is compressed, though nobody asked for it.";
    "create-odd-members", Strict, FailCreate(Failure::OddMembers), Kept, "The answer of the create call has repeated members, a NUL and half a surrogate pair.";

    "kill-before-rotation", Strict, Kill(Endpoint::Token, Failure::Stall), Kept, "The client is killed after it has sent an exchange that never reaches the provider.";
    "kill-after-rotation", Strict, Kill(Endpoint::Token, Failure::Hang), Lost, "The client is killed after the rotation, before the answer.";
    "kill-after-rotation-grace", Grace, Kill(Endpoint::Token, Failure::Hang), Kept, "The client is killed after the rotation; the provider answers a repetition with the same successor.";
    "kill-before-create", Strict, Kill(Endpoint::Checkout, Failure::Stall), Kept, "The client is killed after the exchange, while its create call is under way.";
    "kill-after-create", Strict, Kill(Endpoint::Checkout, Failure::Hang), Kept, "The client is killed after the order was created, before the answer.";
};
