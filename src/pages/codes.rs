//! The error codes of orders: for the filter, and what to do about each. `docs/shops.md` says what they mean to a
//! shop.

use maud::{Markup, html};

use crate::order::{ErrorCode, Status};

/// The codes of failed orders, then those of orders that wait. Nothing can be done about a cancelled one.
const CODES: [(&str, &str); 14] = [
    (
        "klarna_refused_order",
        "A retry sends the same order, and Klarna refuses it again. The shop must correct it and submit a new one.",
    ),
    (
        "invalid_order",
        "A retry fails again: the order breaks a rule. The shop must correct it and submit a new one.",
    ),
    (
        "deadline_exceeded",
        "Ask the shop whether the shopper still waits. Only then retry it: it gets a new deadline.",
    ),
    ("token_not_registered", NO_TOKEN),
    ("token_reauth_required", NO_TOKEN),
    ("token_uncertain", "Resolve the token on the page of the user, then retry the order."),
    ("token_unavailable", "Retry it once Klarna's token endpoint answers again."),
    (
        "crashed_worker",
        "Five processes ended while they ran it. Read their logs before you retry it: it may end others.",
    ),
    (
        "database_restored",
        "The database was restored from a backup. Search for the order's id in Klarna's portal, and retry it only if \
         Klarna does not have it.",
    ),
    (
        "unreadable_row",
        "A retry cannot mend its row. Read the service's log for the column that cannot be read.",
    ),
    (
        "klarna_refused_merchant",
        "Klarna refuses the merchant's settings. Check its API user, the password and the region. The service tries \
         again by itself.",
    ),
    ("klarna_paused", WAIT),
    ("klarna_throttled", WAIT),
    ("klarna_unavailable", WAIT),
];

const NO_TOKEN: &str = "The merchant wants no orders without a token (the setting on_unusable_token). Ask the shopper \
                        to sign in, then retry the order.";
const WAIT: &str =
    "The cause is at Klarna, not in the order. The service tries again by itself until the deadline.";

/// The codes that the filter suggests.
pub(super) fn suggested(id: &str) -> Markup {
    html! { datalist id=(id) { @for code in ErrorCode::ALL { option value=(code.as_str()) {} } } }
}

/// What an operator does about an order with this code.
pub(super) fn next_step(code: &str, status: Status, possible_duplicate: bool) -> Markup {
    let step = CODES.iter().find(|(other, _)| *other == code).map(|(_, step)| *step);
    html! {
        @if let (Some(step), Status::Failed | Status::Queued) = (step, status) {
            p { b { "What to do: " } (step)
                @if possible_duplicate && status == Status::Failed {
                    " Klarna may already have this order: search for its id in Klarna's portal first."
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_shops_page_has_a_next_step() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/shops.md")).unwrap();
        let (_, table) = page.split_once("| `error.code` of a failed order |").unwrap();
        let (table, rest) = table.split_once("\n\n").unwrap();
        let (_, waiting) = rest.split_once("An order that is still queued can have").unwrap();
        let (waiting, _) = waiting.split_once("The cause is not").unwrap();
        let named = table.lines().skip(2).filter_map(|row| row.split('|').nth(1)).chain([waiting]);
        let mut codes = Vec::new();
        for cell in named {
            codes.extend(cell.split('`').skip(1).step_by(2).filter(|code| *code != "error"));
        }
        assert!(codes.len() >= CODES.len(), "{codes:?}");
        for code in codes {
            assert!(CODES.iter().any(|(known, _)| *known == code), "{code} has no next step");
        }
    }
}
