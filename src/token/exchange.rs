//! One exchange of a refresh token: its purpose, the intent before the request, and how it ended.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{CachedFor, DeadReason, TokenSecret};
use crate::ids::{
    ClaimNumber, ExchangeId, PresentationNumber, Provider, PurposeId, TokenVersion, UserKey, WorkerId,
};
use crate::words::words;

/// The purpose of an exchange: its kind, and the order, sweep or vend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The kind of purpose.
    pub kind: PurposeKind,
    /// The id of the order, the sweep or the vend. Tokens from the exchange are cached under this
    /// id.
    pub id: PurposeId,
}

/// The kind of purpose of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PurposeKind {
    /// An order to submit.
    Order,
    /// A sweep of the keeper.
    Keeper,
    /// An operator's command.
    Manual,
    /// An access token for a program of the shop.
    Vend,
}

words!(PurposeKind { Order = "order", Keeper = "keeper", Manual = "manual", Vend = "vend" });

/// The intent: the record that a request is about to be sent.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The id of the exchange.
    pub exchange: ExchangeId,
    /// What is presented.
    pub version: TokenVersion,
    /// The number of this presentation: one more than the ledger has for this generation.
    pub presentation: PresentationNumber,
    /// What the exchange is for.
    pub purpose: Purpose,
    /// The id of this start of the process.
    pub holder: WorkerId,
}

/// The result of recording an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intended {
    /// It is durable. The request may be sent.
    Recorded,
    /// Another intent was first, the generation has changed, or this process was marked as dead.
    /// Nothing may be sent.
    Refused,
}

/// The end of an exchange, to be stored.
#[derive(Clone)]
pub struct ExchangeEnd {
    /// The id of the exchange.
    pub exchange: ExchangeId,
    /// Whose token: after a restore, the database may have the user in another row.
    pub owner: UserKey,
    /// The provider that the token was presented to, and that issued its successor.
    pub provider: Provider,
    /// What was presented.
    pub version: TokenVersion,
    /// The result of the exchange.
    pub result: ExchangeResult,
    /// What it failed with, such as the status of the answer: a text that is safe to log. `None` if
    /// it did not fail.
    pub cause: Option<String>,
    /// The tokens to cache for the purpose, if the exchange was for an order or a vend and returned
    /// an access token.
    pub cached: Option<NewCachedTokens>,
}

/// The result of an exchange, with what it stores.
#[derive(Clone)]
pub enum ExchangeResult {
    /// The provider returned a successor.
    Rotated(Successor),
    /// The token is unchanged and stays valid.
    Unchanged,
    /// The token no longer works.
    Rejected(DeadReason),
    /// The request was never sent.
    NotSent,
    /// It was answered, but not processed.
    Refused,
    /// Nobody knows whether it was processed.
    NoAnswer {
        /// Whether the request may still be on its way.
        travelling: bool,
        /// Whether an operator has to decide before the token is presented again.
        hold: bool,
    },
}

impl ExchangeResult {
    /// Returns the outcome for the ledger.
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

/// The successor: the token that replaces a spent one.
#[derive(Clone)]
pub struct Successor {
    /// The token, encrypted for the row and the generation after the one that was presented.
    pub sealed: Vec<u8>,
    /// The keyed hash of the token.
    pub hash: [u8; 32],
    /// The token itself, for a database that has to store it under another row or generation.
    pub secret: Arc<dyn TokenSecret>,
    /// When it was received.
    pub issued_at: DateTime<Utc>,
    /// When the refresh token expires.
    pub expires_at: DateTime<Utc>,
    /// When the keeper refreshes it. `None`: the next sweep sets the date.
    pub refresh_due_at: Option<DateTime<Utc>>,
}

/// An access token and id_token to cache for an order or a vend.
#[derive(Clone)]
pub struct NewCachedTokens {
    /// The id of the order or vend.
    pub purpose: PurposeId,
    /// Both tokens, encrypted for a [`CachedFor`].
    pub sealed: Vec<u8>,
    /// When they were received.
    pub received_at: DateTime<Utc>,
    /// When the access token expires.
    pub good_until: DateTime<Utc>,
    /// The claim on the order, if its create call is to be announced in the same commit.
    pub claim: Option<OrderClaim>,
}

/// The claim of the order that waits for an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderClaim {
    /// This start of the process.
    pub worker: WorkerId,
    /// The number of the claim.
    pub number: ClaimNumber,
}

/// Cached tokens, read back.
#[derive(Clone)]
pub struct CachedTokens {
    /// What they are encrypted for.
    pub cached_for: CachedFor,
    /// Both tokens, encrypted.
    pub sealed: Vec<u8>,
    /// When they were received.
    pub received_at: DateTime<Utc>,
    /// When the access token expires.
    pub good_until: DateTime<Utc>,
    /// The database's time when this was read.
    pub now: DateTime<Utc>,
    /// The keyed hash of the first `sub` that was seen for the user.
    pub subject: Option<Vec<u8>>,
}

/// The result of storing the end of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is stored, now or by an earlier try of the same exchange.
    Written,
    /// As `Written`; and the create call of the order that waits for the access token is announced
    /// in the same commit.
    Announced,
    /// The generation had changed, or the intent had been closed by another process. Only the
    /// ledger was written; the token row counts as it is now.
    Superseded,
}

/// The outcome with which an intent was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A successor was received and stored.
    Rotated,
    /// The provider did not rotate (RFC 6749 section 6).
    Unchanged,
    /// The answer was `invalid_grant`.
    Rejected,
    /// The request was never sent.
    NotSent,
    /// It was answered, but not processed.
    Refused,
    /// Nobody knows whether it was processed.
    NoAnswer,
    /// A successor was received, but the token row had a newer generation.
    Superseded,
}

words!(Outcome {
    Rotated = "rotated", Unchanged = "unchanged", Rejected = "rejected", NotSent = "not_sent", Refused = "refused",
    NoAnswer = "no_answer", Superseded = "superseded",
});
