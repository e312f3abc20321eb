//! The error codes of orders: for the filter, in lists, and what to do about each.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::pieces::number;
use crate::order::{ErrorCode, Status};
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

/// What to say of an error's message beside its code, where there is little room: the HTTP status of Klarna's answer,
/// or why there was none.
pub(super) fn reason(message: &str) -> Option<&str> {
    let status = message.match_indices("HTTP ").find_map(|(at, words)| {
        let status = message.get(at..at + words.len() + 3)?;
        status.bytes().skip(words.len()).all(|digit| digit.is_ascii_digit()).then_some(status)
    });
    let others = [
        ("could not be reached", "not reached"),
        ("no answer", "no answer"),
        ("asked for a pause", "asked to wait"),
        ("Rate limit reached", "rate limit"),
    ];
    status.or_else(|| others.into_iter().find(|(words, _)| message.contains(words)).map(|(_, told)| told))
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

    #[test]
    fn a_reason_is_the_status_of_the_answer() {
        for (message, told) in [
            ("Circuit breaker open for checkout: HTTP 503, 5 failures in a row", Some("HTTP 503")),
            ("Klarna refused the order with HTTP 400 (BAD_VALUE): locale", Some("HTTP 400")),
            ("The last attempt: Klarna could not be reached: refused", Some("not reached")),
            ("no answer from Klarna: timed out", Some("no answer")),
            ("Klarna asked for a pause of checkout calls", Some("asked to wait")),
            ("HTTP or HTTP ö, then HTTP 429", Some("HTTP 429")),
            ("the order's deadline passed before a worker could submit it", None),
            ("HTTP 50", None),
        ] {
            assert_eq!(reason(message), told, "{message}");
        }
    }
}
