//! The model of the worker: the expected rows, ledger, cached tokens and spools, and the expected
//! answers.

mod answer;
mod ask;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use klarna_order_worker::token::{DeadReason, Outcome, TokenState};

use self::session::Session;
use super::provider::{Provider, RotationMode, Token};
use super::step::ExchangeFor;

const DAY: u64 = 24 * 60 * 60;
const REPLAY_AFTER: u64 = 10;
const ORPHAN_AFTER: u64 = 300;
/// How long an access token of 299.5 s is used for its order: until 60 s are left.
const KEPT_FOR: u64 = 239;
/// How long a request takes at most, by any real clock. An access token is received at the time of
/// its request and as much later as the answer takes.
const SLOWEST: u64 = 30;
/// The answer if another exchange holds the token.
const POLL_INTERVAL: &str = "200ms";

#[derive(Clone, Debug)]
pub struct Row {
    pub generation: i64,
    /// The generation of the latest registration.
    grant_generation: i64,
    pub state: TokenState,
    pub reason: Option<DeadReason>,
    token: Option<Token>,
    expires_at: u64,
    /// Whether it has a due date for this generation.
    dated: bool,
}

/// A row of the ledger.
#[derive(Debug)]
pub struct Entry {
    pub generation: i64,
    pub number: i64,
    pub outcome: Option<Outcome>,
    travelling: bool,
    closed_at: u64,
    /// The start of the process that made it.
    holder: usize,
}

#[derive(Default)]
pub struct User {
    pub row: Option<Row>,
    known: BTreeSet<Token>,
    pub ledger: Vec<Entry>,
    pub cached: BTreeMap<CachedFor, Cached>,
}

/// What an access token is cached for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CachedFor {
    Order(usize),
    /// A vend, by the number of its access token.
    Vend(usize),
}

/// A cached access token.
#[derive(Clone)]
pub struct Cached {
    access: String,
    asked_at: u64,
    grant_generation: i64,
}

struct Process {
    alive: bool,
    start: usize,
    /// Failures of the endpoint in a row. The fifth would open the circuit breaker.
    failures: usize,
    /// By its own clock.
    watches_since: u64,
    spool: Vec<ReceivedSuccessor>,
    session: Session,
}

impl Process {
    fn new(start: usize, watches_since: u64) -> Self {
        Self { alive: true, start, failures: 0, watches_since, spool: Vec::new(), session: Session::Works }
    }
}

/// A request in flight.
pub struct Flight {
    pub process: usize,
    pub user: usize,
    purpose: ExchangeFor,
    generation: i64,
    pub token: Token,
    entry: usize,
    if_dead: DeadReason,
    asked_at: u64,
    /// Whether its claim still locks the token. Never on SQLite.
    pub locked: bool,
}

/// A successor that is to be stored.
#[derive(Clone)]
struct ReceivedSuccessor {
    user: usize,
    entry: usize,
    generation: i64,
    successor: Token,
    cached_for: Option<CachedFor>,
    access: String,
    asked_at: u64,
}

pub struct World {
    /// Whether a claim is a lock (PostgreSQL) or only the intent (SQLite).
    locks: bool,
    hold: bool,
    /// The database's clock.
    now: u64,
    /// The time that has passed, by any process's own clock.
    pub elapsed: u64,
    pub provider: Provider,
    pub users: [User; 2],
    processes: [Process; 2],
    /// Whether each start of a process is recorded as ended.
    ended: Vec<bool>,
    /// Since when each start of a process is silent; by processes' own clocks.
    silent_since: Vec<u64>,
    pub flights: Vec<Flight>,
    access_tokens: usize,
    /// The events that occurred. A run without enough of them proves nothing.
    pub seen: BTreeSet<&'static str>,
}

/// The expected result of asking for an access token.
#[derive(Debug)]
pub enum AccessRequest {
    /// The step is skipped: the process is dead, or its circuit breaker would open.
    Nothing,
    Answered(String),
    /// One of these cached access tokens: it is not known which of them arrived last.
    Given(Vec<String>),
    /// The token is presented at the endpoint.
    Presented(Token),
}

