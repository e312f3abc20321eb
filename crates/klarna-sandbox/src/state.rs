//! The provider's grants: whose each token is, and what happens when it is presented. No I/O.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::clock::delta;
use crate::options::{Behaviour, Rotation};

/// The result of presenting a refresh token in a well-formed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Granted: the token is now spent, and the answer has a successor.
    Rotated,
    /// Granted: the token was already spent, and within the grace period the answer has the same
    /// successor again.
    Repeated,
    /// Granted: the provider does not rotate, so the token can be presented again.
    Unchanged,
    /// Refused: this sandbox never issued the token.
    Unknown,
    /// Refused: the token's lifetime is over.
    Expired,
    /// Refused: the user withdrew consent, or an earlier reuse revoked the tokens of this sign-in.
    Revoked,
    /// Refused: the token was already spent. This presentation revoked all tokens of its sign-in.
    Reused,
}

impl Outcome {
    /// Returns whether the answer has an access token.
    #[must_use]
    pub fn is_granted(self) -> bool {
        matches!(self, Self::Rotated | Self::Repeated | Self::Unchanged)
    }
}

/// Where a token belongs: its user, its sign-in, and how many rotations it came after the sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) user: Arc<str>,
    pub(super) family: usize,
    pub(super) generation: u64,
}

/// The result of a presentation.
#[derive(Debug)]
pub(super) struct Presentation {
    pub(super) outcome: Outcome,
    /// Where the token belongs; `None` if it was never issued.
    pub(super) holder: Option<Holder>,
    /// Whether the token had been spent before.
    pub(super) spent_before: bool,
    pub(super) tokens: Option<Tokens>,
}

/// The tokens in the answer of a granted presentation.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
}

/// What a create call needs to know about an access token.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) holder: Holder,
    /// Whether it is neither expired nor revoked.
    pub(super) good: bool,
}

/// All grants and all their tokens.
pub(super) struct Grants {
    rng: StdRng,
    families: Vec<Family>,
    by_user: HashMap<Arc<str>, Vec<usize>>,
    refresh: HashMap<String, RefreshToken>,
    access: HashMap<String, AccessToken>,
}

/// The tokens of one sign-in, which are revoked together (RFC 9700 section 4.14.2).
struct Family {
    user: Arc<str>,
    revoked: bool,
}

struct RefreshToken {
    family: usize,
    generation: u64,
    expires_at: DateTime<Utc>,
    spent: Option<Spent>,
}

struct Spent {
    at: DateTime<Utc>,
    successor: String,
}

struct AccessToken {
    family: usize,
    generation: u64,
    expires_at: DateTime<Utc>,
}

impl Grants {
    pub(super) fn new(rng: StdRng) -> Self {
        Self {
            rng,
            families: Vec::new(),
            by_user: HashMap::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
        }
    }

    /// Starts a new family for `user`, beside those of earlier sign-ins. Returns its first refresh
    /// token and where that belongs.
    pub(super) fn sign_in(&mut self, user: &str, terms: &Behaviour, at: DateTime<Utc>) -> (String, Holder) {
        let user: Arc<str> = match self.by_user.get_key_value(user) {
            Some((known, _)) => Arc::clone(known),
            None => user.into(),
        };
        let family = self.families.len();
        self.families.push(Family { user: Arc::clone(&user), revoked: false });
        self.by_user.entry(Arc::clone(&user)).or_default().push(family);
        let token = self.issue_refresh(family, 0, terms, at);
        (token, Holder { user, family, generation: 0 })
    }

    /// Withdraws the consent of `user`, as in Klarna's app. Returns how many families that ended.
    pub(super) fn revoke(&mut self, user: &str) -> usize {
        let mut ended = 0;
        for family in self.by_user.get(user).into_iter().flatten() {
            let family = &mut self.families[*family];
            ended += usize::from(!family.revoked);
            family.revoked = true;
        }
        ended
    }

    /// Revokes the sign-in of a refresh token or an access token, with all its tokens (RFC 7009
    /// section 2.1). Returns where the token belongs; `None` if it was never issued.
    pub(super) fn revoke_token(&mut self, token: &str) -> Option<Holder> {
        let refresh = self.refresh.get(token).map(|known| (known.family, known.generation));
        let access = || self.access.get(token).map(|known| (known.family, known.generation));
        let (family, generation) = refresh.or_else(access)?;
        self.families[family].revoked = true;
        Some(self.holder(family, generation))
    }

