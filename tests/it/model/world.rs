//! The protocol as one pure value: what rows, ledger, kept tokens and spools must be, and what is told to whoever asks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use klarna_order_worker::store::{DeadReason, Outcome, TokenState};

use super::provider::{Manner, Provider, Token, Verdict};
use super::step::{For, How, Storing};

const DAY: u64 = 24 * 60 * 60;
const REPLAY_AFTER: u64 = 10;
const ORPHAN_AFTER: u64 = 300;
/// An access token of 299.5 s is used for an order until 60 s of it are left.
const KEPT_FOR: u64 = 239;
/// What a process that cannot go on for a moment tells.
const LOOK_AGAIN: &str = "200ms";

#[derive(Clone, Debug)]
pub struct Row {
    pub generation: i64,
    /// That of the latest registration.
    grant_generation: i64,
    pub state: TokenState,
    pub reason: Option<DeadReason>,
    token: Option<Token>,
    expires_at: u64,
}

/// A row of the ledger.
#[derive(Debug)]
pub struct Entry {
    pub generation: i64,
    pub number: i64,
    pub outcome: Option<Outcome>,
    travelling: bool,
    closed_at: u64,
    /// Which start of a process.
    holder: usize,
}

#[derive(Default)]
pub struct User {
    pub row: Option<Row>,
    known: BTreeSet<Token>,
    pub ledger: Vec<Entry>,
    /// By order: the access token, and when it was asked for.
    pub kept: BTreeMap<usize, (String, u64)>,
}

struct Process {
    alive: bool,
    start: usize,
    /// Calls in a row that tell against the endpoint; the fifth would open the breaker.
    failures: usize,
    spool: Vec<Landed>,
}

/// A request in the air.
pub struct Flight {
    pub process: usize,
    pub user: usize,
    purpose: For,
    generation: i64,
    pub token: Token,
    entry: usize,
    if_dead: DeadReason,
    asked_at: u64,
    /// Whether its claim still keeps others away; on SQLite none does.
    pub locked: bool,
    /// Whether the claim's connection is gone.
    broken: bool,
}

/// A successor on its way into the database.
#[derive(Clone)]
struct Landed {
    user: usize,
    entry: usize,
    generation: i64,
    successor: Token,
    order: Option<usize>,
    access: String,
    asked_at: u64,
}

pub struct World {
    /// Whether a claim is a lock (PostgreSQL) or the intent alone.
    locks: bool,
    hold: bool,
    now: u64,
    pub provider: Provider,
    pub users: [User; 2],
    processes: [Process; 2],
    /// Whether each start of a process is written down as dead.
    ended: Vec<bool>,
    /// When each start of a process was last heard of.
    beat_at: Vec<u64>,
    pub flights: Vec<Flight>,
    access_tokens: usize,
    /// What happened at all: a run that saw too little proves nothing.
    pub seen: BTreeSet<&'static str>,
}

/// What a wish for an access token comes to.
#[derive(Debug)]
pub enum Asked {
    /// The process does not live, or its breaker is another test's business.
    Nothing,
    Told(String),
    /// Presented at the endpoint.
    InTheAir(Token),
}

/// What the endpoint sends.
pub enum Reply {
    Granted { access: String, successor: Option<Token> },
    Status(u16, &'static str),
    Cut,
}

fn seconds(seconds: u64) -> String {
    format!("{:?}", Duration::from_secs(seconds))
}

impl World {
    pub fn new(locks: bool, hold: bool, manner: Manner) -> Self {
        let process = |start| Process { alive: true, start, failures: 0, spool: Vec::new() };
        Self {
            locks,
            hold,
            now: 0,
            provider: Provider::new(manner),
            users: [User::default(), User::default()],
            processes: [process(0), process(1)],
            ended: vec![false; 2],
            beat_at: vec![0; 2],
            flights: Vec::new(),
            access_tokens: 0,
            seen: BTreeSet::new(),
        }
    }

    /// Time passes, and who lives beats.
    pub fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        for process in self.processes.iter().filter(|process| process.alive && !self.ended[process.start]) {
            self.beat_at[process.start] = self.now;
        }
    }