/// The answer of the endpoint.
pub enum Reply {
    Granted { access: String, successor: Option<Token> },
    Status(u16, &'static str),
    Cut,
}

fn seconds(seconds: u64) -> String {
    format!("{:?}", Duration::from_secs(seconds))
}

impl World {
    pub fn new(locks: bool, hold: bool, manner: RotationMode) -> Self {
        Self {
            locks,
            hold,
            now: 0,
            elapsed: 0,
            provider: Provider::new(manner),
            users: [User::default(), User::default()],
            processes: [Process::new(0, 0), Process::new(1, 0)],
            ended: vec![false; 2],
            silent_since: vec![0; 2],
            flights: Vec::new(),
            access_tokens: 0,
            seen: BTreeSet::new(),
        }
    }

    /// Advances the time. Living processes send heartbeats.
    pub fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        self.elapsed += seconds;
        for process in self.processes.iter().filter(|process| process.alive && !self.ended[process.start]) {
            self.silent_since[process.start] = self.elapsed;
        }
    }

    /// The database's clock is put forward.
    pub fn step_clock(&mut self, seconds: u64) {
        self.now += seconds;
        self.seen.insert("a clock step");
    }

    /// Whether a process knows that a start of a process is dead: silent for as long as it watched.
    fn known_dead(&self, observer: usize, start: usize) -> bool {
        let since = self.silent_since[start].max(self.processes[observer].watches_since);
        self.ended[start] || self.elapsed - since >= ORPHAN_AFTER
    }

    pub fn alive(&self, process: usize) -> bool {
        self.processes[process].alive
    }

    /// Returns the number of files in the process's spool.
    pub fn spooled(&self, process: usize) -> usize {
        self.processes[process].spool.len()
    }

    /// Returns whether the process needs a new vault so that its circuit breaker stays closed.
    pub fn wears_out(&mut self, process: usize) -> bool {
        let worn = self.processes[process].failures >= 4 && self.flights.iter().all(|f| f.process != process);
        if worn {
            self.processes[process].failures = 0;
        }
        worn
    }

    /// Stores a successor. Returns whether the generation was unchanged.
    fn store(&mut self, landed: &ReceivedSuccessor) -> bool {
        let user = &mut self.users[landed.user];
        user.known.insert(landed.successor);
        let row = user.row.as_mut().filter(|row| row.generation == landed.generation);
        let stored = row.is_some();
        if let Some(row) = row {
            row.generation += 1;
            (row.state, row.reason, row.token) = (TokenState::Active, None, Some(landed.successor));
            (row.expires_at, row.dated) = (landed.asked_at + 60 * DAY, true);
            if let Some(cached_for) = landed.cached_for {
                let (access, asked_at, grant_generation) =
                    (landed.access.clone(), landed.asked_at, row.grant_generation);
                user.cached.insert(cached_for, Cached { access, asked_at, grant_generation });
            }
        }
        if stored && user.ledger[landed.entry].outcome.is_some() {
            self.seen.insert("a late successor");
        }
        let outcome = if stored { Outcome::Rotated } else { Outcome::Superseded };
        self.close(landed.user, landed.entry, outcome, false);
        stored
    }

    fn no_answer(&mut self, (user, generation): (usize, i64), entry: usize, travelling: bool) {
        let record = &mut self.users[user];
        if self.hold
            && record.ledger[entry].outcome.is_none()
            && let Some(row) = record.row.as_mut().filter(|row| row.generation == generation)
            && row.state == TokenState::Active
        {
            row.state = TokenState::Uncertain;
        }
        self.close(user, entry, Outcome::NoAnswer, travelling);
    }

    fn close(&mut self, user: usize, entry: usize, outcome: Outcome, travelling: bool) {
        let entry = &mut self.users[user].ledger[entry];
        if entry.outcome.is_none() {
            (entry.outcome, entry.travelling, entry.closed_at) = (Some(outcome), travelling, self.now);
            self.seen.insert(outcome.as_str());
        }
    }

    fn current(&self, (user, generation): (usize, i64)) -> Option<&Row> {
        self.users[user].row.as_ref().filter(|row| row.generation == generation)
    }

