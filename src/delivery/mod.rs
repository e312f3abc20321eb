//! How results reach the shop: settled in one transaction, then told to whoever waits, and to the shop's endpoint where it
//! has one.

mod outbox;
mod schedule;
mod settle;
mod wait;
mod webhook;

pub use outbox::{Outbox, PER_MERCHANT};
pub use settle::settle;
pub use wait::Waiters;
pub use webhook::Sender;
