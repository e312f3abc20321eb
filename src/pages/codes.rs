//! The error codes of orders: for the filter, in lists, and what to do about each.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::pieces::{number, words};
use crate::order::{ErrorCode, OrderError, Status};
use crate::store::FailedOrders;

/// The codes that the filter suggests.
pub(super) fn suggested(id: &str) -> Markup {
    let label =
        |code: ErrorCode| Some(ErrorCode::words(code.as_str())).filter(|words| *words != code.as_str());
    html! {
        datalist id=(id) {
            @for code in ErrorCode::ALL { option value=(code.as_str()) label=[label(code)] {} }
        }
    }
}

/// A code in words for a person. Where it has words of its own, the code is their title.
pub(super) fn shown(code: &str) -> Markup {
    let words = ErrorCode::words(code);
    html! { @if words == code { (code) } @else { span title=(code) { (words) } } }
}

/// What to say of an error beside its code, where there is little room: the HTTP status of Klarna's
/// answer, or what there was instead of one. `None` if neither is known, as of errors that an older
/// program stored.
pub(super) fn reason(error: &OrderError) -> Option<String> {
    let cause = error.cause.map(|cause| words(cause.as_str()));
    error.http_status.map(|status| format!("HTTP {status}")).or(cause)
}

/// Whether a retry of an order with this code fails again.
pub(super) fn fails_again(code: &str) -> bool {
    ErrorCode::known(code).is_some_and(ErrorCode::fails_again)
}

/// What an operator does about an order with this code.
pub(super) fn next_step(code: &str, status: Status, possible_duplicate: bool) -> Markup {
    let step = ErrorCode::known(code).and_then(|code| code.advice(status, possible_duplicate));
    html! { @if let Some(step) = step { p { b { "What to do: " } (step) } } }
}

/// What a question about a retry says of the orders' codes.
pub(super) fn before_retry(codes: &[FailedOrders]) -> Markup {
    html! {
        ul.codes { @for FailedOrders { code, orders, .. } in codes {
            li.wrong[fails_again(code)] {
                b { (shown(code)) ": " (number(*orders)) } ". "
                (ErrorCode::known(code).and_then(ErrorCode::next_step).unwrap_or_default())
            }
        } }
    }
}

/// Adds up what several merchants have, the most frequent code first.
pub(super) fn merged(codes: Vec<FailedOrders>) -> Vec<FailedOrders> {
    let mut sums = BTreeMap::<String, FailedOrders>::new();
    for FailedOrders { code, orders, duplicates } in codes {
        let none = FailedOrders { code: code.clone(), orders: 0, duplicates: 0 };
        let sum = sums.entry(code).or_insert(none);
        sum.orders += orders;
        sum.duplicates += duplicates;
    }
    let mut codes: Vec<FailedOrders> = sums.into_values().collect();
    codes.sort_by_key(|code| std::cmp::Reverse(code.orders));
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::ErrorCause;

    #[test]
    fn a_reason_is_the_status_of_the_answer() {
        let why = "Circuit breaker open for checkout: HTTP 503, 5 failures in a row";
        let unknown = OrderError::new(ErrorCode::KlarnaPaused, why);
        assert_eq!(reason(&unknown), None, "an older program stored no status");
        let answered = OrderError { http_status: Some(503), ..unknown.clone() };
        assert_eq!(reason(&answered).as_deref(), Some("HTTP 503"));
        for (cause, told) in [
            (ErrorCause::NotReached, "not reached"),
            (ErrorCause::NoAnswer, "no answer"),
            (ErrorCause::AskedToWait, "asked to wait"),
            (ErrorCause::RateLimit, "rate limit"),
        ] {
            let error = OrderError { cause: Some(cause), ..unknown.clone() };
            assert_eq!(reason(&error).as_deref(), Some(told));
        }
    }
}
