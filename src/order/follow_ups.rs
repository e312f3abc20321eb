//! Which orders are chosen by the calls about them that fail.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::status::read_and_shown_as_words;

/// How an order's follow-ups fare: the calls to Klarna about a submitted order that are made in the
/// background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FollowUpState {
    /// One has failed, whether it is tried again or was given up.
    Failing,
    /// One failed for two days, and is not tried by itself any more.
    GivenUp,
}

impl FollowUpState {
    /// All states.
    pub const ALL: [Self; 2] = [Self::Failing, Self::GivenUp];

    /// Returns its word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::GivenUp => "given_up",
        }
    }
}

read_and_shown_as_words!(FollowUpState);
