//! What a sweep came to.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::store::DueToken;
use crate::token::Note;

/// What became of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshOutcome {
    /// A successor is stored.
    Refreshed,
    /// It was fresh already: an order was faster, or the provider does not rotate.
    AlreadyFresh,
    /// It is dead: the shopper must sign in again.
    NeedsSignIn,
    /// It was presented, or could not be, and gets a next time.
    Failed(Note),
    /// An exchange is in flight, or the wait after one is not over.
    Left,
    /// The merchant's endpoint is left alone at present.
    Held,
    /// The settings have no such merchant.
    UnknownMerchant,
    /// Its user has not been seen for `keeper.stop_after_idle`.
    Idle,
}

impl RefreshOutcome {
    /// The word for it in metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Refreshed => "refreshed",
            Self::AlreadyFresh => "already_fresh",
            Self::NeedsSignIn => "needs_sign_in",
            Self::Failed(_) => "failed",
            Self::Left => "left",
            Self::Held => "held",
            Self::UnknownMerchant => "unknown_merchant",
            Self::Idle => "idle",
        }
    }
}

/// What became of which token.
#[derive(Clone, Debug)]
pub struct TokenReport {
    /// The token as it was.
    pub token: DueToken,
    /// What became of it.
    pub outcome: RefreshOutcome,
}

/// The sums of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Successors stored.
    pub refreshed: u64,
    /// Due no longer.
    pub already_fresh: u64,
    /// Found dead.
    pub needs_sign_in: u64,
    /// To be tried again, by reason.
    pub failed: BTreeMap<&'static str, u64>,
    /// In somebody else's hands.
    pub left: u64,
    /// Kept back for merchants whose endpoint is left alone.
    pub held: u64,
    /// Of merchants that the settings do not have.
    pub unknown_merchant: u64,
    /// Let lapse.
    pub idle: u64,
    /// Forgotten, their users not having been seen for `keeper.forget_after_idle`.
    pub forgotten: u64,
    /// Whether it was ended before its end.
    pub cut_off: bool,
}

impl Summary {
    pub(super) fn count(&mut self, outcome: RefreshOutcome) {
        *match outcome {
            RefreshOutcome::Refreshed => &mut self.refreshed,
            RefreshOutcome::AlreadyFresh => &mut self.already_fresh,
            RefreshOutcome::NeedsSignIn => &mut self.needs_sign_in,
            RefreshOutcome::Failed(note) => self.failed.entry(note.as_str()).or_default(),
            RefreshOutcome::Left => &mut self.left,
            RefreshOutcome::Held => &mut self.held,
            RefreshOutcome::UnknownMerchant => &mut self.unknown_merchant,
            RefreshOutcome::Idle => &mut self.idle,
        } += 1;
    }

    /// What is looked at once more is counted once.
    pub(super) fn begin_again(&mut self) {
        (self.left, self.held, self.unknown_merchant) = (0, 0, 0);
    }

    /// Whether nothing is left that an operator can mend: dead tokens are their users' affair.
    #[must_use]
    pub fn all_well(&self) -> bool {
        self.failed.is_empty() && self.held == 0 && self.unknown_merchant == 0 && !self.cut_off
    }
}
