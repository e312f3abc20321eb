//! A scenario: who takes part, what may go wrong, and which rule is left out.

use crate::Rule;

/// How a claim is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// An advisory lock of a transaction that is open until the store.
    Postgres,
    /// Advisory locks of a transaction that several exchanges share. Each commit lets all of them
    /// go.
    SharedClaims,
    /// No lock: the committed intent is the claim.
    Sqlite,
}

/// What the provider does with a spent token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// It revokes the whole grant.
    Strict,
    /// It gives the successor again, as long as nobody presented that.
    Grace,
    /// No token is ever spent.
    NotRotating,
}

/// What may go wrong, or happen from outside, a limited number of times in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A process dies. Its disk remains.
    Crash,
    /// A machine is lost, with its disk.
    MachineLost,
    /// An operator stops a process with SIGTERM.
    Stop,
    /// A process starts with the settings of another provider.
    WrongSettings,
    /// A request or its answer is lost, and the caller learns that no answer came.
    Lost,
    /// The caller gives up while the request is still on its way.
    Slow,
    /// The provider refuses with another error than `invalid_grant`.
    Refused,
    /// The database answers nobody.
    DatabaseOut,
    /// A commit is done, but its caller learns of an error.
    CommitInDoubt,
    /// The database refuses a result with an unknown error.
    OddError,
    /// The database refuses a successor, and with it the commit that stores it together with
    /// others.
    StoreRefused,
    /// A disk refuses to write.
    DiskOut,
    /// A process cannot reach the database.
    CutOff,
    /// The heartbeats of a process stop; everything else in it goes on.
    NoHeartbeat,
    /// The connection with a process's claims breaks.
    SessionLost,
    /// The database's clock steps forward.
    ClockStep,
    /// A process starts in a copy of a running process's instance folder.
    CopiedFolder,
    /// A backup is made.
    Backup,
    /// The backup is restored, after all processes have ended.
    Restore,
    /// The user signs in, and the shop registers the new token.
    SignIn,
    /// The shop registers once more what it registered first.
    Repeat,
    /// The shop registers a token of an older sign-in.
    OlderSignIn,
    /// The shop registers a user's token for the next user too.
    OtherUser,
    /// The shop forgets the user.
    Forget,
    /// The user withdraws consent at the provider.
    Withdraw,
    /// The order that waits for a token stops waiting.
    PatienceOver,
}

/// A fault, and how often it may happen.
#[derive(Clone, Copy, Debug)]
pub struct PossibleFault {
    /// The fault.
    pub fault: Fault,
    /// How often it may happen.
    pub times: u8,
}

impl Fault {
    /// The fault, so often.
    #[must_use]
    pub const fn times(self, times: u8) -> PossibleFault {
        PossibleFault { fault: self, times }
    }
}

/// What is explored.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the scenario is about.
    pub name: String,
    /// How claims are held.
    pub engine: Engine,
    /// The provider.
    pub provider: Provider,
    /// How many processes run at the beginning, each in an instance folder of its own.
    pub processes: usize,
    /// How many users have a token, each a row.
    pub users: usize,
    /// The user of each order that was accepted.
    pub orders: Vec<usize>,
    /// How many exchanges the keeper may begin.
    pub refreshes: u8,
    /// How often each fault may happen.
    pub faults: Vec<PossibleFault>,
    /// How many faults may happen altogether.
    pub total: u8,
    /// Whether a process may be silent for longer than `orphan_after` while it lives: one of the
    /// cases that cannot be prevented.
    pub long_silence: bool,
    /// Whether a lost answer makes a token `uncertain` (`lost_answer = "hold"`).
    pub hold: bool,
    /// Whether nobody is signed in at the beginning.
    pub signed_out: bool,
    /// Whether the last process is not running at the beginning.
    pub starts_later: bool,
    /// Whether the last process is not running at the beginning, and its instance folder is new.
    pub new_machine: bool,
    /// Whether the rows name no provider, because they are older than that column.
    pub unbound: bool,
    /// The rule that is left out.
    pub without: Option<Rule>,
}

impl Scenario {
    /// A scenario with two processes on PostgreSQL, a strict provider, and one user without orders.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            engine: Engine::Postgres,
            provider: Provider::Strict,
            processes: 2,
            users: 1,
            orders: Vec::new(),
            refreshes: 0,
            faults: Vec::new(),
            total: 0,
            long_silence: false,
            hold: false,
            signed_out: false,
            starts_later: false,
            new_machine: false,
            unbound: false,
            without: None,
        }
    }

    /// A larger form of the scenario, with a name of its own.
    #[must_use]
    pub fn called(mut self, engine: Engine, what: &str) -> Self {
        let engine = match engine {
            Engine::Postgres => "PostgreSQL",
            Engine::SharedClaims => "shared claims",
            Engine::Sqlite => "SQLite",
        };
        self.name = format!("{what} ({engine})");
        self
    }

    /// The scenario on this engine.
    #[must_use]
    pub fn on(mut self, engine: Engine) -> Self {
        self.engine = engine;
        self
    }

    /// The scenario with this provider.
    #[must_use]
    pub fn with_provider(mut self, provider: Provider) -> Self {
        self.provider = provider;
        self
    }

    /// The scenario with so many processes.
    #[must_use]
    pub fn with_processes(mut self, processes: usize) -> Self {
        self.processes = processes;
        self
    }

    /// The scenario with so many users.
    #[must_use]
    pub fn with_users(mut self, users: usize) -> Self {
        self.users = users;
        self
    }

    /// The scenario with an order of each of these users.
    #[must_use]
    pub fn with_orders(mut self, users: &[usize]) -> Self {
        self.orders = users.to_vec();
        self
    }

    /// The scenario with so many exchanges of the keeper.
    #[must_use]
    pub fn with_refreshes(mut self, refreshes: u8) -> Self {
        self.refreshes = refreshes;
        self
    }

    /// The scenario with at most `total` faults out of these.
    #[must_use]
    pub fn with_faults(mut self, total: u8, faults: &[PossibleFault]) -> Self {
        self.total = total;
        self.faults = faults.to_vec();
        self
    }

    /// The scenario without a rule.
    #[must_use]
    pub fn without(mut self, rule: Rule) -> Self {
        self.without = Some(rule);
        self
    }

    /// Whether a rule holds in this scenario.
    pub fn has(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }
}
