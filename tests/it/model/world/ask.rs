//! Whether a token may be presented, and the answer to the caller if not.

use klarna_order_worker::token::{DeadReason, Outcome, TokenState};

use super::{
    AccessRequest, Cached, CachedFor, Entry, Flight, KEPT_FOR, POLL_INTERVAL, REPLAY_AFTER, SLOWEST, Session,
    World, seconds,
};
use crate::model::step::ExchangeFor;

impl World {
    pub fn ask(&mut self, process: usize, user: usize, purpose: ExchangeFor, refused: bool) -> AccessRequest {
        let in_flight = self.flights.iter().filter(|flight| flight.process == process).count();
        if !self.alive(process) || self.processes[process].failures + in_flight >= 4 {
            return AccessRequest::Nothing;
        }
        // A third one would wait for a permit.
        let swept = |flight: &&Flight| flight.process == process && flight.purpose == ExchangeFor::Keeper;
        if purpose == ExchangeFor::Keeper && self.flights.iter().filter(swept).count() == 2 {
            return AccessRequest::Nothing;
        }
        let record = &self.users[user];
        if let ExchangeFor::Order(order) = purpose
            && let Some(cached) = record.cached.get(&CachedFor::Order(order))
        {
            let age = self.now - cached.asked_at;
            if age <= KEPT_FOR {
                self.seen.insert("cached");
                return AccessRequest::Answered(cached.access.clone());
            }
            // It may be valid for longer, by as long as its answer took.
            if age <= KEPT_FOR + 1 + SLOWEST {
                return AccessRequest::Nothing;
            }
        }
        if let ExchangeFor::Vend { min_validity } = purpose
            && let Some(given) = self.newest_cached(user, min_validity)
        {
            return given;
        }
        let told = |text: &str| AccessRequest::Answered(text.to_owned());
        if self.flights.iter().any(|f| f.process == process && f.user == user) {
            return told(POLL_INTERVAL);
        }
        if self.processes[process].session != Session::Works {
            self.begin(process);
        }
        if self.users[user].row.is_none() {
            return told("NotRegistered");
        }
        if self.flights.iter().any(|flight| flight.user == user && flight.locked) {
            return told(POLL_INTERVAL);
        }
        let asked = self.under_claim(process, user, purpose, refused);
        if !matches!(asked, AccessRequest::Presented(_)) {
            // The claim is released, which ends the transaction.
            self.begin(process);
        }
        asked
    }

    /// Returns what a vend gets without an exchange: the access token of the user's present grant
    /// that arrived last, if it stays valid for long enough.
    fn newest_cached(&mut self, user: usize, min_validity: u64) -> Option<AccessRequest> {
        let record = &self.users[user];
        let row = record.row.as_ref()?;
        if !matches!(row.state, TokenState::Active | TokenState::Uncertain) {
            return None;
        }
        let of_grant = |cached: &&Cached| cached.grant_generation == row.grant_generation;
        let of_grant = || record.cached.values().filter(of_grant);
        let newest = of_grant().map(|cached| cached.asked_at).max()?;
        // An access token is valid for 299.5 s from its arrival.
        let needed = self.now - newest + min_validity;
        if needed >= 300 {
            self.seen.insert("too short");
            return (needed <= 300 + SLOWEST).then_some(AccessRequest::Nothing);
        }
        let last = of_grant().filter(|cached| cached.asked_at + SLOWEST >= newest);
        let last = last.map(|cached| cached.access.clone()).collect();
        self.seen.insert("given");
        Some(AccessRequest::Given(last))
    }