    fn known_dead(&self, start: usize) -> bool {
        self.ended[start] || self.now - self.beat_at[start] >= ORPHAN_AFTER
    }

    pub fn alive(&self, process: usize) -> bool {
        self.processes[process].alive
    }

    /// Files in the process's spool.
    pub fn spooled(&self, process: usize) -> usize {
        self.processes[process].spool.len()
    }

    /// Whether a fresh vault must take a process's place for its breaker to stay closed.
    pub fn wears_out(&mut self, process: usize) -> bool {
        let worn = self.processes[process].failures >= 4 && self.flights.iter().all(|f| f.process != process);
        if worn {
            self.processes[process].failures = 0;
        }
        worn
    }

    pub fn ask(&mut self, process: usize, user: usize, purpose: For, refused: bool) -> Asked {
        let in_the_air = self.flights.iter().filter(|flight| flight.process == process).count();
        if !self.alive(process) || self.processes[process].failures + in_the_air >= 4 {
            return Asked::Nothing;
        }
        let record = &self.users[user];
        if let For::Order(order) = purpose
            && let Some((access, asked_at)) = record.kept.get(&order)
            && self.now - asked_at <= KEPT_FOR
        {
            self.seen.insert("kept");
            return Asked::Told(access.clone());
        }
        let told = |text: &str| Asked::Told(text.to_owned());
        if self.flights.iter().any(|f| f.process == process && f.user == user) {
            return told(LOOK_AGAIN);
        }
        let Some(row) = &record.row else { return told("NotRegistered") };
        if self.flights.iter().any(|flight| flight.user == user && flight.locked) {
            return told(LOOK_AGAIN);
        }
        match row.state {
            TokenState::Forgotten => return told("NotRegistered"),
            TokenState::ReauthRequired => return told("ReauthRequired"),
            TokenState::Uncertain => return told("Uncertain"),
            TokenState::Active => {}
        }
        let of_generation = |entry: &&Entry| entry.generation == row.generation;
        if let Some(open) = record.ledger.iter().position(|e| e.generation == row.generation && e.outcome.is_none()) {
            if !self.known_dead(record.ledger[open].holder) {
                return told(LOOK_AGAIN);
            }
            let row = (user, row.generation);
            self.seen.insert("an orphan");
            self.no_answer(row, open, true);
            return if self.hold { told("Uncertain") } else { Asked::Told(seconds(REPLAY_AFTER)) };
        }
        let wait = self.wait_after_silence(record.ledger.iter().filter(of_generation));
        if wait > 0 {
            return Asked::Told(seconds(wait));
        }
        let token = row.token.expect("an active row has a token");
        let since_sign_in = |entry: &&Entry| entry.generation >= row.grant_generation;
        let lost = record.ledger.iter().filter(since_sign_in).any(|entry| entry.outcome == Some(Outcome::NoAnswer));
        let if_dead = match (lost, row.expires_at <= self.now) {
            (true, _) => DeadReason::AnswerLost,
            (false, true) => DeadReason::Expired,
            (false, false) => DeadReason::Rejected,
        };
        let generation = row.generation;
        let number = 1 + record.ledger.iter().filter(of_generation).count() as i64;
        let holder = self.processes[process].start;
        if self.ended[holder] {
            self.seen.insert("an intent refused to who is thought dead");
            return told(LOOK_AGAIN);
        }
        let outcome = refused.then_some(Outcome::NotSent);
        let entry = Entry { generation, number, outcome, travelling: false, closed_at: self.now, holder };
        self.users[user].ledger.push(entry);
        if refused {
            return told(LOOK_AGAIN);
        }
        let entry = self.users[user].ledger.len() - 1;
        let (asked_at, locked) = (self.now, self.locks);
        let flight =
            Flight { process, user, purpose, generation, token, entry, if_dead, asked_at, locked, broken: false };
        self.flights.push(flight);
        Asked::InTheAir(token)
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

    /// Whether anything was presented that must not be.
    pub fn check_request(&self) -> Result<(), String> {
        let (flight, others) = self.flights.split_last().expect("one is in the air");
        let ledger = &self.users[flight.user].ledger;
        let same_generation = |entry: &&Entry| entry.generation == flight.generation;
        let unanswered = |entry: &Entry| entry.outcome == Some(Outcome::NoAnswer);
        if self.provider.spent(flight.token) && !ledger.iter().filter(same_generation).any(unanswered) {
            return Err(format!("{:?} is spent, and no answer was lost", flight.token));
        }
        let declared_lost = |other: &Flight| ledger[other.entry].outcome == Some(Outcome::NoAnswer);
        if others.iter().any(|other| other.token == flight.token && !declared_lost(other)) {
            return Err(format!("{:?} is in the air twice", flight.token));
        }
        Ok(())
    }

    /// What the endpoint sends, and what whoever asked is told then.
    pub fn answer(&mut self, which: usize, how: How, storing: Storing) -> (Flight, Reply, String, Storing) {
        let flight = self.flights.remove(which);
        let row = (flight.user, flight.generation);
        let (reply, told, storing) = match how {
            How::Well => {
                self.processes[flight.process].failures = 0;
                match self.provider.present(flight.token) {
                    Verdict::Granted(Some(successor)) => self.rotated(&flight, successor, storing),
                    Verdict::Granted(None) => self.unchanged(&flight),
                    Verdict::Dead => self.dead(&flight),
                }
            }
            How::Busy | How::Misconfigured => {
                self.processes[flight.process].failures += usize::from(how == How::Busy);
                self.close(flight.user, flight.entry, Outcome::Refused, false);
                let (status, error) = if how == How::Busy { (503, "busy") } else { (401, "invalid_client") };
                (Reply::Status(status, error), seconds(2), Storing::Works)
            }
            How::Useless { processed } | How::Gateway { processed } | How::Cut { processed } => {
                self.processes[flight.process].failures += 1;
                if processed {
                    self.provider.present(flight.token);
                }
                let (reply, travelling) = match how {
                    How::Useless { .. } => (Reply::Status(500, "server_error"), false),
                    How::Gateway { .. } => (Reply::Status(504, "away"), true),
                    _ => (Reply::Cut, true),
                };
                self.no_answer(row, flight.entry, travelling);
                let stands = self.current(row).is_some_and(|row| !self.hold || row.state == TokenState::Uncertain);
                let told = match (stands, self.hold) {
                    (false, _) => LOOK_AGAIN.to_owned(),
                    (true, true) => "Uncertain".to_owned(),
                    (true, false) => seconds(if travelling { REPLAY_AFTER } else { 1 }),
                };
                (reply, told, Storing::Works)
            }
        };
        if storing == Storing::Dies {
            self.die(flight.process, false);
        }
        (flight, reply, told, storing)
    }

    fn rotated(&mut self, flight: &Flight, successor: Token, storing: Storing) -> (Reply, String, Storing) {
        let access = self.access_token();
        let order = if let For::Order(order) = flight.purpose { Some(order) } else { None };
        let landed = Landed {
            user: flight.user,
            entry: flight.entry,
            generation: flight.generation,
            successor,
            order,
            access: access.clone(),
            asked_at: flight.asked_at,
        };
        let stored = if storing == Storing::Dies {
            self.processes[flight.process].spool.push(landed);
            false
        } else {
            self.store(&landed)
        };
        // What lies in the spool is safe, and is used at once, whatever the row says by then.
        let spooled = storing != Storing::Works || flight.broken;
        let told = if stored || spooled { access.clone() } else { LOOK_AGAIN.to_owned() };
        (Reply::Granted { access, successor: Some(successor) }, told, storing)
    }

    /// Whether the generation was still ours.
    fn store(&mut self, landed: &Landed) -> bool {
        let user = &mut self.users[landed.user];
        user.known.insert(landed.successor);
        let row = user.row.as_mut().filter(|row| row.generation == landed.generation);
        let stored = row.is_some();
        if let Some(row) = row {
            row.generation += 1;
            (row.state, row.reason, row.token) = (TokenState::Active, None, Some(landed.successor));
            row.expires_at = landed.asked_at + 60 * DAY;
            if let Some(order) = landed.order {
                user.kept.insert(order, (landed.access.clone(), landed.asked_at));
            }
        }
        if stored && user.ledger[landed.entry].outcome.is_some() {
            self.seen.insert("a late successor");
        }
        let outcome = if stored { Outcome::Rotated } else { Outcome::Superseded };
        self.close(landed.user, landed.entry, outcome, false);
        stored
    }

    fn unchanged(&mut self, flight: &Flight) -> (Reply, String, Storing) {
        let access = self.access_token();
        let current = self.current((flight.user, flight.generation)).is_some();
        let user = &mut self.users[flight.user];
        if let Some(row) = user.row.as_mut().filter(|row| current && row.state == TokenState::Uncertain) {
            row.state = TokenState::Active;
        }
        if let (For::Order(order), true) = (flight.purpose, current) {
            user.kept.insert(order, (access.clone(), flight.asked_at));
        }
        self.close(flight.user, flight.entry, Outcome::Unchanged, false);
        let told = if current { access.clone() } else { LOOK_AGAIN.to_owned() };
        (Reply::Granted { access, successor: None }, told, Storing::Works)
    }

    fn dead(&mut self, flight: &Flight) -> (Reply, String, Storing) {
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
        let told = if dead { "ReauthRequired" } else { LOOK_AGAIN };
        (Reply::Status(400, "invalid_grant"), told.to_owned(), Storing::Works)
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

    fn access_token(&mut self) -> String {
        self.access_tokens += 1;
        format!("at-{}", self.access_tokens)
    }

    /// A new token, which is always stored.
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
        });
        token
    }

    /// The tokens that were registered or received for a user.
    pub fn known(&self, user: usize) -> Vec<Token> {
        self.users[user].known.iter().copied().collect()
    }

    /// Whether there was anything to forget.
    pub fn forget(&mut self, user: usize) -> bool {
        let record = &mut self.users[user];
        let Some(row) = record.row.as_mut().filter(|row| row.state != TokenState::Forgotten) else { return false };
        row.generation += 1;
        (row.state, row.reason, row.token) = (TokenState::Forgotten, None, None);
        record.kept.clear();
        true
    }

    /// A living process stops; what it had in the air is lost.
    pub fn die(&mut self, process: usize, processed: bool) {
        self.processes[process].alive = false;
        let (lost, others) = std::mem::take(&mut self.flights).into_iter().partition(|f| f.process == process);
        self.flights = others;
        let lost: Vec<Flight> = lost;
        if processed {
            lost.iter().for_each(|flight| drop(self.provider.present(flight.token)));
        }
    }

    /// A new process in a dead one's folder: its spool first, and then those who come before it are dead.
    pub fn start(&mut self, process: usize) {
        let spool = std::mem::take(&mut self.processes[process].spool);
        for landed in &spool {
            let stored = self.store(landed);
            self.seen.insert(if stored { "stored from the spool" } else { "superseded in the spool" });
        }
        self.ended[self.processes[process].start] = true;
        self.ended.push(false);
        self.beat_at.push(self.now);
        let start = self.ended.len() - 1;
        self.processes[process] = Process { alive: true, start, failures: 0, spool: Vec::new() };
    }

    pub fn thought_dead(&mut self, process: usize) {
        self.ended[self.processes[process].start] = true;
    }

    pub fn back(&mut self, process: usize) {
        let start = self.processes[process].start;
        (self.ended[start], self.beat_at[start]) = (false, self.now);
    }

    pub fn lose_claim(&mut self, which: usize) {
        (self.flights[which].locked, self.flights[which].broken) = (false, true);
    }

    /// No grant that the provider holds as good is lost without its row saying so.
    pub fn check_losses(&self) -> Result<(), String> {
        for user in &self.users {
            let Some(row) = &user.row else { continue };
            let Some(token) = row.token else { continue };
            let said = user.ledger.iter().any(|entry| {
                entry.generation >= row.grant_generation && matches!(entry.outcome, None | Some(Outcome::NoAnswer))
            });
            let has_it = self.provider.good(token) || self.provider.revoked(token);
            if !has_it && !said {
                return Err(format!("the successor of {token:?} is lost without a word"));
            }
        }
        Ok(())
    }
}
