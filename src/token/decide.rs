//! Decides what may be done with a token, from its row and ledger alone. Pure.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{ClaimedToken, DeadReason, Outcome, Presentation, TokenState};
use crate::clock::delta;
use crate::ids::{ExchangeId, PresentationNumber, Provider};

/// How long to wait if another process holds the claim. Short, because an exchange is short.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The wait after a complete but useless answer. The request is over, so no replay can arrive
/// before it.
pub(crate) const AFTER_USELESS_ANSWER: Duration = Duration::from_secs(1);
/// The first wait after two presentations in a row without an answer. It doubles with each further
/// one.
const FIRST_BACK_OFF: Duration = Duration::from_mins(1);
const LONGEST_BACK_OFF: Duration = Duration::from_hours(4);

/// Why an order is submitted without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The service has no token for the user.
    NotRegistered,
    /// The shopper must sign in again.
    ReauthRequired,
    /// An operator has to decide.
    Uncertain,
    /// No access token is available now, and waiting would not help.
    Unavailable,
}

/// The settings for a decision, and what this process has watched.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The setting `vault.replay_after`.
    pub replay_after: Duration,
    /// The setting `vault.orphan_after`.
    pub orphan_after: Duration,
    /// How long this process has watched the holder of the token's open intent be silent. Zero if
    /// no intent is open.
    pub holder_silent: Duration,
    /// The provider that the settings name.
    pub provider: Provider,
}

/// The keeper's condition: exchange the token only if it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfDue {
    /// The latest due date that counts as due.
    pub by: DateTime<Utc>,
    /// The beginning of the sweep. A token that was issued later is not due, so that a sweep never
    /// refreshes a token twice, whatever `by` is.
    pub issued_before: DateTime<Utc>,
}

impl IfDue {
    fn holds(self, token: &ClaimedToken) -> bool {
        token.refresh_due_at.is_some_and(|due| due <= self.by)
            && token.issued_at.is_none_or(|issued| issued < self.issued_before)
    }
}

/// What to do after the claim.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// Present the token.
    Present {
        /// The number of this presentation: one more than the ledger has for this generation.
        presentation: PresentationNumber,
        /// The reason to record if the answer is `invalid_grant`.
        if_dead: DeadReason,
    },
    /// Too many tokens of the merchant were rejected in a row: the next probe may be sent after
    /// this time.
    Stopped(Duration),
    /// An exchange is in flight, or the wait after one is not over.
    ComeBack(Duration),
    /// The process of an open intent is known to be dead, so nobody knows whether its request was
    /// processed.
    LostAnswer(ExchangeId),
    /// Do nothing: the token is not due any more.
    NotDue,
    /// Do nothing: this provider issued the token, and the settings name another one.
    OtherProvider(Provider),
    /// There is no token to present.
    Unusable(Unusable),
}

/// Decides what to do with a token after its claim. `if_due` is the keeper's condition; an order
/// has none.
#[must_use]
pub fn decide(token: &ClaimedToken, policy: Policy, if_due: Option<IfDue>) -> Decision {
    match token.state {
        TokenState::Active => {}
        TokenState::Forgotten => return Decision::Unusable(Unusable::NotRegistered),
        TokenState::ReauthRequired => return Decision::Unusable(Unusable::ReauthRequired),
        TokenState::Uncertain => return Decision::Unusable(Unusable::Uncertain),
    }
    if let Some(other) = token.provider.filter(|provider| *provider != policy.provider) {
        return Decision::OtherProvider(other);
    }
    if if_due.is_some_and(|if_due| !if_due.holds(token)) {
        return Decision::NotDue;
    }
    if let Some(wait) = token.standing.stop.and_then(|stop| (stop.probe_at - token.now).to_std().ok())
        && !wait.is_zero()
    {
        return Decision::Stopped(wait);
    }
    if let Some(open) = token.open_intent() {
        return if known_dead(open, policy) {
            Decision::LostAnswer(open.exchange)
        } else {
            Decision::ComeBack(POLL_INTERVAL)
        };
    }
    if let Some(wait) = wait_after_silence(token, policy) {
        return Decision::ComeBack(wait);
    }
    Decision::Present {
        presentation: token.presentations.first().map_or(PresentationNumber::FIRST, |it| it.number.next()),
        if_dead: if token.answer_lost {
            DeadReason::AnswerLost
        } else if token.expires_at.is_some_and(|at| at <= token.now) {
            DeadReason::Expired
        } else {
            DeadReason::Rejected
        },
    }
}

/// Returns whether the process of an open intent is known to be dead. The intent's age alone proves
/// nothing: a living process may have the successor in memory and wait for the database.
fn known_dead(open: &Presentation, policy: Policy) -> bool {
    open.holder_heartbeats.is_none() || policy.holder_silent >= policy.orphan_after
}

/// Returns how long the next presentation must still wait after one without an answer.
fn wait_after_silence(token: &ClaimedToken, policy: Policy) -> Option<Duration> {
    // A request that was never sent says nothing about the endpoint.
    let mut sent =
        token.presentations.iter().filter(|presentation| presentation.outcome != Some(Outcome::NotSent));
    let latest = sent.next().filter(|latest| latest.outcome == Some(Outcome::NoAnswer))?;
    let in_a_row = 1 + sent.take_while(|earlier| earlier.outcome == Some(Outcome::NoAnswer)).count();
    let least = if latest.travelling { policy.replay_after } else { AFTER_USELESS_ANSWER };
    let wait = match u32::try_from(in_a_row).unwrap_or(u32::MAX).checked_sub(2) {
        None => least,
        Some(doublings) => {
            let factor = 1_u32.checked_shl(doublings.min(16)).unwrap_or(u32::MAX);
            least.max(FIRST_BACK_OFF.saturating_mul(factor).min(LONGEST_BACK_OFF))
        }
    };
    let left = latest.closed_at? + delta(wait) - token.now;
    left.to_std().ok().filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests;
