//! What a token goes through: claims, intents, ends, and the ledger of them. What is sealed comes and goes sealed.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{DeadReason, StoreError, TokenState, words};

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

words!(PurposeKind { Order = "order", Keeper = "keeper", Manual = "manual" });
words!(Outcome {
    Rotated = "rotated", Unchanged = "unchanged", Rejected = "rejected", NotSent = "not_sent", Refused = "refused",
    NoAnswer = "no_answer", Superseded = "superseded",
});

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
