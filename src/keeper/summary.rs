//! The result of a sweep, for each token and in sums.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::store::DueToken;
use crate::token::Note;

/// The result for one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshOutcome {
    /// Klarna issued a new refresh token, and it is stored.
    Refreshed,
    /// The token was not due any more: an order refreshed it first, or the provider does not
    /// rotate.
    AlreadyFresh,
    /// Klarna rejected the token: the user has to sign in again.
    NeedsSignIn,
    /// The exchange failed or was not possible; the token got a later due date.
    Failed(Note),
    /// Skipped: another exchange of the token is in flight, or its wait is not over.
    InUse,
    /// Skipped: the circuit breaker of the merchant's token endpoint is open.
    BreakerOpen,
    /// Skipped: an operator has paused the merchant's sweeps or exchanges.
    Paused,
    /// Skipped: the merchant is not in the settings.
    UnknownMerchant,
    /// Not refreshed: the user has not been seen for `keeper.stop_after_idle`.
    Idle,
}

impl RefreshOutcome {
    /// The value of the label `result` in metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Refreshed => "refreshed",
            Self::AlreadyFresh => "already_fresh",
            Self::NeedsSignIn => "needs_sign_in",
            Self::Failed(_) => "failed",
            Self::InUse => "in_use",
            Self::BreakerOpen => "breaker_open",
            Self::Paused => "paused",
            Self::UnknownMerchant => "unknown_merchant",
            Self::Idle => "idle",
        }
    }
}

/// A token and its result.
#[derive(Clone, Debug)]
pub struct TokenReport {
    /// The token before the sweep.
    pub token: DueToken,
    /// Its result.
    pub outcome: RefreshOutcome,
}

/// How many tokens of a sweep had which result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// New refresh tokens stored.
    pub refreshed: u64,
    /// Tokens that were not due any more.
    pub already_fresh: u64,
    /// Tokens that Klarna rejected.
    pub needs_sign_in: u64,
    /// Failed tokens that will be tried again, by reason.
    pub failed: BTreeMap<&'static str, u64>,
    /// Tokens in use by another exchange.
    pub in_use: u64,
    /// Tokens skipped because of an open circuit breaker.
    pub breaker_open: u64,
    /// Tokens skipped because an operator has paused their merchant.
    pub paused: u64,
    /// Tokens of merchants that are not in the settings.
    pub unknown_merchant: u64,
    /// Tokens of idle users, which are not refreshed.
    pub idle: u64,
    /// Tokens forgotten because their users have not been seen for `keeper.forget_after_idle`.
    pub forgotten: u64,
    /// Whether the sweep was interrupted.
    pub interrupted: bool,
}

impl Summary {
    pub(super) fn count(&mut self, outcome: RefreshOutcome) {
        *match outcome {
            RefreshOutcome::Refreshed => &mut self.refreshed,
            RefreshOutcome::AlreadyFresh => &mut self.already_fresh,
            RefreshOutcome::NeedsSignIn => &mut self.needs_sign_in,
            RefreshOutcome::Failed(note) => self.failed.entry(note.as_str()).or_default(),
            RefreshOutcome::InUse => &mut self.in_use,
            RefreshOutcome::BreakerOpen => &mut self.breaker_open,
            RefreshOutcome::Paused => &mut self.paused,
            RefreshOutcome::UnknownMerchant => &mut self.unknown_merchant,
            RefreshOutcome::Idle => &mut self.idle,
        } += 1;
    }

    /// Resets the counts of skipped tokens, which the walk looks at again from the front.
    pub(super) fn begin_again(&mut self) {
        (self.in_use, self.breaker_open) = (0, 0);
        (self.paused, self.unknown_merchant) = (0, 0);
    }

    /// Whether nothing failed that an operator can repair. Rejected tokens do not count: only a
    /// sign-in helps. Paused merchants do not count either: an operator wanted it so.
    #[must_use]
    pub fn all_well(&self) -> bool {
        self.failed.is_empty() && self.breaker_open == 0 && self.unknown_merchant == 0 && !self.interrupted
    }
}
