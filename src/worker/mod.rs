//! An order's way through one attempt: token, prefill, submission, result.
//!
//! [`OrderSource`] hands due orders to the queue, [`OrderHandler`] runs one of them, [`WorkerLease`] keeps this
//! process's claims alive.

mod attempt;
mod disposition;
mod lease;
mod settle;
mod source;
mod spans;

pub use attempt::OrderHandler;
pub use lease::WorkerLease;
pub use source::OrderSource;
