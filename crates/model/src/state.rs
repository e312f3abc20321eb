//! The state: the database, the processes with their disks, the network, the provider and Klarna.
//!
//! Everything that begins with `ghost` is known to the model alone: it decides nothing, and the
//! properties compare it with what the processes and the database know.

use crate::Scene;

/// A refresh token: the number of a sign-in, and its place in the chain of successors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    /// Which sign-in it came from.
    pub grant: u8,
    /// How many exchanges lie before it.
    pub serial: u8,
}

/// The id of an exchange.
pub type ExchangeId = u8;

/// One start of a process in an instance folder: what the ledger and the orders name as holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    /// The instance folder.
    pub folder: u8,
    /// Which start in this folder.
    pub start: u8,
}

/// The state of a token row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenState {
    /// The user was never signed in.
    None,
    /// The token may be presented.
    Active,
    /// `reauth_required`, reason `rejected`.
    Rejected,
    /// `reauth_required`, reason `answer_lost`.
    AnswerLost,
    /// An operator decides.
    Uncertain,
    /// A tombstone.
    Forgotten,
}

/// A row of the table of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// Its state.
    pub state: TokenState,
    /// Its version.
    pub generation: u8,
    /// The token. A rejected one stays.
    pub token: Option<Token>,
    /// The exchange that brought the token.
    pub exchange: Option<ExchangeId>,
    /// When the token arrived or was forgotten, by a clock of the user's.
    pub arrived: u8,
    /// The generation of the last registration.
    pub registered: u8,
    /// When the user signed in, as the shop says.
    pub issued: u8,
}

/// How an intent was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The successor was stored.
    Rotated,
    /// The provider does not rotate.
    Unchanged,
    /// `invalid_grant`.
    Rejected,
    /// Another refusal, which says nothing about the token.
    Refused,
    /// The request was not sent.
    NotSent,
    /// Nobody knows whether the token was spent.
    NoAnswer,
    /// The row had moved on when the answer came.
    Superseded,
}

/// A row of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Intent {
    /// Its id.
    pub exchange: ExchangeId,
    /// The token's row.
    pub user: u8,
    /// The generation that is presented.
    pub generation: u8,
    /// Which presentation of this generation it is.
    pub presentation: u8,
    /// Who presents it.
    pub holder: Holder,
    /// How it ended; open without.
    pub outcome: Option<Outcome>,
    /// The token, which the real ledger does not hold.
    pub ghost_token: Token,
}

/// The status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Waits for a worker.
    Queued,
    /// A worker has claimed it.
    Running,
    /// Klarna has it, and the result is stored.
    Submitted,
    /// Given up after a restore, as a possible duplicate.
    Failed,
}

/// A row of the table of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderRow {
    /// Its status.
    pub status: Status,
    /// Who has claimed it.
    pub owner: Option<Holder>,
    /// The number of the last claim.
    pub claim: u8,
    /// The mark that this claim is about to send the create-order call.
    pub create_sent: bool,
    /// `possible_duplicate`.
    pub flagged: bool,
    /// Whether an access token is cached with the order.
    pub cached: bool,
    /// Which of Klarna's orders the result names.
    pub result: Option<u8>,
}

/// A row of the table of workers, one for each instance folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerRow {
    /// The last start that registered itself.
    pub start: u8,
    /// `ended_at` is written.
    pub ended: bool,
}

/// What a backup contains.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Database {
    /// A token row for each user.
    pub rows: Vec<Row>,
    /// The intents in the order of their commits.
    pub ledger: Vec<Intent>,
    /// The known tokens and whose they are.
    pub known: Vec<(Token, u8)>,
    /// The orders.
    pub orders: Vec<OrderRow>,
    /// The workers.
    pub workers: Vec<WorkerRow>,
    /// From which intent on rejections in a row are counted.
    pub streak_from: u8,
}

/// A new token, and when it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Successor {
    /// The token.
    pub token: Token,
    /// When it arrived, by the user's clock.
    pub arrived: u8,
}

/// What a caller of the token endpoint learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// 200 with a new refresh token.
    Rotated(Successor),
    /// 200 with no new refresh token.
    Unchanged,
    /// `invalid_grant`.
    Invalid,
    /// Another error.
    Refused,
    /// None.
    Nothing,
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Row and ledger were read under the lock. PostgreSQL alone.
    Claimed,
    /// The intent is committed.
    Intended,
    /// The intent is committed, and too old to send its request.
    Overdue,
    /// The request is sent.
    Sent,
    /// The answer was read, and is not yet stored.
    Answered(Answer),
}

