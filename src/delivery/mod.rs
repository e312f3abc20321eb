//! Brings results to the shop: to requests that wait for an order, and to the shop's webhook
//! endpoint.

mod outbox;
mod schedule;
mod wait;
mod webhook;

pub use outbox::{Outbox, PER_MERCHANT};
pub use wait::{RunHere, Waiters};
pub use webhook::Sender;
