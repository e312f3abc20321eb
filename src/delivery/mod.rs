//! Brings results to the shop: to requests that wait for an order (`wait.rs`), and to the shop's
//! webhook endpoint:
//!
//! 1. `outbox.rs` claims due events for the queue.
//! 2. `webhook.rs` signs one and sends it.
//! 3. `schedule.rs` says when a failed one is sent again.
//! 4. The store gives it up if that is after the event's `give_up_at` (the statement
//!    `webhook_retry`).

mod outbox;
mod schedule;
mod wait;
mod webhook;

pub use outbox::{Outbox, PER_MERCHANT};
pub use wait::{RunHere, Waiters};
pub use webhook::Sender;
