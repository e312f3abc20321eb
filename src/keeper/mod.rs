//! The keeper: no token lapses by neglect.
//!
//! ```text
//!  registration, rotation ──► due.rs: when ──► the row's due date
//!                                                   │
//!  schedule.rs: a tick asks ──► right.rs: one ──► sweep.rs: what is due, by day of expiry, at the pace of the settings
//!  `refresh` asks ──────────►   sweeps at a time    │        (walk.rs)
//!                                                   ▼
//!                         Vault::refresh: claim, still due?, exchange, store ──► failed: a later date (due.rs)
//! ```
//!
//! Nothing but the rows is kept from one sweep to the next: one that is cut off goes on where the next begins.

mod due;
mod plan;
mod schedule;
mod summary;
mod sweep;
mod sweep_lease;
mod walk;

pub use due::Due;
pub use plan::replan;
pub use schedule::SweepSchedule;
pub use summary::{RefreshOutcome, Summary, TokenReport};
pub use sweep::{Dependencies, Run, Scope, Sweeper};
