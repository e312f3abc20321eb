//! A refresh token and its exchanges; pure, no I/O.

mod exchange;
mod ledger;
mod state;

pub use self::exchange::{
    ExchangeEnd, ExchangeResult, Intended, Intent, Kept, NewKept, Outcome, Owner, Purpose, PurposeKind, Settled,
    Successor,
};
pub use self::ledger::{ClaimedToken, LedgerEntry, LedgerPlace, Presentation};
pub use self::state::{DeadReason, NewToken, Note, Registered, Resolution, Resolved, TokenState, TokenView};
