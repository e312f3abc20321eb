//! The ledger of refresh tokens: when each was issued, presented and rotated, and whether it is
//! lost. It contains no token.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::admin::Admin;
use crate::faults::Failure;
use crate::state::Outcome;
use crate::stats::{Event, Recognition, TokenKey, What};

/// All sign-ins with their refresh tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The sums of all grants shown.
    pub sums: LedgerSums,
    /// The sign-ins, in order.
    pub grants: Vec<Grant>,
}

/// Counts of refresh tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerSums {
    /// Tokens issued, by sign-ins and by rotations.
    pub issued: u64,
    /// Presentations.
    pub presented: u64,
    /// Tokens that were exchanged for a successor.
    pub rotated: u64,
    /// Presentations of a token that was already spent.
    pub spent_presented: u64,
    /// Tokens that no client can have: see [`Fate::Lost`].
    pub lost: u64,
}

/// The tokens of one sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The user.
    pub user: String,
    /// The number of the sign-in, counted over all users from 0.
    pub family: usize,
    /// When the sign-in ended: consent was withdrawn, a token was revoked, or a spent one was
    /// presented.
    pub ended_at: Option<DateTime<Utc>>,
    /// Its tokens, in the order in which they were issued.
    pub tokens: Vec<LedgerToken>,
}

/// One refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerToken {
    /// How many rotations it came after the sign-in.
    pub generation: u64,
    /// When it was issued, by the sandbox's clock.
    pub issued_at: DateTime<Utc>,
    /// How often it was presented.
    pub presented: u64,
    /// How many of these presentations came after it was spent.
    pub spent_presented: u64,
    /// When it was exchanged for its successor.
    pub rotated_at: Option<DateTime<Utc>>,
    /// What has become of it.
    pub fate: Fate,
}

/// What has become of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It can be presented, as far as its sign-in is concerned. The ledger does not look at its
    /// lifetime.
    Good,
    /// It was exchanged for a successor.
    Spent,
    /// Its sign-in has ended.
    Revoked,
    /// It was issued, but every answer with it was cut, damaged or never sent, or its client had
    /// closed the connection; and nobody has presented it.
    Lost,
}

/// A grant while its events are read.
struct Reading {
    grant: Grant,
    /// Whether an answer with the newest token has arrived.
    arrived: bool,
}

impl Reading {
    fn newest(&mut self) -> Option<&mut LedgerToken> {
        self.grant.tokens.last_mut()
    }

    /// Reads a presentation. `lost` says whether its answer did not reach the client.
    fn presented(&mut self, event: &Event, generation: u64, outcome: Option<Outcome>, lost: bool) {
        let at = event.at;
        if self.newest().is_some_and(|newest| newest.generation == generation) {
            self.arrived = true;
        }
        if let Some(token) = self.grant.tokens.iter_mut().find(|token| token.generation == generation) {
            token.presented += 1;
            token.spent_presented += u64::from(token.rotated_at.is_some());
        }
        match outcome {
            Some(Outcome::Rotated) => {
                if let Some(token) = self.newest() {
                    token.rotated_at = Some(at);
                }
                self.grant.tokens.push(token(generation + 1, at));
                self.arrived = !lost;
            }
            Some(Outcome::Repeated) => self.arrived |= !lost,
            Some(Outcome::Reused) => {
                self.grant.ended_at.get_or_insert(at);
            }
            Some(Outcome::Unchanged | Outcome::Unknown | Outcome::Expired | Outcome::Revoked) | None => {}
        }
    }

    fn closed(mut self) -> Grant {
        let (arrived, ended) = (self.arrived, self.grant.ended_at.is_some());
        for token in &mut self.grant.tokens {
            token.fate = match token.rotated_at {
                Some(_) => Fate::Spent,
                None if !arrived => Fate::Lost,
                None if ended => Fate::Revoked,
                None => Fate::Good,
            };
        }
        self.grant
    }
}

fn token(generation: u64, issued_at: DateTime<Utc>) -> LedgerToken {
    LedgerToken {
        generation,
        issued_at,
        presented: 0,
        spent_presented: 0,
        rotated_at: None,
        fate: Fate::Good,
    }
}

/// Draws the ledger of one user, or of all, from the events. `left` has the tokens whose presenters
/// did not wait for the answer.
fn ledger(events: &[Event], left: &HashSet<TokenKey>, user: Option<&str>) -> Ledger {
    let mut readings: BTreeMap<usize, Reading> = BTreeMap::new();
    for event in events {
        let Some(holder) = event.user.as_deref() else { continue };
        if user.is_some_and(|user| user != holder) {
            continue;
        }
        match (&event.what, event.family.zip(event.generation)) {
            (What::SignedIn, Some((family, generation))) => {
                let tokens = vec![token(generation, event.at)];
                let grant = Grant { user: holder.to_owned(), family, ended_at: None, tokens };
                readings.insert(family, Reading { grant, arrived: true });
            }
            (What::Presented { outcome, fault, .. }, Some((family, generation))) => {
                let lost = fault.is_some_and(Failure::loses_answer)
                    || left.contains(&TokenKey { family, generation });
                if let Some(reading) = readings.get_mut(&family) {
                    reading.presented(event, generation, *outcome, lost);
                }
            }
            (What::Revoked, of) => {
                for (family, Reading { grant, .. }) in &mut readings {
                    if grant.user == holder && of.is_none_or(|(revoked, _)| revoked == *family) {
                        grant.ended_at.get_or_insert(event.at);
                    }
                }
            }
            _ => {}
        }
    }
    let grants: Vec<Grant> = readings.into_values().map(Reading::closed).collect();
    let sum = |count: fn(&LedgerToken) -> u64| grants.iter().flat_map(|grant| &grant.tokens).map(count).sum();
    let sums = LedgerSums {
        issued: sum(|_| 1),
        presented: sum(|token| token.presented),
        rotated: sum(|token| u64::from(token.rotated_at.is_some())),
        spent_presented: sum(|token| token.spent_presented),
        lost: sum(|token| u64::from(token.fate == Fate::Lost)),
    };
    Ledger { sums, grants }
}

/// An order or session that was created.
pub(crate) struct Created {
    /// The `merchant_reference1` of its present body.
    pub(crate) reference: Option<String>,
    /// Whether Klarna recognised the shopper.
    pub(crate) recognition: Recognition,
}

impl Admin {
    /// Returns the ledger of one user, or of all. Empty if the sandbox keeps no record.
    #[must_use]
    pub fn ledger(&self, user: Option<&str>) -> Ledger {
        let world = self.0.world();
        ledger(&world.recorder.events, &world.recorder.left, user)
    }

    /// Forgets the requested failures that have not taken effect.
    pub fn forget_failures(&self) {
        self.0.world().script.requested.clear();
    }

    /// Returns the orders and sessions that were created, in order.
    pub(crate) fn created(&self) -> Vec<Created> {
        let world = self.0.world();
        let created = world.recorder.events.iter().filter_map(|event| match &event.what {
            What::Order { order_id, recognition, .. } => {
                let body = world.orders.get(order_id).map(|order| &order.body);
                let body = body.or_else(|| world.sessions.get(order_id).map(|session| &session.order));
                let reference = body.and_then(|body| body["merchant_reference1"].as_str());
                Some(Created { reference: reference.map(str::to_owned), recognition: *recognition })
            }
            _ => None,
        });
        created.collect()
    }
}
