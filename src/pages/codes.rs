//! The error codes of orders: for the filter, in lists, and what to do about each.

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

fn known(code: &str) -> Option<ErrorCode> {
    ErrorCode::from_word(code).ok()
}

/// Whether a retry of an order with this code fails again.
pub(super) fn fails_again(code: &str) -> bool {
    known(code).is_some_and(ErrorCode::fails_again)
}

/// What an operator does about an order with this code.
pub(super) fn next_step(code: &str, status: Status, possible_duplicate: bool) -> Markup {
    let step = known(code).and_then(|code| code.advice(status, possible_duplicate));
    html! { @if let Some(step) = step { p { b { "What to do: " } (step) } } }
}

/// What a question about a retry says of the orders' codes.
pub(super) fn before_retry(codes: &[FailedOrders]) -> Markup {
    html! {
        ul.codes { @for FailedOrders { code, orders, .. } in codes {
            li.wrong[fails_again(code)] {
                b { (shown(code)) ": " (number(*orders)) } ". "
                (known(code).and_then(ErrorCode::next_step).unwrap_or_default())
            }
        } }
    }
}
