//! The ledger of a token: one row for each presentation.

use chrono::{DateTime, Utc};

use super::{DeadReason, Outcome, PurposeKind, TokenState};

use crate::ids::{ExchangeId, PresentationNumber, Provider, PurposeId, TokenVersion, WorkerId};

/// A token row, read after its claim.
#[derive(Clone, Debug)]
pub struct ClaimedToken {
    /// What was claimed.
    pub version: TokenVersion,
    /// The generation with which the present grant began.
    pub grant_generation: i64,
    /// The state of the token.
    pub state: TokenState,
    /// Why it no longer works, if it does not.
    pub reason: Option<DeadReason>,
    /// The encrypted refresh token; `None` in a tombstone.
    pub sealed: Option<Vec<u8>>,
    /// The provider that issued it; `None` if the row never had a token.
    pub provider: Option<Provider>,
    /// When Klarna issued it.
    pub issued_at: Option<DateTime<Utc>>,
    /// When it expires, by our calculation.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the keeper refreshes this generation; `None` if it does not.
    pub refresh_due_at: Option<DateTime<Utc>>,
    /// The keyed hash of the first `sub` that was seen for the user.
    pub subject: Option<Vec<u8>>,
    /// What is known of the provider that the settings name.
    pub standing: Standing,
    /// Whether any presentation of the present grant, of this generation or an earlier one, had an
    /// unknown outcome.
    pub answer_lost: bool,
    /// The ledger of the present generation, latest presentation first.
    pub presentations: Vec<Presentation>,
    /// The database's time when this was read.
    pub now: DateTime<Utc>,
}

impl ClaimedToken {
    /// Returns the presentation whose intent is open, if there is one.
    #[must_use]
    pub fn open_intent(&self) -> Option<&Presentation> {
        self.presentations.iter().find(|presentation| presentation.outcome.is_none())
    }
}

/// How a merchant stands with the provider that its settings name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether this provider was the last that granted one of the merchant's tokens.
    pub proven: bool,
    /// The stop of the merchant because of too many rejections in a row, while it lasts.
    pub stop: Option<Stop>,
}

/// A stopped merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// When the next token may be presented, as a probe.
    pub probe_at: DateTime<Utc>,
    /// How many probes were sent so far.
    pub probes: u32,
}

/// One row of the ledger: a presentation of the token.
#[derive(Clone, Debug)]
pub struct Presentation {
    /// The id of the exchange.
    pub exchange: ExchangeId,
    /// The number of the presentation within the generation, from 1.
    pub number: PresentationNumber,
    /// The outcome; `None` while the intent is open.
    pub outcome: Option<Outcome>,
    /// Whether the unanswered request may still be on its way.
    pub travelling: bool,
    /// When the intent was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// The start of the process that made the presentation.
    pub holder: WorkerId,
    /// How many heartbeats that process has sent. `None` if it is marked as dead or unknown.
    pub holder_heartbeats: Option<i64>,
}

/// A row of the ledger for shops and operators: one presentation of the user's token.
#[derive(Clone, Debug)]
pub struct LedgerEntry {
    /// The id of the exchange.
    pub exchange: ExchangeId,
    /// The position of the row in the ledger.
    pub cursor: LedgerCursor,
    /// What the exchange is for.
    pub purpose: PurposeKind,
    /// The id of the order or keeper run.
    pub purpose_ref: Option<PurposeId>,
    /// The name of the process that made the presentation, if its row still exists.
    pub worker: Option<String>,
    /// When the intent was recorded.
    pub opened_at: DateTime<Utc>,
    /// When the intent was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// The outcome; `None` while the exchange is in flight.
    pub outcome: Option<Outcome>,
    /// What the exchange failed with, such as the status of the answer: `HTTP 503`.
    pub cause: Option<String>,
}

/// A position in the ledger of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerCursor {
    /// The generation that was presented.
    pub generation: i64,
    /// The number of the presentation of this generation, from 1.
    pub presentation: PresentationNumber,
}