    /// Presents a refresh token (RFC 6749 section 6).
    pub(super) fn present(&mut self, token: &str, terms: &Behaviour, now: DateTime<Utc>) -> Presentation {
        let Some(known) = self.refresh.get(token) else {
            return Presentation {
                outcome: Outcome::Unknown,
                holder: None,
                spent_before: false,
                tokens: None,
            };
        };
        let spent_before = known.spent.is_some();
        let outcome = self.judge(known, terms, now);
        let (family, generation) = (known.family, known.generation);
        let repeated = known.spent.as_ref().map(|spent| spent.successor.clone());
        let holder = self.holder(family, generation);
        let tokens = match outcome {
            Outcome::Rotated => {
                let successor = self.issue_refresh(family, generation + 1, terms, now);
                if let Some(known) = self.refresh.get_mut(token) {
                    known.spent = Some(Spent { at: now, successor: successor.clone() });
                }
                Some((generation + 1, Some(successor)))
            }
            Outcome::Repeated => Some((generation + 1, repeated)),
            Outcome::Unchanged if terms.rotation == Rotation::Omitted => Some((generation, None)),
            Outcome::Unchanged => Some((generation, Some(token.to_owned()))),
            Outcome::Reused => {
                self.families[family].revoked = true;
                None
            }
            Outcome::Unknown | Outcome::Expired | Outcome::Revoked => None,
        };
        let tokens = tokens.map(|(generation, refresh)| Tokens {
            access: self.issue_access(family, generation, terms, now),
            refresh,
        });
        Presentation { outcome, holder: Some(holder), spent_before, tokens }
    }

    fn judge(&self, known: &RefreshToken, terms: &Behaviour, now: DateTime<Utc>) -> Outcome {
        if self.families[known.family].revoked {
            return Outcome::Revoked;
        }
        match &known.spent {
            Some(spent) if terms.rotation == Rotation::Grace && self.in_grace(spent, terms, now) => {
                Outcome::Repeated
            }
            Some(_) => Outcome::Reused,
            None if now >= known.expires_at => Outcome::Expired,
            None => match terms.rotation {
                Rotation::Strict | Rotation::Grace => Outcome::Rotated,
                Rotation::Idempotent | Rotation::Omitted => Outcome::Unchanged,
            },
        }
    }

    /// Returns whether a spent token may be answered with its successor again. Not if the successor
    /// is spent too: the client then had received it, so no answer was lost.
    fn in_grace(&self, spent: &Spent, terms: &Behaviour, now: DateTime<Utc>) -> bool {
        let unspent = self.refresh.get(&spent.successor).is_some_and(|successor| successor.spent.is_none());
        unspent && now - spent.at < delta(terms.grace_period)
    }

    /// Issues the first access token of a sign-in, whose refresh token is not spent by that.
    /// Returns where it belongs, and the access token.
    pub(super) fn first_access(
        &mut self,
        refresh_token: &str,
        terms: &Behaviour,
        now: DateTime<Utc>,
    ) -> Option<(Holder, String)> {
        let holder = self.holder_of(refresh_token)?;
        let access = self.issue_access(holder.family, holder.generation, terms, now);
        Some((holder, access))
    }

    /// Returns where an access token belongs, and whether it is good; `None` if it is unknown.
    pub(super) fn access(&self, token: &str, now: DateTime<Utc>) -> Option<Access> {
        let known = self.access.get(token)?;
        let good = now < known.expires_at && !self.families[known.family].revoked;
        Some(Access { holder: self.holder(known.family, known.generation), good })
    }

    /// Returns where the refresh token belongs; `None` if it was never issued.
    pub(super) fn holder_of(&self, token: &str) -> Option<Holder> {
        let known = self.refresh.get(token)?;
        Some(self.holder(known.family, known.generation))
    }

    pub(super) fn refresh_tokens(&self) -> impl Iterator<Item = &String> {
        self.refresh.keys()
    }

    pub(super) fn access_tokens(&self) -> impl Iterator<Item = &String> {
        self.access.keys()
    }

    /// Returns random bits for an id, from the same seed as the tokens.
    pub(super) fn random_id(&mut self) -> u128 {
        u128::from(self.rng.next_u64()) << 64 | u128::from(self.rng.next_u64())
    }

    fn holder(&self, family: usize, generation: u64) -> Holder {
        Holder { user: Arc::clone(&self.families[family].user), family, generation }
    }

    fn issue_refresh(
        &mut self,
        family: usize,
        generation: u64,
        terms: &Behaviour,
        at: DateTime<Utc>,
    ) -> String {
        let token = self.random_token("ory_rt_");
        let expires_at = later(at, terms.refresh_token_lifetime);
        self.refresh.insert(token.clone(), RefreshToken { family, generation, expires_at, spent: None });
        token
    }

