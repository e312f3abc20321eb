//! A refresh token and its exchanges. Pure: no I/O.
//!
//! [`decide()`] decides what may be done with a claimed token. [`answer::read`] decides what an
//! answer of the token endpoint means for it. [`ClaimedToken`] is the row, [`Presentation`] a row
//! of its ledger, and [`ExchangeEnd`] what is stored at the end.

pub mod answer;
pub mod claims;
mod decide;
mod exchange;
mod ledger;
mod secret;
mod state;
mod streak;

pub use self::answer::{Answer, Tokens};
pub(crate) use self::decide::{AFTER_USELESS_ANSWER, POLL_INTERVAL};
pub use self::decide::{Decision, IfDue, Policy, Unusable, decide};
pub use self::exchange::{
    CachedTokens, ExchangeEnd, ExchangeResult, Intended, Intent, NewCachedTokens, OrderClaim, Outcome,
    Purpose, PurposeKind, Settled, Successor,
};
pub use self::ledger::{ClaimedToken, LedgerCursor, LedgerEntry, Presentation, Standing, Stop};
pub use self::secret::{CachedFor, SealedFor, TokenSecret};
pub use self::state::{
    DeadReason, NewToken, Note, Registered, Resolution, Resolved, SignIn, TokenState, TokenView,
};
pub use self::streak::{LATEST, ProviderAnswer, Streak, probe_pause};