    fn under_claim(
        &mut self,
        process: usize,
        user: usize,
        purpose: ExchangeFor,
        refused: bool,
    ) -> AccessRequest {
        let told = |text: &str| AccessRequest::Answered(text.to_owned());
        let record = &self.users[user];
        let row = record.row.as_ref().expect("a claim has a row");
        match row.state {
            TokenState::Forgotten => return told("NotRegistered"),
            TokenState::ReauthRequired => return told("ReauthRequired"),
            TokenState::Uncertain => return told("Uncertain"),
            TokenState::Active => {}
        }
        if purpose == ExchangeFor::Keeper && !row.dated {
            self.seen.insert("not due");
            return told("NotDue");
        }
        let of_generation = |entry: &&Entry| entry.generation == row.generation;
        if let Some(open) =
            record.ledger.iter().position(|e| e.generation == row.generation && e.outcome.is_none())
        {
            if !self.known_dead(process, record.ledger[open].holder) {
                return told(POLL_INTERVAL);
            }
            let row = (user, row.generation);
            self.seen.insert("an orphan");
            self.no_answer(row, open, true);
            return if self.hold {
                told("Uncertain")
            } else {
                AccessRequest::Answered(seconds(REPLAY_AFTER))
            };
        }
        let wait = self.wait_after_silence(record.ledger.iter().filter(of_generation));
        if wait > 0 {
            return AccessRequest::Answered(seconds(wait));
        }
        let token = row.token.expect("an active row has a token");
        let since_sign_in = |entry: &&Entry| entry.generation >= row.grant_generation;
        let lost =
            record.ledger.iter().filter(since_sign_in).any(|entry| entry.outcome == Some(Outcome::NoAnswer));
        let if_dead = match (lost, row.expires_at <= self.now) {
            (true, _) => DeadReason::AnswerLost,
            (false, true) => DeadReason::Expired,
            (false, false) => DeadReason::Rejected,
        };
        let generation = row.generation;
        let number = record.ledger.iter().rfind(of_generation).map_or(1, |latest| latest.number + 1);
        let holder = self.processes[process].start;
        if self.ended[holder] {
            self.seen.insert("an intent refused to who is thought dead");
            return told(POLL_INTERVAL);
        }
        let outcome = refused.then_some(Outcome::NotSent);
        let entry = Entry { generation, number, outcome, travelling: false, closed_at: self.now, holder };
        self.users[user].ledger.push(entry);
        if refused {
            return told(POLL_INTERVAL);
        }
        let entry = self.users[user].ledger.len() - 1;
        let (asked_at, locked) = (self.now, self.locks);
        let flight = Flight { process, user, purpose, generation, token, entry, if_dead, asked_at, locked };
        self.flights.push(flight);
        AccessRequest::Presented(token)
    }

    fn wait_after_silence<'a>(&self, entries: impl DoubleEndedIterator<Item = &'a Entry>) -> u64 {
        let silent: Vec<&Entry> = entries
            .rev()
            .filter(|entry| entry.outcome != Some(Outcome::NotSent))
            .take_while(|entry| entry.outcome == Some(Outcome::NoAnswer))
            .collect();
        let Some(latest) = silent.first() else { return 0 };
        let least = if latest.travelling { REPLAY_AFTER } else { 1 };
        let wait = match silent.len() {
            1 => least,
            row => least.max((60 << (row - 2).min(16)).min(4 * 60 * 60)),
        };
        (latest.closed_at + wait).saturating_sub(self.now)
    }

    /// Checks that nothing was presented that must not be.
    pub fn check_request(&self) -> Result<(), String> {
        let (flight, others) = self.flights.split_last().expect("one is in flight");
        let ledger = &self.users[flight.user].ledger;
        let same_generation = |entry: &&Entry| entry.generation == flight.generation;
        let unanswered = |entry: &Entry| entry.outcome == Some(Outcome::NoAnswer);
        if self.provider.spent(flight.token) && !ledger.iter().filter(same_generation).any(unanswered) {
            return Err(format!("{:?} is spent, and no answer was lost", flight.token));
        }
        let declared_lost = |other: &Flight| ledger[other.entry].outcome == Some(Outcome::NoAnswer);
        if others.iter().any(|other| other.token == flight.token && !declared_lost(other)) {
            return Err(format!("{:?} is in flight twice", flight.token));
        }
        Ok(())
    }
}
