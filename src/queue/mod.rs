//! The queue: rows that fall due are claimed, worked on, and settled. It knows nothing of what the rows mean.
//!
//! ```text
//!            Wake ──► feeder ──claim──► Source (the rows; a row is the job)
//!   due time, poll ─►   │                  ▲
//!                       │ jobs, each with  │ settle: done, retry at, snooze, fail
//!                       │ its slot         │
//!                       ▼                  │
//!                    apalis' worker ──► Handler        Heartbeat ──► Lease
//! ```
//!
//! [`Queue::start`] runs it; [`run_one`] and [`drain`] step it in tests. The rows' side is a [`Source`], the work a [`Handler`].
//! [`Heartbeat`] keeps this worker's claims alive and frees those of lost workers.

mod backend;
mod feeder;
mod heartbeat;
mod share;
mod slots;
mod source;
mod step;
mod wake;
mod worker;

pub use heartbeat::{Heartbeat, HeartbeatMonitor, HeartbeatOptions, HeartbeatOutcome, Lease};
pub use share::share;
pub use source::{ClaimBatch, Claimed, Handler, Source};
pub use step::{drain, run_one};
pub use wake::{Wake, WakeListener};
pub use worker::{Options, Queue, Running, Stopped};

#[cfg(test)]
mod tests;