/// An exchange of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// The token's row.
    pub user: u8,
    /// How far it is.
    pub stage: Stage,
    /// Its id, from the intent on.
    pub id: ExchangeId,
    /// The generation that was read.
    pub generation: u8,
    /// Which presentation it will be.
    pub presentation: u8,
    /// The token that was read.
    pub token: Token,
    /// The order that asked for it; without, the keeper did.
    pub order: Option<u8>,
    /// Whether the successor is in the spool.
    pub spooled: bool,
    /// Whether a store has failed.
    pub failed: bool,
    /// Whether a write to the spool has failed.
    pub spool_failed: bool,
}

/// How far an attempt at an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// It asks for a token.
    Fresh,
    /// An exchange runs for it.
    Waiting,
    /// It has what it needs, and the mark is not committed.
    Ready,
    /// The mark is committed.
    Marked,
    /// The create-order call is sent.
    Sent,
    /// The answer was read: Klarna's order, or nothing.
    Answered(Option<u8>),
}

/// An attempt of a process at an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The order.
    pub order: u8,
    /// The number of the claim.
    pub claim: u8,
    /// How far it is.
    pub step: Step,
    /// Whether the result is in the spool.
    pub spooled: bool,
    /// Whether settling has failed.
    pub failed: bool,
}

/// A file in a spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum File {
    /// A successor.
    Successor {
        /// The exchange that brought it.
        exchange: ExchangeId,
        /// The token's row.
        user: u8,
        /// The generation that was presented.
        generation: u8,
        /// The successor.
        successor: Successor,
    },
    /// A result.
    Result {
        /// The order.
        order: u8,
        /// The claim of the worker.
        claim: u8,
        /// Klarna's order.
        result: u8,
    },
}

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    /// Not running.
    Down,
    /// It has the lock of its folder, and stores what lies in the spool.
    Starting,
    /// Running.
    Up,
    /// Running, and ending.
    Stopping,
    /// Its machine is lost, or it never existed.
    Gone,
}

/// A process and its machine.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// Whether it runs.
    pub life: Life,
    /// Its present start.
    pub me: Holder,
    /// For how long the others have seen no heartbeat: 1 is longer than `worker_lost_after`, 2 longer than `orphan_after`.
    pub silent: u8,
    /// Whether it cannot reach the database.
    pub cut_off: bool,
    /// Whether it sends no heartbeats.
    pub no_heartbeat: bool,
    /// Whether its settings name another provider.
    pub wrong_settings: bool,
    /// Whether the provider has granted a token since its start.
    pub granted: bool,
    /// Whether its disk refuses to write.
    pub disk_out: bool,
    /// Its exchanges.
    pub exchanges: Vec<Exchange>,
    /// Its attempts at orders.
    pub attempts: Vec<Attempt>,
    /// Its spool.
    pub spool: Vec<File>,
    /// Files that were removed before they were stored; only if that rule is left out.
    pub taken: Vec<File>,
}

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
    /// How often each fault of the scene may still happen.
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
    pub fn begin(scene: &Scene) -> Self {
        let users = scene.users;
        let signed_in = !scene.signed_out;
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
        let folders = 0..u8::try_from(scene.processes).unwrap_or(u8::MAX);
        let mut processes: Vec<Process> = folders.map(Process::up).collect();
        if let Some(last) = processes.last_mut().filter(|_| scene.starts_later) {
            last.life = Life::Down;
        }
        Self {
            db: Database {
                rows: users8.clone().map(row).collect(),
                ledger: Vec::new(),
                known: users8.clone().map(|user| (Token { grant: user, serial: 0 }, user)).collect(),
                orders: vec![order; scene.orders.len()],
                workers: vec![WorkerRow { start: 1, ended: false }; scene.processes],
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
            refreshes: scene.refreshes,
            faults: scene.faults.iter().map(|(_, times)| *times).collect(),
            total: scene.total,
            ghost_users: users8
                .map(|user| GhostUser { grant: signed_in.then_some(user), at_risk: false, withdrawn: false })
                .collect(),
            ghost_orders: vec![GhostOrder { created: 0, at_risk: false, about_to_send: false }; scene.orders.len()],
            ghost_went_back: false,
            ghost_broken: None,
        }
    }
}

impl Process {
    fn up(folder: u8) -> Self {
        Self {
            life: Life::Up,
            me: Holder { folder, start: 1 },
            silent: 0,
            cut_off: false,
            no_heartbeat: false,
            wrong_settings: false,
            granted: true,
            disk_out: false,
            exchanges: Vec::new(),
            attempts: Vec::new(),
            spool: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Whether it is running, or about to.
    pub fn runs(&self) -> bool {
        matches!(self.life, Life::Up | Life::Stopping | Life::Starting)
    }
}
