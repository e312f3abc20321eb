//! One attempt at an order: token, prefill, submission, result.
//!
//! [`OrderSource`] gives due orders to the queue, [`DirectOrders`] starts new ones without it
//! looking for them, [`OrderHandler`] runs one of them, and [`WorkerLease`] keeps this process's
//! claims valid.

mod announcing;
mod attempt;
mod direct;
mod disposition;
mod lease;
mod results;
mod settle;
mod source;
mod spans;

pub use attempt::OrderHandler;
pub use direct::DirectOrders;
pub use lease::WorkerLease;
pub use results::ResultSpool;
pub use source::OrderSource;
