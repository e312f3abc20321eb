//! What can be wrong with an order: a [`Rejection`] before it is stored, an [`OrderError`] after
//! it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{ErrorCode, MAX_BODY};
use crate::words::words;

/// One fault in a document, with its position. Messages quote amounts and codes, never a shopper's
/// data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// A JSON pointer (RFC 6901) to the value. For a missing member: where it should be.
    #[schema(example = "/order_lines/0/total_amount")]
    pub pointer: String,
    /// What is there and what is expected, as a phrase to read after the pointer.
    #[schema(example = "is 49000, expected 50000: quantity 5 × unit_price 10000 − total_discount_amount 0")]
    pub message: String,
}

impl Fault {
    /// Returns a fault at `pointer`.
    #[must_use]
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }

    /// Returns the same fault for a document that contains this one at `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the document" } else { &self.pointer };
        write!(f, "{place} {}", self.message)
    }
}

/// Why a document was rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The order is larger than [`MAX_BODY`]. The HTTP API answers 413.
    #[error("the order is larger than {MAX_BODY} bytes")]
    TooLarge,
    /// All faults, in document order. Never empty.
    #[error("{}", join(.0))]
    Faults(Vec<Fault>),
}

fn join(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

/// Why an order failed, or why it still waits. It is stored with the order as JSON, and shown to
/// the shop.
//
// `code` stays the first member: SQL compares the beginning of the stored JSON, `{"code":"…"`, for
// `user_erased` and `database_restored` (`migrations/ENGINE/0001_baseline.sql`,
// `store/sql/ENGINE/overview.rs`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderError {
    /// A stable code in snake case, for programs.
    #[schema(example = "klarna_refused_order")]
    pub code: String,
    /// A sentence for people: what happened, and what to do.
    pub message: String,
    /// The faults of the order, if they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Klarna's id of the call, for questions to Klarna's support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The HTTP status of Klarna's last answer, if the error is about one. While calls are paused,
    /// it is the answer that caused the pause, perhaps one to another order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 400)]
    pub http_status: Option<u16>,
    /// What there was instead of an answer, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    #[schema(nullable = false)]
    pub cause: Option<ErrorCause>,
}

/// What there was instead of an answer of Klarna.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCause {
    /// Klarna could not be reached; nothing was sent.
    NotReached,
    /// Klarna did not answer, or not completely.
    NoAnswer,
    /// Klarna asked for a pause, so no call was made.
    AskedToWait,
    /// A limit of calls was reached, so no call was made.
    RateLimit,
}

words!(ErrorCause {
    NotReached = "not_reached",
    NoAnswer = "no_answer",
    AskedToWait = "asked_to_wait",
    RateLimit = "rate_limit",
});

/// Reads a cause. A newer program may have written one that this program does not know: then there
/// is none.
fn known<'de, D: Deserializer<'de>>(cause: D) -> Result<Option<ErrorCause>, D::Error> {
    let word = Option::<String>::deserialize(cause)?;
    Ok(word.and_then(|word| ErrorCause::from_word(&word).ok()))
}

impl OrderError {
    /// Returns an error with nothing else.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code: code.as_str().to_owned(), message: message.into(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema as _;

    use super::*;

    #[test]
    fn a_rejection_reads_as_one_line() {
        let faults = vec![
            Fault::new("", "is an array, expected an object"),
            Fault::new("/locale", "is missing").under("/order"),
        ];
        assert_eq!(
            Rejection::Faults(faults).to_string(),
            "the document is an array, expected an object; /order/locale is missing"
        );
    }

    #[test]
    fn a_stored_error_leaves_out_what_is_unknown() {
        let json = r#"{"code":"klarna_refused_order","message":"Klarna refused the order."}"#;
        let error: OrderError = serde_json::from_str(json).unwrap();
        assert_eq!((error.faults.len(), error.correlation_id.is_none()), (0, true));
        assert_eq!(serde_json::to_string(&error).unwrap(), json);
    }

    /// The texts are those of the SQL.
    #[test]
    fn a_stored_error_begins_with_its_code() {
        for (code, beginning) in [
            (ErrorCode::UserErased, r#"{"code":"user_erased""#),
            (ErrorCode::DatabaseRestored, r#"{"code":"database_restored""#),
        ] {
            let fault = Fault::new("/locale", "is missing");
            let error = OrderError {
                faults: vec![fault],
                correlation_id: Some("c-1".to_owned()),
                ..OrderError::new(code, "It has ended.")
            };
            let json = serde_json::to_string(&error).unwrap();
            assert!(json.starts_with(beginning), "{json}");
        }
    }

    #[test]
    fn the_example_of_a_code_is_one_of_the_codes() {
        let schema = serde_json::to_value(OrderError::schema()).unwrap();
        let example = schema["properties"]["code"]["example"].as_str().unwrap();
        assert!(ErrorCode::ALL.into_iter().any(|code| code.as_str() == example), "{example}");
    }

    #[test]
    fn a_cause_that_a_newer_program_has_stored_is_left_out() {
        let json = |cause| format!(r#"{{"code":"klarna_paused","message":"Wait.","cause":"{cause}"}}"#);
        for cause in ErrorCause::ALL {
            let error: OrderError = serde_json::from_str(&json(cause.as_str())).unwrap();
            assert_eq!(error.cause, Some(cause));
            assert_eq!(serde_json::to_string(&error).unwrap(), json(cause.as_str()));
        }
        let newer: OrderError = serde_json::from_str(&json("of_next_year")).unwrap();
        assert_eq!((newer.cause, newer.http_status), (None, None));
    }
}
