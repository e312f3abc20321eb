//! The keeper refreshes tokens before they expire.
//!
//! ```text
//!  registration, rotation ──► due.rs: when ──► the row's due date
//!                                                   │ the query `due_of_day` (store/sql/ENGINE/keeper.rs)
//!                                                   ▼
//!                                                  sweep/due_tokens.rs: the due tokens, by day of expiry
//!                                                   │
//!                                                   ▼
//!  schedule.rs: a tick asks ──► sweep_lease.rs ──► sweep.rs, sweep/walk.rs: each, at the sweep's rate
//!  `refresh` asks ──────────►   one at a time       │
//!                                                   ▼
//!                         Vault::refresh: claim, still due? (token/decide.rs), exchange, store
//!                                                   │ failed
//!                                                   ▼
//!                         Sweeper::postpone: the next due date, after a wait of due.rs
//! ```
//!
//! All state is in the rows, so an interrupted sweep is continued by the next one.

mod due;
mod plan;
mod schedule;
mod summary;
mod sweep;
mod sweep_lease;

pub use due::Due;
pub use plan::replan;
pub use schedule::SweepSchedule;
pub use summary::{RefreshOutcome, Summary, TokenReport};
pub use sweep::{Dependencies, Run, Scope, Sweeper};
