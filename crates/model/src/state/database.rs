//! The database.

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
    /// It is known why `ended_at` is not written: `tokens after-restore` has run since, or it was
    /// silent when another process ended in order.
    pub accounted: bool,
}

impl WorkerRow {
    /// A start that has registered itself.
    pub fn begun(start: u8) -> Self {
        Self { start, ended: false, accounted: false }
    }

    /// Whether the process died, or works.
    pub fn is_open(self) -> bool {
        !self.ended && !self.accounted
    }

    /// An instance folder of which the database knows nothing.
    pub fn unknown() -> Self {
        Self { start: 0, ended: true, accounted: false }
    }
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