    /// Signs the user in. The new token is always stored.
    pub fn sign_in(&mut self, user: usize) -> Token {
        let token = self.provider.grant(user);
        let record = &mut self.users[user];
        record.known.insert(token);
        let generation = record.row.as_ref().map_or(0, |row| row.generation) + 1;
        record.row = Some(Row {
            generation,
            grant_generation: generation,
            state: TokenState::Active,
            reason: None,
            token: Some(token),
            expires_at: self.now + 60 * DAY,
            dated: true,
        });
        token
    }

    /// Returns the tokens that were registered or received for a user.
    pub fn known(&self, user: usize) -> Vec<Token> {
        self.users[user].known.iter().copied().collect()
    }

    /// Forgets the user's token. Returns whether there was one.
    pub fn forget(&mut self, user: usize) -> bool {
        let record = &mut self.users[user];
        let Some(row) = record.row.as_mut().filter(|row| row.state != TokenState::Forgotten) else {
            return false;
        };
        row.generation += 1;
        (row.state, row.reason, row.token) = (TokenState::Forgotten, None, None);
        record.cached.clear();
        true
    }

    /// Applies an operator's decision about an uncertain token. Returns the expected result.
    pub fn resolve(&mut self, user: usize, retry: bool) -> &'static str {
        let Some(row) = &mut self.users[user].row else { return "missing" };
        if row.state != TokenState::Uncertain {
            return "not uncertain";
        }
        (row.state, row.reason, row.dated) = if retry {
            (TokenState::Active, None, false)
        } else {
            (TokenState::ReauthRequired, Some(DeadReason::AnswerLost), false)
        };
        self.seen.insert("resolved");
        "done"
    }

    /// Whether a cached access token may have expired or not: that depends on how long its answer
    /// took.
    pub fn an_expiry_is_uncertain(&self) -> bool {
        let cached = self.users.iter().flat_map(|user| user.cached.values());
        cached.map(|cached| self.now - cached.asked_at).any(|age| (300..=300 + SLOWEST).contains(&age))
    }

    /// Applies the regular clean-up of a living process: it deletes expired cached tokens.
    pub fn tidy(&mut self) {
        for user in &mut self.users {
            user.cached.retain(|_, cached| self.now - cached.asked_at < 300);
        }
    }

    /// Lets a living process die with its requests in flight.
    pub fn die(&mut self, process: usize, processed: bool) {
        self.processes[process].alive = false;
        let (lost, others) =
            std::mem::take(&mut self.flights).into_iter().partition(|f| f.process == process);
        self.flights = others;
        let lost: Vec<Flight> = lost;
        if processed {
            for flight in &lost {
                self.provider.present(flight.token);
            }
        }
    }

    /// Starts a new process in a dead one's folder. It stores the spool, and earlier starts are
    /// recorded as ended.
    pub fn start(&mut self, process: usize) {
        let spool = std::mem::take(&mut self.processes[process].spool);
        for landed in &spool {
            let stored = self.store(landed);
            self.seen.insert(if stored { "stored from the spool" } else { "superseded in the spool" });
        }
        self.ended[self.processes[process].start] = true;
        self.ended.push(false);
        self.silent_since.push(self.elapsed);
        let start = self.ended.len() - 1;
        self.processes[process] = Process::new(start, self.elapsed);
    }

    pub fn thought_dead(&mut self, process: usize) {
        self.ended[self.processes[process].start] = true;
    }

    pub fn back(&mut self, process: usize) {
        let start = self.processes[process].start;
        (self.ended[start], self.silent_since[start]) = (false, self.elapsed);
    }

    /// Checks that no valid grant is lost without its row saying so.
    pub fn check_losses(&self) -> Result<(), String> {
        for user in &self.users {
            let Some(row) = &user.row else { continue };
            let Some(token) = row.token else { continue };
            let said = user.ledger.iter().any(|entry| {
                entry.generation >= row.grant_generation
                    && matches!(entry.outcome, None | Some(Outcome::NoAnswer))
            });
            let has_it = self.provider.good(token) || self.provider.revoked(token);
            if !has_it && !said {
                return Err(format!("the successor of {token:?} is lost and nobody is told"));
            }
        }
        Ok(())
    }
}
