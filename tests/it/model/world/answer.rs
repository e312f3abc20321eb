//! What an answer of the endpoint changes in the row, the ledger and memory.

use klarna_order_worker::token::{Outcome, TokenState};

use super::{
    Cached, CachedFor, Flight, POLL_INTERVAL, REPLAY_AFTER, ReceivedSuccessor, Reply, Session, World, seconds,
};
use crate::model::provider::{Answer, Token};
use crate::model::step::{EndpointAnswer, ExchangeFor, StoreResult};

impl World {
    /// Applies an answer. Returns what the endpoint sends, and the expected answer to the caller.
    pub fn answer(
        &mut self,
        which: usize,
        how: EndpointAnswer,
        storing: StoreResult,
    ) -> (Flight, Reply, String, StoreResult) {
        let flight = self.flights.remove(which);
        let row = (flight.user, flight.generation);
        let current = self.current(row).is_some();
        let (outcome, (reply, told, storing)) = match how {
            EndpointAnswer::Well => {
                self.processes[flight.process].failures = 0;
                match self.provider.present(flight.token) {
                    Answer::Granted(Some(successor)) => {
                        (Outcome::Rotated, self.rotated(&flight, successor, storing))
                    }
                    Answer::Granted(None) => (Outcome::Unchanged, self.unchanged(&flight)),
                    Answer::Rejected => (Outcome::Rejected, self.dead(&flight)),
                }
            }
            EndpointAnswer::Busy | EndpointAnswer::Misconfigured => {
                self.processes[flight.process].failures += usize::from(how == EndpointAnswer::Busy);
                self.close(flight.user, flight.entry, Outcome::Refused, false);
                let (status, error) =
                    if how == EndpointAnswer::Busy { (503, "busy") } else { (401, "invalid_client") };
                (Outcome::Refused, (Reply::Status(status, error), seconds(2), StoreResult::Works))
            }
            EndpointAnswer::Useless { processed }
            | EndpointAnswer::Gateway { processed }
            | EndpointAnswer::Cut { processed } => {
                self.processes[flight.process].failures += 1;
                if processed {
                    self.provider.present(flight.token);
                }
                let (reply, travelling) = match how {
                    EndpointAnswer::Useless { .. } => (Reply::Status(500, "server_error"), false),
                    EndpointAnswer::Gateway { .. } => (Reply::Status(504, "away"), true),
                    _ => (Reply::Cut, true),
                };
                self.no_answer(row, flight.entry, travelling);
                let stands =
                    self.current(row).is_some_and(|row| !self.hold || row.state == TokenState::Uncertain);
                let told = match (stands, self.hold) {
                    (false, _) => POLL_INTERVAL.to_owned(),
                    (true, true) => "Uncertain".to_owned(),
                    (true, false) => seconds(if travelling { REPLAY_AFTER } else { 1 }),
                };
                (Outcome::NoAnswer, (reply, told, StoreResult::Works))
            }
        };
        self.ended(flight.process, storing == StoreResult::Refused && current);
        let told = if flight.purpose == ExchangeFor::Keeper { self.refreshed(outcome, &told) } else { told };
        if storing == StoreResult::Dies {
            self.die(flight.process, false);
        }
        (flight, reply, told, storing)
    }

    /// What the store of an end does to the session of its process.
    fn ended(&mut self, process: usize, refused: bool) {
        match self.processes[process].session {
            Session::Works if refused => self.free_locks(process, Session::Closed),
            Session::Works => self.begin(process),
            Session::Dead | Session::Closed => self.processes[process].session = Session::Closed,
        }
    }

    /// Returns what a sweep gets where an order would get `told`.
    fn refreshed(&mut self, outcome: Outcome, told: &str) -> String {
        match (outcome, told) {
            (Outcome::Refused | Outcome::NoAnswer, "Uncertain") => format!("Failed({outcome:?}, 0ns)"),
            (Outcome::Refused | Outcome::NoAnswer, wait) => format!("Failed({outcome:?}, {wait})"),
            (_, POLL_INTERVAL) => "NotDue".to_owned(),
            (Outcome::Rejected, _) => "Died".to_owned(),
            (Outcome::Unchanged, _) => "Unchanged".to_owned(),
            _ => {
                self.seen.insert("refreshed");
                "Rotated".to_owned()
            }
        }
    }

    fn rotated(
        &mut self,
        flight: &Flight,
        successor: Token,
        storing: StoreResult,
    ) -> (Reply, String, StoreResult) {
        let access = self.access_token();
        let landed = ReceivedSuccessor {
            user: flight.user,
            entry: flight.entry,
            generation: flight.generation,
            successor,
            cached_for: self.cached_for(flight),
            access: access.clone(),
            asked_at: flight.asked_at,
        };
        let stored = if storing == StoreResult::Dies {
            self.processes[flight.process].spool.push(landed);
            false
        } else {
            self.store(&landed)
        };
        // A successor in the spool is safe, so its access token is used at once, whatever the row
        // says.
        let spooled =
            storing != StoreResult::Works || self.processes[flight.process].session == Session::Dead;
        let told = if stored || spooled { access.clone() } else { POLL_INTERVAL.to_owned() };
        (Reply::Granted { access, successor: Some(successor) }, told, storing)
    }

    fn unchanged(&mut self, flight: &Flight) -> (Reply, String, StoreResult) {
        let access = self.access_token();
        let current = self.current((flight.user, flight.generation)).is_some();
        let cached_for = self.cached_for(flight);
        let user = &mut self.users[flight.user];
        if let Some(row) = user.row.as_mut().filter(|row| current && row.state == TokenState::Uncertain) {
            (row.state, row.dated) = (TokenState::Active, false);
        }
        if let (Some(cached_for), Some(row)) = (cached_for, user.row.as_ref().filter(|_| current)) {
            let (access, asked_at, grant_generation) =
                (access.clone(), flight.asked_at, row.grant_generation);
            user.cached.insert(cached_for, Cached { access, asked_at, grant_generation });
        }
        self.close(flight.user, flight.entry, Outcome::Unchanged, false);
        let told = if current { access.clone() } else { POLL_INTERVAL.to_owned() };
        (Reply::Granted { access, successor: None }, told, StoreResult::Works)
    }

    fn dead(&mut self, flight: &Flight) -> (Reply, String, StoreResult) {
        let user = &mut self.users[flight.user];
        let open = user.ledger[flight.entry].outcome.is_none();
        let row = user.row.as_mut().filter(|row| row.generation == flight.generation);
        let dead = row.is_some_and(|row| {
            if open && matches!(row.state, TokenState::Active | TokenState::Uncertain) {
                (row.state, row.reason) = (TokenState::ReauthRequired, Some(flight.if_dead));
                self.seen.insert(flight.if_dead.as_str());
            }
            row.state == TokenState::ReauthRequired
        });
        self.close(flight.user, flight.entry, Outcome::Rejected, false);
        let told = if dead { "ReauthRequired" } else { POLL_INTERVAL };
        (Reply::Status(400, "invalid_grant"), told.to_owned(), StoreResult::Works)
    }

    /// Returns what the newest access token is cached for.
    fn cached_for(&self, flight: &Flight) -> Option<CachedFor> {
        match flight.purpose {
            ExchangeFor::Order(order) => Some(CachedFor::Order(order)),
            ExchangeFor::Vend { .. } => Some(CachedFor::Vend(self.access_tokens)),
            ExchangeFor::Keeper | ExchangeFor::Manual => None,
        }
    }

    fn access_token(&mut self) -> String {
        self.access_tokens += 1;
        format!("at-{}", self.access_tokens)
    }
}
