//! The processes: what they have in memory and on their disks.

use super::{ExchangeId, Holder, Token};

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
pub enum ExchangeStep {
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
    pub step: ExchangeStep,
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
    /// Whether nothing has registered itself from its instance folder: no heartbeat is recorded
    /// there.
    pub new_folder: bool,
    /// For how long the others have seen no heartbeat: 1 is longer than `worker_lost_after`, 2
    /// longer than `orphan_after`.
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

impl Process {
    /// A process that runs, and has begun nothing.
    pub(super) fn up(folder: u8) -> Self {
        Self {
            life: Life::Up,
            me: Holder { folder, start: 1 },
            new_folder: false,
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

    /// A machine on which nothing has run.
    pub(super) fn new_machine(folder: u8) -> Self {
        Self { life: Life::Down, me: Holder { folder, start: 0 }, new_folder: true, ..Self::up(folder) }
    }

    /// Whether it is running, or about to.
    pub fn runs(&self) -> bool {
        matches!(self.life, Life::Up | Life::Stopping | Life::Starting)
    }
}
