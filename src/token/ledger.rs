//! The ledger of a token: one row for each presentation.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{DeadReason, Outcome, PurposeKind, TokenState};

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
    pub place: LedgerCursor,
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
pub struct LedgerCursor {
    /// The generation that was presented.
    pub generation: i64,
    /// Which presentation of it, from 1.
    pub presentation: i64,
}
