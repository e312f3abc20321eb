//! The status and token outcome of an order, with the words that the API, the webhooks and the
//! stores use.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted; waits for a worker or for its time.
    Queued,
    /// A worker runs it.
    Running,
    /// Klarna has created the order.
    Submitted,
    /// It will not be submitted, unless somebody retries it.
    Failed,
    /// It was cancelled before it was submitted.
    Cancelled,
}

impl Status {
    /// All statuses, in the order in which an order can have them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Submitted, Self::Failed, Self::Cancelled];

    /// Returns its word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Submitted => "submitted",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether the order has ended, so that nothing changes by itself any more.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Submitted | Self::Failed | Self::Cancelled)
    }
}

/// Which access token an order was submitted with, or why without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenOutcome {
    /// With a token from an exchange for this attempt.
    Fresh,
    /// With a cached token from an earlier attempt that was still valid.
    Cached,
    /// Without: the service has no refresh token for the user.
    NotRegistered,
    /// Without: the user's refresh token no longer works, and the user must sign in again.
    ReauthRequired,
    /// Without: the answer to an exchange was lost, and it is not known yet whether the refresh
    /// token was spent.
    Uncertain,
    /// Without: the token endpoint gave no access token in time.
    Unavailable,
    /// Without: the merchant's setting `send_access_token` is off.
    TurnedOff,
}

impl TokenOutcome {
    /// All outcomes.
    pub const ALL: [Self; 7] = [
        Self::Fresh,
        Self::Cached,
        Self::NotRegistered,
        Self::ReauthRequired,
        Self::Uncertain,
        Self::Unavailable,
        Self::TurnedOff,
    ];

    /// Returns its word in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Cached => "cached",
            Self::NotRegistered => "not_registered",
            Self::ReauthRequired => "reauth_required",
            Self::Uncertain => "uncertain",
            Self::Unavailable => "unavailable",
            Self::TurnedOff => "turned_off",
        }
    }
}

/// The error for a word that is not a status or outcome.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word, expected one of: {expected}")]
pub struct UnknownWord {
    /// The valid words, separated by commas.
    pub expected: String,
}

/// Returns the item with this word.
pub(super) fn known<T: Copy>(
    all: &[T],
    word: impl Fn(T) -> &'static str,
    text: &str,
) -> Result<T, UnknownWord> {
    let found = all.iter().copied().find(|item| word(*item) == text);
    found.ok_or_else(|| UnknownWord {
        expected: all.iter().map(|item| word(*item)).collect::<Vec<_>>().join(", "),
    })
}

/// Lets enums with `ALL` and `as_str` be parsed from their words and shown as them.
macro_rules! read_and_shown_as_words {
    ($($type:ty),+) => {
        $(impl std::str::FromStr for $type {
            type Err = $crate::order::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::order::status::known(&Self::ALL, Self::as_str, text)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        })+
    };
}
pub(super) use read_and_shown_as_words;

read_and_shown_as_words!(Status, TokenOutcome);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_store_use_the_same_words() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        for outcome in TokenOutcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
        }
    }

    #[test]
    fn an_unknown_word_is_told_the_known_ones() {
        let error = "done".parse::<Status>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown word, expected one of: queued, running, submitted, failed, cancelled"
        );
    }

    #[test]
    fn settled_is_what_no_worker_touches_again() {
        let settled: Vec<_> = Status::ALL.into_iter().filter(|status| status.is_settled()).collect();
        assert_eq!(settled, [Status::Submitted, Status::Failed, Status::Cancelled]);
    }
}
