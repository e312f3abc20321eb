//! The seam for refresh tokens: rows, claims, and the ledger of exchanges. What is sealed comes and goes sealed.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{StoreError, words};

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

/// How an intent was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A successor came and is stored.
    Rotated,
    /// The provider did not rotate (RFC 6749 section 6).
    Unchanged,
    /// `invalid_grant`.
    Rejected,
    /// The request never left.
    NotSent,
    /// Answered, and not processed.
    Refused,
    /// Nobody knows whether it was processed.
    NoAnswer,
    /// A successor came for a generation that is no longer current.
    Superseded,
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

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PurposeKind {
    /// An order to submit.
    Order,
    /// A sweep of the keeper.
    Keeper,
    /// An operator.
    Manual,
}

/// What an exchange is for, and which one of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The kind.
    pub kind: PurposeKind,
    /// The order or sweep; what it gets is kept under this id.
    pub id: Uuid,
}

words!(TokenState { Active = "active", ReauthRequired = "reauth_required", Uncertain = "uncertain", Forgotten = "forgotten" });
words!(DeadReason { Rejected = "rejected", AnswerLost = "answer_lost", Expired = "expired" });
words!(PurposeKind { Order = "order", Keeper = "keeper", Manual = "manual" });
words!(Note {
    AgeUnknown = "age_unknown", NotSent = "not_sent", Refused = "refused", NoAnswer = "no_answer",
    Unchanged = "unchanged", Unavailable = "unavailable", Waits = "waits", Idle = "idle",
});
words!(Outcome {
    Rotated = "rotated", Unchanged = "unchanged", Rejected = "rejected", NotSent = "not_sent", Refused = "refused",
    NoAnswer = "no_answer", Superseded = "superseded",
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

/// What a claim gave.
pub enum ClaimAttempt {
    /// No row for this user.
    Missing,
    /// Another holds the claim.
    Busy,
    /// The caller's until it is settled or released.
    Claimed(Box<dyn TokenClaim>),
}

/// A token row, read under its claim.
#[derive(Clone, Debug)]
pub struct ClaimedToken {
    /// The row's id.
    pub id: i64,
    /// The generation that the claim is for.
    pub generation: i64,
    /// Where the token stands.
    pub state: TokenState,
    /// Why it is dead, where it is.
    pub reason: Option<DeadReason>,
    /// The refresh token; none in a tombstone.
    pub sealed: Option<Vec<u8>>,
    /// When Klarna issued it.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it lapses, by our reckoning.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the keeper is to present this generation; `None` where it is not.
    pub refresh_due_at: Option<DateTime<Utc>>,
    /// Keyed hash of the first `sub` seen for the user.
    pub subject: Option<Vec<u8>>,
    /// Whether any presentation of the present grant, of this generation or an earlier one, had an unknown outcome.
    pub answer_lost: bool,
    /// The ledger of the present generation, latest presentation first.
    pub presentations: Vec<Presentation>,
    /// The database's time at the reading.
    pub now: DateTime<Utc>,
}

/// One row of the ledger.
#[derive(Clone, Debug)]
pub struct Presentation {
    /// The exchange.
    pub exchange: Uuid,
    /// Counts within the generation, from 1.
    pub number: i64,
    /// `None` while open.
    pub outcome: Option<Outcome>,
    /// Whether the unanswered request may still be on its way.
    pub travelling: bool,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// The start of the process that made it.
    pub holder: Uuid,
    /// How long the holder has been silent; `None` where it is written down as dead or not at all.
    pub holder_silent: Option<Duration>,
}

/// A row of the ledger as shops and operators see it: one presentation of the user's token.
#[derive(Clone, Debug)]
pub struct LedgerEntry {
    /// The exchange.
    pub exchange: Uuid,
    /// Where it stands in the ledger.
    pub place: LedgerPlace,
    /// What for.
    pub purpose: PurposeKind,
    /// The order, or the run of the keeper.
    pub purpose_ref: Option<Uuid>,
    /// The process that made it, where its row is still there.
    pub worker: Option<String>,
    /// When it was written down.
    pub opened_at: DateTime<Utc>,
    /// When its end was.
    pub closed_at: Option<DateTime<Utc>>,
    /// How it ended; `None` while it is under way.
    pub outcome: Option<Outcome>,
}

/// A place in the ledger of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerPlace {
    /// The generation that was presented.
    pub generation: i64,
    /// Which presentation of it, from 1.
    pub presentation: i64,
}

/// That a request is about to be sent.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The exchange.
    pub exchange: Uuid,
    /// The token row.
    pub token: i64,
    /// The generation presented.
    pub generation: i64,
    /// One more than the ledger holds for the generation.
    pub presentation: i64,
    /// What for.
    pub purpose: Purpose,
    /// This start of the process.
    pub holder: Uuid,
}

