//! One exchange of a refresh token: what it is for, the intent that precedes the request, and how it ended.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::DeadReason;
use crate::words::words;

/// What an exchange is for, and which one of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The kind.
    pub kind: PurposeKind,
    /// The order or sweep; what it gets is kept under this id.
    pub id: Uuid,
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

words!(PurposeKind { Order = "order", Keeper = "keeper", Manual = "manual" });

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
    pub kept: Option<NewCachedTokens>,
}

/// Whose token an exchange is of. A restored database may know the user by another row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Whose merchant.
    pub merchant: String,
    /// The shop's name for the user.
    pub user: String,
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
pub struct NewCachedTokens {
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
pub struct CachedTokens {
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

words!(Outcome {
    Rotated = "rotated", Unchanged = "unchanged", Rejected = "rejected", NotSent = "not_sent", Refused = "refused",
    NoAnswer = "no_answer", Superseded = "superseded",
});