    fn issue_access(
        &mut self,
        family: usize,
        generation: u64,
        terms: &Behaviour,
        at: DateTime<Utc>,
    ) -> String {
        let token = self.random_token("ory_at_");
        let expires_at = later(at, terms.access_token_lifetime);
        self.access.insert(token.clone(), AccessToken { family, generation, expires_at });
        token
    }

    fn random_token(&mut self, prefix: &str) -> String {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

fn later(at: DateTime<Utc>, by: std::time::Duration) -> DateTime<Utc> {
    at.checked_add_signed(delta(by)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn grants() -> Grants {
        Grants::new(StdRng::seed_from_u64(7))
    }

    fn terms(rotation: Rotation) -> Behaviour {
        Behaviour { rotation, ..Behaviour::default() }
    }

    fn refresh(presentation: Presentation) -> String {
        presentation.tokens.unwrap().refresh.unwrap()
    }

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn a_spent_token_revokes_its_family_and_no_other() {
        let (mut grants, terms) = (grants(), terms(Rotation::Strict));
        let (first, _) = grants.sign_in("u-1", &terms, START);
        let (other, _) = grants.sign_in("u-1", &terms, START);
        let granted = grants.present(&first, &terms, START).tokens.unwrap();
        assert!(grants.access(&granted.access, START).unwrap().good);

        assert_eq!(grants.present(&first, &terms, START).outcome, Outcome::Reused);
        assert_eq!(grants.present(&granted.refresh.unwrap(), &terms, START).outcome, Outcome::Revoked);
        assert!(!grants.access(&granted.access, START).unwrap().good);
        assert_eq!(grants.present(&other, &terms, START).outcome, Outcome::Rotated);
    }

    #[test]
    fn a_token_lives_until_its_last_moment() {
        let (mut grants, terms) = (grants(), terms(Rotation::Strict));
        let end = START + delta(terms.refresh_token_lifetime);
        let (first, _) = grants.sign_in("u-1", &terms, START);
        let (second, _) = grants.sign_in("u-2", &terms, START);
        assert_eq!(
            grants.present(&first, &terms, end - TimeDelta::microseconds(1)).outcome,
            Outcome::Rotated
        );
        assert_eq!(grants.present(&second, &terms, end).outcome, Outcome::Expired);
    }

    #[test]
    fn grace_gives_the_same_successor_back_until_it_is_spent_or_the_time_is_over() {
        let (mut grants, terms) = (grants(), terms(Rotation::Grace));
        let (first, _) = grants.sign_in("u-1", &terms, START);
        let second = refresh(grants.present(&first, &terms, START));
        let again = grants.present(&first, &terms, START);
        assert_eq!(again.outcome, Outcome::Repeated);
        assert_eq!(refresh(again), second);
        let third = refresh(grants.present(&second, &terms, START));
        assert_eq!(grants.present(&first, &terms, START).outcome, Outcome::Reused);
        assert_eq!(grants.present(&third, &terms, START).outcome, Outcome::Revoked);

        let (late, _) = grants.sign_in("u-2", &terms, START);
        grants.present(&late, &terms, START);
        assert_eq!(grants.present(&late, &terms, START + delta(terms.grace_period)).outcome, Outcome::Reused);
    }

    #[test]
    fn a_provider_that_does_not_rotate_takes_the_same_token_for_ever() {
        let mut grants = grants();
        let (token, _) = grants.sign_in("u-1", &terms(Rotation::Idempotent), START);
        for _ in 0..3 {
            assert_eq!(refresh(grants.present(&token, &terms(Rotation::Idempotent), START)), token);
        }
        assert!(grants.present(&token, &terms(Rotation::Omitted), START).tokens.unwrap().refresh.is_none());
    }

    proptest! {
        /// Tokens are presented in any order. Each is rotated at most once, only the newest one is
        /// granted, and none is granted after a spent one was presented.
        #[test]
        fn strict_families_grant_each_token_once(picks in prop::collection::vec(0usize..6, 1..40)) {
            let (mut grants, terms) = (grants(), terms(Rotation::Strict));
            let mut chain = vec![grants.sign_in("u-1", &terms, START).0];
            let mut dead = false;
            for pick in picks {
                let index = pick.min(chain.len() - 1);
                let seen = grants.present(&chain[index], &terms, START);
                let newest = index == chain.len() - 1;
                let expected = match (dead, newest) {
                    (true, _) => Outcome::Revoked,
                    (false, true) => Outcome::Rotated,
                    (false, false) => Outcome::Reused,
                };
                prop_assert_eq!(seen.outcome, expected);
                prop_assert_eq!(seen.tokens.is_some(), expected == Outcome::Rotated);
                dead |= expected == Outcome::Reused;
                chain.extend(seen.tokens.and_then(|tokens| tokens.refresh));
            }
        }
    }
}
