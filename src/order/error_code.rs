//! The error codes that orders have.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Status;
use super::status::read_and_shown_as_words;
use crate::words::words;

/// The error code of an order. A failed order says with it why it failed, a queued one why it
/// waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Klarna refused the order.
    KlarnaRefusedOrder,
    /// The order breaks a rule; only of orders that did not come through the HTTP API.
    InvalidOrder,
    /// The order could not be submitted before its deadline, whatever it waited for.
    DeadlineExceeded,
    /// There is no token for the user, and the merchant wants no order without one.
    TokenNotRegistered,
    /// The user's token no longer works, and the merchant wants no order without one.
    TokenReauthRequired,
    /// The user's token is uncertain, and the merchant wants no order without one.
    TokenUncertain,
    /// There was no token in time, and the merchant wants no order without one.
    TokenUnavailable,
    /// Five workers crashed while they ran the order.
    CrashedWorker,
    /// The database was restored from a backup before the order had ended in it.
    DatabaseRestored,
    /// The order's row cannot be read.
    UnreadableRow,
    /// The order waits: Klarna refuses the merchant's settings.
    KlarnaRefusedMerchant,
    /// The order waits for a circuit breaker, for a pause that Klarna asked for, or for the rate
    /// limit.
    KlarnaPaused,
    /// The order waits: Klarna answered 429.
    KlarnaThrottled,
    /// The order waits: Klarna could not be reached, did not answer, or answered with an error of
    /// its own.
    KlarnaUnavailable,
    /// The order was cancelled because its user was erased.
    UserErased,
}

words!(ErrorCode {
    KlarnaRefusedOrder = "klarna_refused_order",
    InvalidOrder = "invalid_order",
    DeadlineExceeded = "deadline_exceeded",
    TokenNotRegistered = "token_not_registered",
    TokenReauthRequired = "token_reauth_required",
    TokenUncertain = "token_uncertain",
    TokenUnavailable = "token_unavailable",
    CrashedWorker = "crashed_worker",
    DatabaseRestored = "database_restored",
    UnreadableRow = "unreadable_row",
    KlarnaRefusedMerchant = "klarna_refused_merchant",
    KlarnaPaused = "klarna_paused",
    KlarnaThrottled = "klarna_throttled",
    KlarnaUnavailable = "klarna_unavailable",
    UserErased = "user_erased",
});

read_and_shown_as_words!(ErrorCode);

impl ErrorCode {
    /// Checks that orders with this status can have this code.
    ///
    /// # Errors
    /// A sentence that says why not, with the codes that they can have.
    pub fn check(self, status: Option<Status>) -> Result<(), String> {
        let Some(status) = status else { return Ok(()) };
        if self.fits(status) {
            return Ok(());
        }
        let (code, codes): (_, Vec<&str>) = (
            self.as_str(),
            Self::ALL.into_iter().filter(|code| code.fits(status)).map(Self::as_str).collect(),
        );
        if codes.is_empty() {
            return Err(format!("{status} orders have no error"));
        }
        let mut why = format!("{status} orders never have the code {code}; they have {}", codes.join(", "));
        if status == Status::Failed && self.fits(Status::Queued) {
            why.push_str(
                ". An order that waited with this code until its deadline failed with deadline_exceeded",
            );
        }
        Err(why)
    }

    /// Whether an order that waits with this code is tried again by itself, without that somebody
    /// corrects a setting.
    pub(super) fn is_tried_again(self) -> bool {
        matches!(self, Self::KlarnaPaused | Self::KlarnaThrottled | Self::KlarnaUnavailable)
    }

    /// Whether orders with this status can have this code. Those that wait, run or were cancelled
    /// keep the error of their last wait.
    fn fits(self, status: Status) -> bool {
        let waits = self.is_tried_again() || self == Self::KlarnaRefusedMerchant;
        match status {
            Status::Submitted => false,
            Status::Failed => !waits && self != Self::UserErased,
            Status::Queued | Status::Running => waits,
            Status::Cancelled => waits || self == Self::UserErased,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_to_shops() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/shops.md")).unwrap();
        for code in ErrorCode::ALL {
            assert!(page.contains(&format!("`{}`", code.as_str())), "{}", code.as_str());
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn a_code_that_a_status_never_has_is_told_with_those_that_it_has() {
        let check = ErrorCode::check;
        assert_eq!(check(ErrorCode::KlarnaUnavailable, None), Ok(()));
        assert_eq!(check(ErrorCode::KlarnaUnavailable, Some(Status::Queued)), Ok(()));
        assert_eq!(check(ErrorCode::DeadlineExceeded, Some(Status::Failed)), Ok(()));
        let why = check(ErrorCode::KlarnaUnavailable, Some(Status::Failed)).unwrap_err();
        assert!(
            why.starts_with("failed orders never have the code klarna_unavailable; they have klarna_ref"),
            "{why}"
        );
        assert!(why.ends_with("failed with deadline_exceeded"), "{why}");
        let why = check(ErrorCode::DeadlineExceeded, Some(Status::Queued)).unwrap_err();
        assert!(
            why.contains("they have klarna_refused_merchant, klarna_paused") && !why.contains(". "),
            "{why}"
        );
        assert_eq!(
            check(ErrorCode::CrashedWorker, Some(Status::Submitted)).unwrap_err(),
            "submitted orders have no error"
        );
    }
}
