//! A refresh token as its row has it: where it stands, and what becomes of a registration and of an operator's decision.

use chrono::{DateTime, Utc};

use crate::words::words;

/// Where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// Usable.
    Active,
    /// Dead: the shopper must sign in again.
    ReauthRequired,
    /// Its last presentation got no answer, and an operator decides.
    Uncertain,
    /// A tombstone: the secret is gone, the generation stays.
    Forgotten,
}

words!(TokenState { Active = "active", ReauthRequired = "reauth_required", Uncertain = "uncertain", Forgotten = "forgotten" });

/// Why a token is dead: the likelier cause, not a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadReason {
    /// Klarna refused it, and nothing on our side explains why: the user withdrew, most likely.
    Rejected,
    /// An earlier presentation got no answer: it may have spent the token.
    AnswerLost,
    /// It was past its lifetime.
    Expired,
}

words!(DeadReason { Rejected = "rejected", AnswerLost = "answer_lost", Expired = "expired" });

/// Why a token's due date is another than the settings give.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// Imported without its age: presented at once.
    AgeUnknown,
    /// The keeper's last request never left.
    NotSent,
    /// The keeper's last request was answered, and not processed.
    Refused,
    /// The last request got no answer: nobody knows whether the token is spent.
    NoAnswer,
    /// The provider did not rotate.
    Unchanged,
    /// The token could not be opened.
    Unavailable,
    /// A wait after an unanswered request is not over.
    Waits,
    /// The user has not been seen for `keeper.stop_after_idle`: the token is let lapse.
    Idle,
}

words!(Note {
    AgeUnknown = "age_unknown", NotSent = "not_sent", Refused = "refused", NoAnswer = "no_answer",
    Unchanged = "unchanged", Unavailable = "unavailable", Waits = "waits", Idle = "idle",
});

/// A token as shops and operators see it: never the secret.
#[derive(Clone, Debug)]
pub struct TokenView {
    /// Whose merchant.
    pub merchant: String,
    /// Whose token.
    pub user: String,
    /// Where it stands.
    pub state: TokenState,
    /// Why it is dead, where it is.
    pub reason: Option<DeadReason>,
    /// One more at each rotation, registration and forgetting.
    pub generation: i64,
    /// When Klarna issued it.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it lapses, by our reckoning.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the keeper presents it; `None` where it does not.
    pub refresh_due_at: Option<DateTime<Utc>>,
    /// How often in a row the keeper failed.
    pub refresh_failures: i64,
    /// Why the due date is another than the settings give.
    pub refresh_note: Option<Note>,
    /// The last sign-in, or order that took a token.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
}

/// A refresh token to be registered.
#[derive(Clone)]
pub struct NewToken {
    /// Whose merchant.
    pub merchant: String,
    /// Whose token.
    pub user: String,
    /// The token, sealed for this row.
    pub sealed: Vec<u8>,
    /// Its keyed hash.
    pub hash: [u8; 32],
    /// When Klarna issued it.
    pub issued_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// When the keeper is to present it.
    pub refresh_due_at: DateTime<Utc>,
    /// Whether `issued_at`, and with it all the rest, is a guess.
    pub age_unknown: bool,
}

/// What became of a registration.
#[derive(Clone, Debug)]
pub enum Registered {
    /// Stored: the row is active under a new generation.
    Stored(TokenView),
    /// This token was seen before for this user: nothing changed.
    Known(TokenView),
    /// The row holds a token issued later: nothing changed.
    Newer(TokenView),
}

/// What an operator decides about an `uncertain` token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// `active` again: whoever wants it first, an order or the keeper at its usual date, presents it once more, which finds
    /// out whether it was spent.
    Retry,
    /// As [`Resolution::Retry`], and due at once: the keeper presents it in its next sweep where no order does before.
    Present,
    /// `reauth_required(answer_lost)`: it is never presented again, and the shopper must sign in.
    Dead,
}

/// What became of an operator's decision.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// The row says so now.
    Done(TokenView),
    /// The token waits for no decision: nothing changed.
    NotUncertain(TokenView),
    /// No row for this user.
    Missing,
}
