//! The types of orders, and Klarna's rules for them. Pure: no I/O.
//!
//! A [`NewOrder`] is an order as it is submitted: the merchant, the user, and Klarna's order as the
//! shop wrote it. Its [`Body`] keeps that text byte for byte. [`check`] compares it with the rules
//! of its [`Target`] and returns every [`Fault`]. [`BodyMembers::filled`] is the only way to change
//! it. [`Status`], [`TokenOutcome`], [`OrderResult`] and [`OrderError`] say what happened to an
//! order.

mod body;
mod disposition;
mod edit;
mod error_code;
mod fault;
mod fields;
mod follow_ups;
mod id;
mod json;
mod limits;
mod new;
mod next_step;
mod prefill;
mod refusal;
mod result;
mod rules;
mod session;
mod status;
mod summary;
mod target;
mod view;
mod waits;

pub use body::{Body, BodyMembers};
pub use disposition::Disposition;
pub use edit::Insertion;
pub use error_code::ErrorCode;
pub use fault::{ErrorCause, Fault, OrderError, Rejection};
pub use follow_ups::FollowUpState;
pub use id::OrderId;
pub use limits::{MAX_BODY, MAX_DEPTH};
pub use new::{NewOrder, check_idempotency_key, parse_change};
pub use prefill::Prefill;
pub use refusal::OrderAdminRefusal;
pub use result::{OrderResult, PaymentsSession};
pub use rules::{check, is_date};
pub use session::{KlarnaState, SessionPhase};
pub use status::{Status, TokenOutcome, UnknownWord};
pub use summary::{Summary, shown_amount};
pub use target::Target;
pub use view::OrderView;
pub use waits::{Wait, Waits};
