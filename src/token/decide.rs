//! What may be done with a token, from its row and ledger alone; pure.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ClaimedToken, DeadReason, Outcome, Presentation, TokenState};
use crate::clock::delta;

/// A look at a held claim again: short, since an exchange is.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// The wait after an answer that was complete but useless: the request is over, nothing can overtake it.
pub(crate) const AFTER_USELESS_ANSWER: Duration = Duration::from_secs(1);
/// The first wait once two presentations in a row got no answer; it doubles with each further one.
const FIRST_BACK_OFF: Duration = Duration::from_mins(1);
const LONGEST_BACK_OFF: Duration = Duration::from_hours(4);

/// Why an order goes out without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// No token is known for the user.
    NotRegistered,
    /// The shopper must sign in again.
    ReauthRequired,
    /// An operator must decide.
    Uncertain,
    /// The token cannot be had at present, and waiting would not help.
    Unavailable,
}

/// The settings that a decision rests on, and what the judge has seen.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// `vault.replay_after`.
    pub replay_after: Duration,
    /// `vault.orphan_after`.
    pub orphan_after: Duration,
    /// How long the judge itself has had the database without a gap.
    pub observed: Duration,
}

/// What the keeper asks for: the token, if it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfDue {
    /// Its date has come by then.
    pub by: DateTime<Utc>,
    /// It was issued before the sweep began: what a sweep has refreshed it leaves alone, whatever `by` says.
    pub issued_before: DateTime<Utc>,
}

impl IfDue {
    fn holds(self, token: &ClaimedToken) -> bool {
        token.refresh_due_at.is_some_and(|due| due <= self.by)
            && token.issued_at.is_none_or(|issued| issued < self.issued_before)
    }
}

/// What to do under a claim.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// Present the token.
    Present {
        /// One more than the ledger holds for the generation.
        presentation: i64,
        /// What an `invalid_grant` would mean.
        if_dead: DeadReason,
    },
    /// An exchange is in flight, or the wait after one is not over.
    ComeBack(Duration),
    /// The holder of an open intent is known dead: nobody knows whether its request was processed.
    LostAnswer(Uuid),
    /// Nothing to present: it is due no longer.
    NotDue,
    /// Nothing to present.
    Unusable(Unusable),
}

/// What may be done with the token under its claim. `if_due` is the keeper's; an order wants the token whenever it comes.
#[must_use]
pub fn decide(token: &ClaimedToken, policy: Policy, if_due: Option<IfDue>) -> Decision {
    match token.state {
        TokenState::Active => {}
        TokenState::Forgotten => return Decision::Unusable(Unusable::NotRegistered),
        TokenState::ReauthRequired => return Decision::Unusable(Unusable::ReauthRequired),
        TokenState::Uncertain => return Decision::Unusable(Unusable::Uncertain),
    }
    if if_due.is_some_and(|if_due| !if_due.holds(token)) {
        return Decision::NotDue;
    }
    if let Some(open) = token.presentations.iter().find(|presentation| presentation.outcome.is_none()) {
        return if known_dead(open, policy) {
            Decision::LostAnswer(open.exchange)
        } else {
            Decision::ComeBack(LOOK_AGAIN)
        };
    }
    if let Some(wait) = wait_after_silence(token, policy) {
        return Decision::ComeBack(wait);
    }
    Decision::Present {
        presentation: token.presentations.first().map_or(1, |latest| latest.number + 1),
        if_dead: if token.answer_lost {
            DeadReason::AnswerLost
        } else if token.expires_at.is_some_and(|at| at <= token.now) {
            DeadReason::Expired
        } else {
            DeadReason::Rejected
        },
    }
}

/// Age alone proves nothing: a living holder may have the successor in memory, waiting for the database.
fn known_dead(open: &Presentation, policy: Policy) -> bool {
    open.holder_silent.is_none_or(|silent| silent >= policy.orphan_after && policy.observed >= policy.orphan_after)
}

/// How long an unanswered presentation still keeps the next one waiting.
fn wait_after_silence(token: &ClaimedToken, policy: Policy) -> Option<Duration> {
    // A request that never left says nothing of the endpoint.
    let mut sent = token.presentations.iter().filter(|presentation| presentation.outcome != Some(Outcome::NotSent));
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
