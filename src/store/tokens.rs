//! The seam for refresh tokens: rows, and what is done with them. What is sealed comes and goes sealed.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ClaimAttempt, ExchangeEnd, Intent, Kept, LedgerEntry, LedgerPlace, Settled, StoreError, words};

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

words!(TokenState { Active = "active", ReauthRequired = "reauth_required", Uncertain = "uncertain", Forgotten = "forgotten" });
words!(DeadReason { Rejected = "rejected", AnswerLost = "answer_lost", Expired = "expired" });
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

/// Which tokens a list shows, by merchant and user.
#[derive(Clone, Debug, Default)]
pub struct TokenFilter {
    /// Only tokens in this state.
    pub state: Option<TokenState>,
    /// Only this merchant's.
    pub merchant: Option<String>,
    /// Only active tokens that lapse within so long, or have lapsed.
    pub expiring_within: Option<Duration>,
    /// Only rows after this merchant and user: the last of the page before.
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: u32,
}

/// What a store does for tokens.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Registers tokens in one transaction, but those that are known; with `unless_newer` also not over one issued later.
    /// What became of each, in their order.
    async fn register_tokens(&self, tokens: &[NewToken], unless_newer: bool) -> Result<Vec<Registered>, StoreError>;

    /// As [`Tokens::register_tokens`], for one.
    async fn register_token(&self, token: &NewToken, unless_newer: bool) -> Result<Registered, StoreError> {
        let registered = self.register_tokens(std::slice::from_ref(token), unless_newer).await?.pop();
        registered.ok_or_else(|| StoreError::Unreadable("a registration without an outcome".into()))
    }

    /// Deletes the user's secrets and leaves a tombstone. `false` where there was nothing to forget.
    async fn forget_token(&self, merchant: &str, user: &str) -> Result<bool, StoreError>;

    /// One token.
    async fn token(&self, merchant: &str, user: &str) -> Result<Option<TokenView>, StoreError>;

    /// Tokens by merchant and user; no tombstones unless asked for.
    async fn tokens(&self, filter: &TokenFilter) -> Result<Vec<TokenView>, StoreError>;

    /// The ledger of a user's token, newest first: at most `limit` rows, those behind `before` where given.
    async fn ledger(
        &self,
        merchant: &str,
        user: &str,
        before: Option<LedgerPlace>,
        limit: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError>;

    /// Claims the user's token.
    async fn claim_token(&self, merchant: &str, user: &str) -> Result<ClaimAttempt, StoreError>;

    /// Makes sure that an intent whose commit is in doubt can never be acted on: it is closed as `not_sent`, or written
    /// down as such so that a late commit is refused.
    async fn void_intent(&self, intent: &Intent) -> Result<(), StoreError>;

    /// Closes an open intent of a dead holder as unanswered; with `hold` the token waits for an operator.
    async fn close_orphan(&self, exchange: Uuid, token: i64, generation: i64, hold: bool) -> Result<(), StoreError>;

    /// The intents of `holder` that are open, each with its token's merchant.
    async fn open_intents(&self, holder: Uuid) -> Result<Vec<(String, Intent)>, StoreError>;

    /// Writes an exchange's end in a transaction of its own; may be called again and again. A successor that the database is
    /// behind of, since it knows nothing of the exchange, is stored under a new generation, unless its user's token came later.
    /// [`StoreError::Behind`] where it does not know the user either.
    async fn settle_exchange(&self, end: &ExchangeEnd) -> Result<Settled, StoreError>;

    /// What is kept for an order or sweep.
    async fn kept(&self, purpose: Uuid) -> Result<Option<Kept>, StoreError>;

    /// Deletes what was kept and has lapsed: an end can come so close to an exchange's that neither sees the other.
    async fn delete_lapsed(&self) -> Result<(), StoreError>;

    /// Writes down the first `sub` seen for a user; a later one changes nothing.
    async fn note_subject(&self, merchant: &str, user: &str, subject: &[u8]) -> Result<(), StoreError>;
}
