//! What became of an order, in the words that the API, the webhooks and the stores share.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted, and waiting for its turn.
    Queued,
    /// A worker is at it.
    Running,
    /// Klarna has created the order.
    Submitted,
    /// It will not be submitted, unless somebody asks for a retry.
    Failed,
    /// Called back before it was submitted.
    Cancelled,
}

impl Status {
    /// Every status, in the order of an order's life.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Submitted, Self::Failed, Self::Cancelled];

    /// The word for it in JSON and in the stores.
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

    /// Whether the worker is done with the order: nothing changes any more by itself.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Submitted | Self::Failed | Self::Cancelled)
    }
}

/// With what access token an order went out, or why without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenOutcome {
    /// With a token from an exchange made for this order.
    Fresh,
    /// With a token from an earlier exchange that was still valid.
    Kept,
    /// Without: the user has no refresh token here.
    NotRegistered,
    /// Without: the user's refresh token is dead, and only a new sign-in helps.
    ReauthRequired,
    /// Without: the answer of an exchange was lost, and what became of the refresh token is not known yet.
    Uncertain,
    /// Without: the token endpoint could not be used in time.
    Unavailable,
}

impl TokenOutcome {
    /// Every outcome.
    pub const ALL: [Self; 6] =
        [Self::Fresh, Self::Kept, Self::NotRegistered, Self::ReauthRequired, Self::Uncertain, Self::Unavailable];

    /// The word for it in JSON and in the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Kept => "kept",
            Self::NotRegistered => "not_registered",
            Self::ReauthRequired => "reauth_required",
            Self::Uncertain => "uncertain",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A word that names no status or outcome.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word, expected one of: {expected}")]
pub struct UnknownWord {
    /// The words that are known, separated by commas.
    pub expected: String,
}

fn known<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str, text: &str) -> Result<T, UnknownWord> {
    let found = all.iter().copied().find(|item| word(*item) == text);
    found.ok_or_else(|| UnknownWord { expected: all.iter().map(|item| word(*item)).collect::<Vec<_>>().join(", ") })
}

impl FromStr for Status {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        known(&Self::ALL, Self::as_str, text)
    }
}

impl FromStr for TokenOutcome {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        known(&Self::ALL, Self::as_str, text)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for TokenOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

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
        assert_eq!(error.to_string(), "unknown word, expected one of: queued, running, submitted, failed, cancelled");
    }

    #[test]
    fn settled_is_what_no_worker_touches_again() {
        let settled: Vec<_> = Status::ALL.into_iter().filter(|status| status.is_settled()).collect();
        assert_eq!(settled, [Status::Submitted, Status::Failed, Status::Cancelled]);
    }
}
