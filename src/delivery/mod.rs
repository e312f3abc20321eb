//! How results reach the shop: settled in one transaction, then told to whoever waits.

mod settle;
mod wait;

pub use settle::settle;
pub use wait::Waiters;
