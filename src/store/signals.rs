//! What the database notifies its processes of.

use async_trait::async_trait;

use super::StoreError;
use crate::order::OrderId;

/// Notifications about orders and pauses: from the database, or on SQLite from this process.
#[async_trait]
pub trait Signals: Send {
    /// Waits for the next notification. After an error, notifications may have been missed: read
    /// the rows, and subscribe again.
    async fn next(&mut self) -> Result<Signal, StoreError>;
}

/// A notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Orders may be due.
    Due,
    /// An order has ended.
    Settled(OrderId),
    /// A pause has begun, or was resumed.
    Pauses,
    /// A process has begun.
    Workers,
    /// Another process wrote something, and the engine does not say what: read the rows.
    Changed,
}