/// Whether an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intended {
    /// Durable: the request may leave.
    Recorded,
    /// Another was first, the generation moved on, or the holder is written down as dead: nothing may be sent.
    Refused,
}

/// Whose token an exchange is of. A restored database may know the user by another row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Whose merchant.
    pub merchant: String,
    /// The shop's name for the user.
    pub user: String,
}

/// How an exchange ended, to be written down.
#[derive(Clone)]
pub struct ExchangeEnd {
    /// The exchange.
    pub exchange: Uuid,
    /// Whose token; `None` in what an older program left in its spool.
    pub owner: Option<Owner>,
    /// The token row.
    pub token: i64,
    /// The generation that was presented.
    pub generation: i64,
    /// What came of it.
    pub result: ExchangeResult,
    /// What is kept for the purpose, where an access token came for an order.
    pub kept: Option<NewKept>,
}

/// What came of an exchange, with what each outcome writes.
#[derive(Clone)]
pub enum ExchangeResult {
    /// A successor.
    Rotated(Successor),
    /// The same token stays good.
    Unchanged,
    /// The token is dead.
    Rejected(DeadReason),
    /// The request never left.
    NotSent,
    /// Answered, and not processed.
    Refused,
    /// Nobody knows.
    NoAnswer {
        /// Whether the request may still be on its way.
        travelling: bool,
        /// Whether an operator must decide before the token is presented again.
        hold: bool,
    },
}

impl ExchangeResult {
    /// The ledger's word for it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Rotated(_) => Outcome::Rotated,
            Self::Unchanged => Outcome::Unchanged,
            Self::Rejected(_) => Outcome::Rejected,
            Self::NotSent => Outcome::NotSent,
            Self::Refused => Outcome::Refused,
            Self::NoAnswer { .. } => Outcome::NoAnswer,
        }
    }
}

/// The token that replaces the one spent.
#[derive(Clone)]
pub struct Successor {
    /// The token, sealed for the row.
    pub sealed: Vec<u8>,
    /// Its keyed hash.
    pub hash: [u8; 32],
    /// When it came.
    pub issued_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// When the keeper is to present it; where `None`, the next sweep sets the date.
    pub refresh_due_at: Option<DateTime<Utc>>,
}

/// Access token and id_token, kept for what they were fetched for.
#[derive(Clone)]
pub struct NewKept {
    /// The order or sweep.
    pub purpose: Uuid,
    /// Sealed for the purpose.
    pub sealed: Vec<u8>,
    /// When they came.
    pub received_at: DateTime<Utc>,
    /// When the access token lapses.
    pub good_until: DateTime<Utc>,
}

/// What is kept, read back.
#[derive(Clone)]
pub struct Kept {
    /// Sealed for the purpose.
    pub sealed: Vec<u8>,
    /// When they came.
    pub received_at: DateTime<Utc>,
    /// When the access token lapses.
    pub good_until: DateTime<Utc>,
    /// The database's time at the reading.
    pub now: DateTime<Utc>,
    /// Keyed hash of the first `sub` seen for the user.
    pub subject: Option<Vec<u8>>,
}

/// What a settled exchange came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Written now, or found written by an earlier try of the same exchange.
    Written,
    /// The generation had moved on, or another had closed the intent: nothing but the ledger was touched, and what the
    /// row says now counts.
    Superseded,
}

/// A claim on one token: at most one exists for a token, over all processes.
#[async_trait]
pub trait TokenClaim: Send + Sync {
    /// The row, as read under the claim.
    fn token(&self) -> &ClaimedToken;

    /// Makes the intent durable. An error leaves its outcome unknown.
    async fn intend(&mut self, intent: &Intent) -> Result<Intended, StoreError>;

    /// Writes the exchange's end and gives the claim up. An error leaves the outcome unknown.
    async fn settle(self: Box<Self>, end: &ExchangeEnd) -> Result<Settled, StoreError>;

    /// Gives the claim up with nothing written.
    async fn release(self: Box<Self>);
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
