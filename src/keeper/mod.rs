//! The keeper refreshes tokens before they expire.
//!
//! ```text
//!  registration, rotation ──► due.rs: when ──► the row's due date
//!                                                   │
//!  schedule.rs: a tick asks ──► sweep_lease.rs ──► sweep.rs: due tokens, by day of expiry
//!  `refresh` asks ──────────►   one at a time       │        (walk.rs)
//!                                                   ▼
//!                         Vault::refresh: claim, still due?, exchange, store ──► failed: due.rs
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
