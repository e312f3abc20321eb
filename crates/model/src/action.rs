//! The steps of which everything in the model consists, each in words.

use std::fmt;

use crate::{Fault, Rule};

/// A step. Numbers of processes, users, orders, requests and files are places in the state's lists.
#[expect(missing_docs, reason = "the fields are named after what they number")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A process closes an open intent whose holder is dead.
    CloseForDead { process: usize, user: usize },
    /// A process claims a token, for an order or for the keeper.
    Claim { process: usize, user: usize, order: Option<u8> },
    /// A process commits the intent, or is refused.
    Intend { process: usize, exchange: usize },
    /// A process sends the request.
    Send { process: usize, exchange: usize },
    /// Only without its rule: a lower layer sends the request again.
    SendAgain { process: usize, exchange: usize },
    /// A process closes an intent that it has not sent in time.
    DropUnsent { process: usize, exchange: usize },
    /// A process stores what the answer means.
    Store { process: usize, exchange: usize },
    /// Only in shared claims: a process stores all its answers in one commit.
    StoreTogether { process: usize },
    /// Only in shared claims: a process locks the tokens again whose exchanges go on after a
    /// commit.
    LockAgain { process: usize },
    /// A process writes the successor to its spool, or fails to.
    Spool { process: usize, exchange: usize },
    /// The provider sees a request.
    ProviderSees { request: usize },
    /// A process reads the provider's answer.
    ReadAnswer { request: usize },

    /// A process claims an order.
    TakeOrder { process: usize, order: usize },
    /// An attempt goes on with the cached token, or without one.
    GoOn { process: usize, attempt: usize },
    /// An attempt goes on with a token that is in memory, and in the spool.
    UseSpooled { process: usize, attempt: usize },
    /// A process commits the mark that it is about to send the order.
    Mark { process: usize, attempt: usize },
    /// A process sends the create-order call.
    Create { process: usize, attempt: usize },
    /// Klarna sees a create-order call.
    KlarnaSees { request: usize },
    /// A process reads Klarna's answer.
    ReadResult { request: usize },
    /// A process settles the order.
    Settle { process: usize, attempt: usize },
    /// A process writes the result to its spool.
    SpoolResult { process: usize, attempt: usize },

    /// A process starts in its instance folder, and takes the folder's lock.
    Start { process: usize },
    /// An operator starts a process in a new instance folder, because the old machines are gone for
    /// good.
    StartOnNewMachine { process: usize },
    /// A process stores what a file of its spool contains.
    Replay { process: usize, file: usize },
    /// A process removes a file whose contents are stored.
    RemoveFile { process: usize, file: usize },
    /// Only without its rule: a process removes a file before it stores it.
    TakeFile { process: usize, file: usize },
    /// Only without its rule: a process stores what it took.
    StoreTaken { process: usize },
    /// A process registers its start, and takes over its predecessor's orders.
    Register { process: usize },
    /// A process that was told to stop ends.
    End { process: usize },
    /// The others have seen no heartbeat of a process for longer.
    Silence { process: usize },
    /// A process reaches the database again, and its heartbeats continue.
    Reconnect { process: usize },
    /// An operator corrects the settings of a process.
    CorrectSettings { process: usize },
    /// The database answers again.
    DatabaseReturns,
    /// A disk writes again.
    DiskReturns { process: usize },
    /// An operator runs `tokens after-restore`.
    AfterRestore,
    /// An operator runs `tokens resolve --retry` for a user.
    Resolve { user: usize },
    /// An operator runs `tokens resolve --rejected --retry`, with the right settings.
    ResolveRejected,

    /// A fault, and the process, user or request that it concerns.
    Happens { fault: Fault, whom: usize },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CloseForDead { process, user } => {
                write!(f, "P{process} closes an open intent of user {user}: nobody will")
            }
            Self::Claim { process, user, order: Some(order) } => {
                write!(f, "P{process} claims the token of user {user} for order {order}")
            }
            Self::Claim { process, user, order: None } => {
                write!(f, "P{process} claims the token of user {user} for the keeper")
            }
            Self::Intend { process, exchange } => {
                write!(f, "P{process} asks for the intent of its exchange {exchange}")
            }
            Self::Send { process, exchange } => {
                write!(f, "P{process} sends the request of its exchange {exchange}")
            }
            Self::SendAgain { process, exchange } => {
                write!(f, "a lower layer of P{process} sends the request of exchange {exchange} again")
            }
            Self::DropUnsent { process, exchange } => {
                write!(f, "P{process} closes exchange {exchange} as not sent")
            }
            Self::Store { process, exchange } => {
                write!(f, "P{process} stores the end of its exchange {exchange}")
            }
            Self::StoreTogether { process } => {
                write!(f, "P{process} stores the ends of its exchanges together")
            }
            Self::LockAgain { process } => write!(f, "P{process} locks the tokens of its exchanges again"),
            Self::Spool { process, exchange } => {
                write!(f, "P{process} spools the successor of exchange {exchange}")
            }
            Self::ProviderSees { request } => write!(f, "the provider sees token request {request}"),
            Self::ReadAnswer { request } => write!(f, "the answer of token request {request} is read"),
            Self::TakeOrder { process, order } => write!(f, "P{process} claims order {order}"),
            Self::GoOn { process, attempt } => {
                write!(f, "P{process} goes on with attempt {attempt}, with a cached token or none")
            }
            Self::UseSpooled { process, attempt } => {
                write!(f, "P{process} goes on with attempt {attempt} and the token in its memory")
            }
            Self::Mark { process, attempt } => {
                write!(f, "P{process} marks attempt {attempt} as about to be sent")
            }
            Self::Create { process, attempt } => {
                write!(f, "P{process} sends the create call of attempt {attempt}")
            }
            Self::KlarnaSees { request } => write!(f, "Klarna sees create call {request}"),
            Self::ReadResult { request } => write!(f, "the answer of create call {request} is read"),
            Self::Settle { process, attempt } => write!(f, "P{process} settles its attempt {attempt}"),
            Self::SpoolResult { process, attempt } => {
                write!(f, "P{process} spools the result of attempt {attempt}")
            }
            Self::Start { process } => write!(f, "P{process} starts"),
            Self::StartOnNewMachine { process } => write!(f, "P{process} starts with --new-machine"),
            Self::Replay { process, file } => {
                write!(f, "P{process} stores what file {file} of its spool has")
            }
            Self::RemoveFile { process, file } => write!(f, "P{process} removes file {file} of its spool"),
            Self::TakeFile { process, file } => {
                write!(f, "P{process} removes file {file} before it stores it")
            }
            Self::StoreTaken { process } => write!(f, "P{process} stores what the file had"),
            Self::Register { process } => write!(f, "P{process} registers its start"),
            Self::End { process } => write!(f, "P{process} ends"),
            Self::Silence { process } => write!(f, "the others have seen nothing of P{process} for longer"),
            Self::Reconnect { process } => write!(f, "P{process} sends heartbeats again"),
            Self::CorrectSettings { process } => write!(f, "an operator corrects the settings of P{process}"),
            Self::DatabaseReturns => write!(f, "the database answers again"),
            Self::DiskReturns { process } => write!(f, "the disk of P{process} writes again"),
            Self::AfterRestore => write!(f, "an operator runs `tokens after-restore`"),
            Self::Resolve { user } => write!(f, "an operator runs `tokens resolve --retry` for user {user}"),
            Self::ResolveRejected => write!(f, "an operator runs `tokens resolve --rejected --retry`"),
            Self::Happens { fault, whom } => write!(f, "FAULT {fault:?} ({whom})"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().trim())
    }
}
