//! The state: the database, the processes with their disks, the network, the provider and Klarna.
//!
//! Everything that begins with `ghost` is known to the model alone: it decides nothing, and the
//! properties compare it with what the processes and the database know.

mod database;
mod process;

pub use self::database::{
    Database, ExchangeId, Holder, Intent, OrderRow, Outcome, Row, Status, Token, TokenState, WorkerRow,
};
pub use self::process::{Answer, Attempt, Exchange, ExchangeStep, File, Life, Process, Step, Successor};
use crate::Scenario;

/// A request on its way to the provider, or its answer on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenRequest {
    /// The exchange.
    pub exchange: ExchangeId,
    /// The row's user, for whose clock the answer arrives.
    pub user: u8,
    /// The token.
    pub token: Token,
    /// Whether it goes to another provider.
    pub elsewhere: bool,
    /// The process that waits for the answer.
    pub listener: Option<u8>,
    /// The answer, once the provider has seen the request.
    pub answer: Option<Answer>,
}

/// A create-order call on its way to Klarna, or its answer on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CreateRequest {
    /// The order.
    pub order: u8,
    /// The claim that sent it.
    pub claim: u8,
    /// The process that waits for the answer.
    pub listener: Option<u8>,
    /// Klarna's order, once Klarna has seen the request.
    pub answer: Option<u8>,
}

/// A grant of a user at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The user.
    pub user: u8,
    /// The place of the valid token in the chain.
    pub current: u8,
    /// Whether every token of it is dead.
    pub revoked: bool,
}

/// What the model knows about a user, and nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GhostUser {
    /// The grant of the newest sign-in, or none if the user was forgotten since.
    pub grant: Option<u8>,
    /// Something happened that no protocol can prevent from losing the token.
    pub at_risk: bool,
    /// The user has withdrawn consent.
    pub withdrawn: bool,
}

/// What the model knows about an order, and nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GhostOrder {
    /// How often Klarna has created it.
    pub created: u8,
    /// Something happened that no protocol can prevent from creating it twice.
    pub at_risk: bool,
    /// A worker was about to send it.
    pub about_to_send: bool,
}

/// The state of everything.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The database.
    pub db: Database,
    /// The backup.
    pub backup: Option<Box<Database>>,
    /// Whether the database was restored, and `tokens after-restore` has not run.
    pub restored: bool,
    /// Whether the database answers nobody.
    pub database_out: bool,
    /// Whether the database's clock has stepped.
    pub clock_stepped: bool,
    /// Which process holds the lock of each token.
    pub locks: Vec<Option<u8>>,
    /// The processes.
    pub processes: Vec<Process>,
    /// Requests to the token endpoint.
    pub token_requests: Vec<TokenRequest>,
    /// Create-order calls.
    pub create_requests: Vec<CreateRequest>,
    /// The provider.
    pub grants: Vec<Grant>,
    /// For each user the number of the last arrival.
    pub clocks: Vec<u8>,
    /// The next exchange's id.
    pub next_exchange: ExchangeId,
    /// How many exchanges the keeper may still begin.
    pub refreshes: u8,
    /// How often each fault of the scenario may still happen.
    pub faults: Vec<u8>,
    /// How many faults may still happen.
    pub total: u8,
    /// The users, as the model knows them.
    pub ghost_users: Vec<GhostUser>,
    /// The orders, as the model knows them.
    pub ghost_orders: Vec<GhostOrder>,
    /// Whether the database ever went back.
    pub ghost_went_back: bool,
    /// The first broken promise that a single step shows.
    pub ghost_broken: Option<Broken>,
}

/// A promise that was broken by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// A request was sent without an open intent of its own in the ledger.
    Unrecorded,
    /// A token was presented although another presentation of it is open or was successful.
    PresentedTwice,
    /// A spent token was presented, and nothing excuses that.
    SpentPresented,
    /// A token of a forgotten or replaced row was presented.
    StalePresented,
    /// An access token was used before its refresh token's successor was durable.
    UsedBeforeStored,
    /// A token was stored against the wish of its owner.
    OwnerOverruled,
    /// The ledger says something that did not happen.
    LedgerLies,
    /// A result replaced another one.
    TwoResults,
    /// A result was thrown away although its order could have been settled with it.
    ResultThrownAway,
}

impl State {
    /// The beginning: every process is up, every user is signed in, every order is queued.
    pub fn begin(scenario: &Scenario) -> Self {
        let users = scenario.users;
        let signed_in = !scenario.signed_out;
        let row = |user| Row {
            state: if signed_in { TokenState::Active } else { TokenState::None },
            generation: u8::from(signed_in),
            token: signed_in.then_some(Token { grant: user, serial: 0 }),
            exchange: None,
            arrived: 1,
            registered: 1,
            issued: 1,
        };
        let order = OrderRow {
            status: Status::Queued,
            owner: None,
            claim: 0,
            create_sent: false,
            flagged: false,
            cached: false,
            result: None,
        };
        let users8 = 0..u8::try_from(users).unwrap_or(u8::MAX);
        let folders = 0..u8::try_from(scenario.processes).unwrap_or(u8::MAX);
        let mut processes: Vec<Process> = folders.map(Process::up).collect();
        let mut workers = vec![WorkerRow::begun(1); scenario.processes];
        if let Some(last) = processes.last_mut().filter(|_| scenario.starts_later) {
            last.life = Life::Down;
        }
        if let (true, Some(last), Some(row)) =
            (scenario.new_machine, processes.last_mut(), workers.last_mut())
        {
            (*last, *row) = (Process::new_machine(last.me.folder), WorkerRow::unknown());
        }
        Self {
            db: Database {
                rows: users8.clone().map(row).collect(),
                ledger: Vec::new(),
                known: users8.clone().map(|user| (Token { grant: user, serial: 0 }, user)).collect(),
                orders: vec![order; scenario.orders.len()],
                workers,
                streak_from: 0,
            },
            backup: None,
            restored: false,
            database_out: false,
            clock_stepped: false,
            locks: vec![None; users],
            processes,
            token_requests: Vec::new(),
            create_requests: Vec::new(),
            grants: users8.clone().map(|user| Grant { user, current: 0, revoked: false }).collect(),
            clocks: vec![1; users],
            next_exchange: 0,
            refreshes: scenario.refreshes,
            faults: scenario.faults.iter().map(|possible| possible.times).collect(),
            total: scenario.total,
            ghost_users: users8
                .map(|user| GhostUser { grant: signed_in.then_some(user), at_risk: false, withdrawn: false })
                .collect(),
            ghost_orders: vec![
                GhostOrder { created: 0, at_risk: false, about_to_send: false };
                scenario.orders.len()
            ],
            ghost_went_back: false,
            ghost_broken: None,
        }
    }
}
