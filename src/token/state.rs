//! The state of a refresh token's row, and the results of a registration and of an operator's
//! decision.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::TokenSecret;
use crate::ids::{MerchantName, Provider, UserId, UserKey};
use crate::words::words;

/// The state of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// The token can be used.
    Active,
    /// The token no longer works: the shopper must sign in again.
    ReauthRequired,
    /// Its last presentation got no answer, and an operator has to decide.
    Uncertain,
    /// A tombstone: the token is deleted, the generation stays.
    Forgotten,
}

words!(TokenState {
    Active = "active",
    ReauthRequired = "reauth_required",
    Uncertain = "uncertain",
    Forgotten = "forgotten",
});

/// Why a token no longer works. This is the most likely cause, not a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadReason {
    /// Klarna refused it, and nothing on our side explains why. Most likely the user withdrew
    /// consent.
    Rejected,
    /// An earlier presentation got no answer and may have spent the token.
    AnswerLost,
    /// It was past its lifetime.
    Expired,
}

words!(DeadReason { Rejected = "rejected", AnswerLost = "answer_lost", Expired = "expired" });

/// Why a token's due date differs from what the settings give.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// It was imported without its age, so it is due at once.
    AgeUnknown,
    /// The keeper's last request was never sent.
    NotSent,
    /// The keeper's last request was answered, but not processed.
    Refused,
    /// The last request got no answer: nobody knows whether the token was spent.
    NoAnswer,
    /// The provider did not rotate.
    Unchanged,
    /// The token could not be decrypted.
    Unavailable,
    /// The wait after an unanswered request is not over.
    Waits,
    /// The user has had no order or sign-in for `keeper.stop_after_idle`, so the token will expire.
    Idle,
}

words!(Note {
    AgeUnknown = "age_unknown", NotSent = "not_sent", Refused = "refused", NoAnswer = "no_answer",
    Unchanged = "unchanged", Unavailable = "unavailable", Waits = "waits", Idle = "idle",
});

/// The state of a token for shops and operators, without the token.
#[derive(Clone, Debug)]
pub struct TokenView {
    /// The merchant's name.
    pub merchant: MerchantName,
    /// The shop's own id for the user.
    pub user: UserId,
    /// The state of the token.
    pub state: TokenState,
    /// Why it no longer works, if it does not.
    pub reason: Option<DeadReason>,
    /// The number that each rotation, registration and forgetting raises by one.
    pub generation: i64,
    /// When Klarna issued it.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it expires, by our calculation.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the keeper refreshes it; `None` if it does not.
    pub refresh_due_at: Option<DateTime<Utc>>,
    /// How many refreshes failed in a row.
    pub refresh_failures: i64,
    /// Why the due date differs from what the settings give.
    pub refresh_note: Option<Note>,
    /// The user's last sign-in, or last order that used the token.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// When the user signed in, if that is known. A token of an older sign-in does not replace this
    /// one.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
}

/// A refresh token to be registered.
#[derive(Clone)]
pub struct NewToken {
    /// The user whose token it is.
    pub owner: UserKey,
    /// The token.
    pub secret: Arc<dyn TokenSecret>,
    /// The provider that issued it.
    pub provider: Provider,
    /// When Klarna issued it, by the database's clock at the latest now.
    pub issued_at: DateTime<Utc>,
    /// Where `issued_at` comes from.
    pub sign_in: SignIn,
    /// When the token expires, by our calculation.
    pub expires_at: DateTime<Utc>,
    /// When the keeper refreshes it.
    pub refresh_due_at: DateTime<Utc>,
}

/// What is known of the time of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// The shop stated it. The token does not replace one of a later sign-in.
    Stated,
    /// The shop did not state it: the user has just signed in. The token replaces any other.
    JustNow,
    /// Nobody knows it, so that `issued_at` and the dates are guesses. The token replaces any
    /// other, and any other replaces it.
    Unknown,
}

/// The result of a registration.
#[derive(Clone, Debug)]
pub enum Registered {
    /// Stored. The row is active, with a new generation.
    Stored(TokenView),
    /// The user had this token before. Nothing changed.
    Known(TokenView),
    /// The row has a token of a later sign-in. Nothing changed.
    Newer(TokenView),
    /// The token belongs to the row of this other user, of this merchant or another one. Nothing
    /// changed.
    HeldElsewhere(UserKey),
}

/// An operator's decision about an `uncertain` token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It becomes `active`. The next order, or the keeper at its usual date, presents it once more,
    /// which shows whether it was spent.
    Retry,
    /// Like [`Resolution::Retry`], and due at once: the keeper presents it in its next sweep if no
    /// order does so before.
    Present,
    /// It becomes `reauth_required(answer_lost)`. It is never presented again, and the shopper must
    /// sign in.
    Dead,
}

/// The result of an operator's decision.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// The decision is stored.
    Done(TokenView),
    /// The token is not uncertain. Nothing changed.
    NotUncertain(TokenView),
    /// The user has no row.
    Missing,
}
