//! What people are told of an order's error code. `docs/shops.md` says what the codes mean to a
//! shop.

use super::{ErrorCode, Status};

const NO_TOKEN: &str = "The merchant wants no orders without a token (the setting on_unusable_token). Ask the shopper \
                        to sign in, then retry the order.";
const SEARCH_FIRST: &str = "Klarna may already have this order: search for its id in Klarna's portal first.";
const WAIT: &str =
    "The cause is at Klarna, not in the order. The service tries again by itself until the deadline.";

impl ErrorCode {
    /// Returns the code of a word; `None` for one that only another version of the program knows.
    #[must_use]
    pub fn known(word: &str) -> Option<Self> {
        Self::from_word(word).ok()
    }

    /// Whether an order that failed with this code fails again if it is retried, unless the
    /// merchant's settings, or what Klarna allows it, have changed meanwhile.
    #[must_use]
    pub const fn fails_again(self) -> bool {
        matches!(self, Self::KlarnaRefusedOrder | Self::InvalidOrder | Self::UnreadableRow)
    }

    /// Returns what an operator does about an order with this code. Nothing can be done about a
    /// cancelled one.
    #[must_use]
    pub const fn next_step(self) -> Option<&'static str> {
        Some(match self {
            Self::KlarnaRefusedOrder => {
                "A retry sends the same order, and Klarna refuses it again, unless the merchant's settings, or what \
                 Klarna allows the merchant, have changed. The shop must correct the order and submit a new one."
            }
            Self::InvalidOrder => {
                "A retry fails again: the order breaks a rule. The shop must correct it and submit a new one."
            }
            Self::DeadlineExceeded => {
                "Ask the shop whether the shopper still waits. Only then retry it: it gets a new deadline."
            }
            Self::TokenNotRegistered | Self::TokenReauthRequired => NO_TOKEN,
            Self::TokenUncertain => {
                "Resolve the token, on the page of its user or with tokens resolve, then retry the order."
            }
            Self::TokenUnavailable => "Retry it once Klarna's token endpoint answers again.",
            Self::CrashedWorker => {
                "Five processes ended while they ran it. Read their logs before you retry it: it may end others."
            }
            Self::DatabaseRestored => {
                "The database was restored from a backup. Search for the order's id in Klarna's portal, and retry it \
                 only if Klarna does not have it."
            }
            Self::UnreadableRow => {
                "A retry cannot mend its row. Read the service's log for the column that cannot be read."
            }
            Self::KlarnaRefusedMerchant => {
                "Klarna refuses the merchant's settings. The order's error says what to check. The service tries again \
                 by itself."
            }
            Self::KlarnaPaused | Self::KlarnaThrottled | Self::KlarnaUnavailable => WAIT,
            Self::UserErased => return None,
        })
    }

    /// Returns what an operator does about an order with this code, this status and this
    /// `possible_duplicate`.
    #[must_use]
    pub fn advice(self, status: Status, possible_duplicate: bool) -> Option<String> {
        let step = self.next_step().filter(|_| matches!(status, Status::Failed | Status::Queued))?;
        // The step after a restore has the same advice.
        let search = possible_duplicate && status == Status::Failed && self != Self::DatabaseRestored;
        Some(if search { format!("{step} {SEARCH_FIRST}") } else { step.to_owned() })
    }

    /// Returns the words for a code that its name does not tell to a person. An operator's pause is
    /// none of an order's errors.
    #[must_use]
    pub fn words(code: &str) -> &str {
        if code == Self::KlarnaPaused.as_str() { "circuit breaker or rate limit" } else { code }
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
        assert!(codes.len() >= ErrorCode::ALL.len() - 1, "{codes:?}");
        for code in codes {
            assert!(ErrorCode::from_word(code).unwrap().next_step().is_some(), "{code} has no next step");
        }
    }
}
