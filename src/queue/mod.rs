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
mod beat;
mod feeder;
mod share;
mod slots;
mod source;
mod step;
mod wake;
mod worker;

pub use beat::{Beat, BeatOptions, BeatWatch, Heartbeat, Lease};
pub use share::share;
pub use source::{Claimed, Handler, Look, Source};
pub use step::{drain, run_one};
pub use wake::{Wake, Woken};
pub use worker::{Options, Queue, Running, Stopped};

#[cfg(test)]
mod tests;
