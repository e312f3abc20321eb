//! How results reach the shop: told to whoever waits, and to the shop's endpoint where it has one.

mod outbox;
mod schedule;
mod wait;
mod webhook;

pub use outbox::{Outbox, PER_MERCHANT};
pub use wait::Waiters;
pub use webhook::Sender;
