//! What a row says, in the words of the program.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::ids::{MerchantName, UserKey};
use crate::telemetry::request;
use crate::words::words;

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A caller of the API, or an operator on the pages, by the name of the API key.
    Key(String),
    /// A user of this machine who ran a command.
    Command(String),
    /// Anybody on this machine: the settings have no API keys.
    Local,
    /// The service itself.
    Service,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(name) => write!(f, "key:{name}"),
            Self::Command(user) => write!(f, "command:{user}"),
            Self::Local => f.write_str("local"),
            Self::Service => f.write_str("service"),
        }
    }
}

/// Names an actor for people, by their name in the audit log.
#[must_use]
pub fn who(actor: &str) -> String {
    match actor.split_once(':') {
        Some(("key", name)) => format!("the API key {name}"),
        Some(("command", user)) => format!("{user} with a command"),
        _ if actor == "local" => "somebody on this machine".to_owned(),
        _ => actor.to_owned(),
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A process with API or worker started; its object has the names of all keys.
    ServiceStart,
    /// A process started with `--new-machine` where that was needed; its object has the time of the
    /// last heartbeat before.
    NewMachine,
    /// State or history of a user's token was read.
    TokenRead,
    /// States of many tokens were read.
    TokensList,
    /// A token was registered.
    TokenRegister,
    /// A user's access token was handed out.
    TokenVend,
    /// Tokens were imported.
    TokensImport,
    /// A token was forgotten.
    TokenForget,
    /// An operator decided about tokens.
    TokenResolve,
    /// Tokens were moved to another provider.
    TokensAdopt,
    /// Tokens got new due dates.
    TokensReplan,
    /// Tokens and orders were marked after a restore.
    TokensAfterRestore,
    /// Tokens were refreshed by a command.
    TokensRefresh,
    /// An order was submitted.
    OrderSubmit,
    /// Many orders were submitted.
    OrdersSubmit,
    /// The body of an order was changed.
    OrderUpdate,
    /// Orders were cancelled.
    OrderCancel,
    /// Orders were queued again.
    OrderRetry,
    /// Follow-ups of orders were tried again.
    OrderRetryFollowUps,
    /// A user's data was erased.
    UserErase,
    /// A user's data was exported.
    UserExport,
    /// A user was signed out at Klarna.
    UserRevoke,
    /// A user got another name.
    UserRename,
    /// Webhooks were sent again.
    WebhookResend,
    /// A test event was sent to a webhook endpoint.
    WebhookTest,
    /// A webhook endpoint was removed.
    WebhookRemove,
    /// Work was paused.
    Pause,
    /// Work was resumed.
    Resume,
    /// Circuit breakers were ordered to try a call; its object names the endpoint.
    BreakersProbe,
    /// A process was asked to drain.
    Drain,
    /// A process read its settings again; its object says what asked for it, and what changed.
    Reload,
    /// Somebody tried to sign in to the pages.
    SignIn,
    /// An operator signed out.
    SignOut,
    /// Everything was encrypted with the active key.
    KeysRotate,
    /// The audit log itself was read.
    AuditRead,
    /// Rows whose retention is over are deleted; its object has the time before which they
    /// happened.
    AuditPrune,
    /// Rows were lost; its object has their number.
    AuditLost,
}

words!(Action {
    ServiceStart = "service.start",
    NewMachine = "service.new_machine",
    TokenRead = "token.read",
    TokensList = "tokens.list",
    TokenRegister = "token.register",
    TokenVend = "token.vend",
    TokensImport = "tokens.import",
    TokenForget = "token.forget",
    TokenResolve = "token.resolve",
    TokensAdopt = "tokens.adopt",
    TokensReplan = "tokens.replan",
    TokensAfterRestore = "tokens.after_restore",
    TokensRefresh = "tokens.refresh",
    OrderSubmit = "order.submit",
    OrdersSubmit = "orders.submit",
    OrderUpdate = "order.update",
    OrderCancel = "order.cancel",
    OrderRetry = "order.retry",
    OrderRetryFollowUps = "order.retry_follow_ups",
    UserErase = "user.erase",
    UserExport = "user.export",
    UserRevoke = "user.revoke",
    UserRename = "user.rename",
    WebhookResend = "webhook.resend",
    WebhookTest = "webhook.test",
    WebhookRemove = "webhook.remove",
    Pause = "ops.pause",
    Resume = "ops.resume",
    BreakersProbe = "ops.breakers_probe",
    Drain = "ops.drain",
    Reload = "ops.reload",
    SignIn = "pages.sign_in",
    SignOut = "pages.sign_out",
    KeysRotate = "keys.rotate",
    AuditRead = "audit.read",
    AuditPrune = "audit.prune",
    AuditLost = "audit.lost",
});

impl Action {
    /// The actions that only look at something.
    pub const READS: [Self; 3] = [Self::TokenRead, Self::TokensList, Self::AuditRead];

    /// Returns whether it changes nothing: one of these, or an export.
    #[must_use]
    pub fn only_reads(self) -> bool {
        self == Self::UserExport || Self::READS.contains(&self)
    }
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A command is about to do it. Another row of the command says how it ended; there is none if
    /// the command was killed, and then a part may be done.
    Begun,
    /// It was done, or had been done before.
    Done,
    /// The actor may not do it.
    Refused,
    /// There was nothing to do it to.
    NotFound,
    /// The request was wrong, or did not fit the state of things.
    Rejected,
    /// The service could not do it; a part may be done.
    Failed,
}

words!(Outcome {
    Begun = "begun",
    Done = "done",
    Refused = "refused",
    NotFound = "not_found",
    Rejected = "rejected",
    Failed = "failed",
});

/// A row to leave: `Entry::new(actor, action).about(&user).object(id).ended(outcome)`.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) actor: Actor,
    pub(super) action: Action,
    pub(super) outcome: Outcome,
    pub(super) request_id: Option<String>,
    pub(super) merchant: Option<MerchantName>,
    pub(super) user: Option<UserKey>,
    pub(super) object: Option<String>,
}

impl Entry {
    /// An action that was done, in the present request if there is one.
    #[must_use]
    pub fn new(actor: Actor, action: Action) -> Self {
        let request_id = request::current_id();
        Self { actor, action, outcome: Outcome::Done, request_id, merchant: None, user: None, object: None }
    }

    /// Names the user that it concerns, and the user's merchant.
    #[must_use]
    pub fn about(mut self, key: &UserKey) -> Self {
        self.merchant = Some(key.merchant.clone());
        self.user = Some(key.clone());
        self
    }

    /// Names the merchant that it concerns.
    #[must_use]
    pub fn merchant(mut self, merchant: Option<&MerchantName>) -> Self {
        self.merchant = merchant.cloned();
        self
    }

    /// Names what else it concerns: an id, or a number. Never a secret or a user's name.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers have ids, numbers and new texts")]
    pub fn object(mut self, object: impl ToString) -> Self {
        self.object = Some(object.to_string());
        self
    }

    /// Says how it ended.
    #[must_use]
    pub fn ended(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

/// An entry with its time.
pub(super) struct Recorded {
    pub(super) at: DateTime<Utc>,
    pub(super) user_hash: Option<Vec<u8>>,
    pub(super) entry: Entry,
}
