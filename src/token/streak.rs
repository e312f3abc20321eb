//! Detects when too many tokens of a merchant are rejected in a row.
//!
//! With a wrong address or client id, a provider answers `invalid_grant` to every token (RFC 6749
//! section 5.2), as if every user had withdrawn consent. So a streak of rejections that is too long
//! for chance says nothing about the tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::ids::TokenId;

/// How many of a merchant's latest answers are examined.
pub const LATEST: usize = 1_012;
/// How many answers before the streak count for the usual share of rejections.
const USUAL: usize = 1_000;
/// The fewest and the most rejections in a row that stop a merchant.
const SHORTEST: u32 = 3;
const LONGEST: u32 = 12;
/// The usual share of rejections counts as at least this much.
const LEAST_SHARE: f64 = 0.01;
/// The usual share is smoothed with this many answers that have the least share.
const SMOOTHING: f64 = 100.0;
/// A streak is too long if chance alone makes it with this probability or less.
const CHANCE: f64 = 1e-6;

/// The first and the longest pause between two probes while a merchant is stopped.
const FIRST_PAUSE: Duration = Duration::from_mins(5);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Returns how long a stopped merchant waits after this many probes.
#[must_use]
pub fn probe_pause(probes: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << probes.min(8)).min(LONGEST_PAUSE)
}

/// One answer of the token endpoint to a presented refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderAnswer {
    /// The token that was presented.
    pub token: TokenId,
    /// Whether it was rejected; otherwise the exchange succeeded.
    pub rejected: bool,
}

/// The latest rejections of a merchant, with no success in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streak {
    /// How many different users' tokens were rejected.
    pub length: u32,
    /// The length at which the merchant is stopped.
    pub threshold: u32,
}

impl Streak {
    /// Reads a merchant's latest answers, newest first.
    #[must_use]
    pub fn of(answers: &[ProviderAnswer]) -> Self {
        let rejections = answers.iter().take_while(|answer| answer.rejected).count();
        let (streak, before) = answers.split_at(rejections);
        let before = &before[..before.len().min(USUAL)];
        let users: BTreeSet<TokenId> = streak.iter().map(|answer| answer.token).collect();
        let rejected = before.iter().filter(|answer| answer.rejected).count();
        Self {
            length: u32::try_from(users.len()).unwrap_or(u32::MAX),
            threshold: threshold(rejected, before.len()),
        }
    }

    /// Returns whether the streak is too long for chance.
    #[must_use]
    pub fn is_suspicious(self) -> bool {
        self.length >= self.threshold
    }
}

/// The shortest streak that chance makes with a probability of 10⁻⁶ or less, if each answer is a
/// rejection with the usual share: 3 where almost none is rejected, 5 at 5 %, 9 at 20 %.
fn threshold(rejected: usize, answered: usize) -> u32 {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let share = (count(rejected) + LEAST_SHARE * SMOOTHING) / (count(answered) + SMOOTHING);
    let share = share.max(LEAST_SHARE);
    let too_long =
        |length: u32| share.powi(i32::try_from(length).unwrap_or(i32::MAX)) <= CHANCE * (1.0 + 1e-9);
    (SHORTEST..LONGEST).find(|length| too_long(*length)).unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(rejected: &[i64], before: &[bool]) -> Vec<ProviderAnswer> {
        let streak = rejected.iter().map(|token| ProviderAnswer { token: TokenId(*token), rejected: true });
        let before =
            before.iter().map(|rejected| ProviderAnswer { token: TokenId(1_000), rejected: *rejected });
        streak.chain(before).collect()
    }

    #[test]
    fn the_threshold_follows_the_usual_share() {
        let at = |percent: usize| threshold(percent * 10, 1_000);
        assert_eq!([at(0), at(1), at(5), at(20), at(50), at(100)], [3, 3, 5, 9, 12, 12]);
        assert_eq!([threshold(0, 0), threshold(1, 1), threshold(3, 3)], [3, 4, 5]);
    }

    #[test]
    fn probes_become_rarer() {
        assert_eq!([0, 1, 3, 4, 99].map(|probes| probe_pause(probes).as_secs() / 60), [5, 10, 40, 60, 60]);
    }

    #[test]
    fn different_users_in_a_row_count_and_a_success_ends_the_streak() {
        let streak = |rejected: &[i64], before: &[bool]| Streak::of(&answers(rejected, before));
        assert_eq!(streak(&[], &[]), Streak { length: 0, threshold: 3 });
        assert_eq!(streak(&[1, 1, 1, 2], &[false]).length, 2);
        assert!(!streak(&[1, 2], &[false, true, true]).is_suspicious());
        assert!(streak(&[1, 2, 3], &[false]).is_suspicious());
        // Its own rejections are not the usual share.
        assert!(streak(&[1, 2, 3, 4], &[]).is_suspicious());
        // A keeper that refreshes 23 tokens a second stops by chance less than once a year.
        let one_in_five: Vec<bool> = (0..2_000).map(|n| n % 5 == 1).collect();
        assert_eq!(streak(&[1, 2, 3, 4, 5, 6, 7, 8], &one_in_five), Streak { length: 8, threshold: 9 });
    }
}
