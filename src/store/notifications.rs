//! The storage trait for notifications.

use async_trait::async_trait;

use super::engine::{Engine, SqlStore};
use super::{Signals, StoreError};

/// Notifications of the database.
#[async_trait]
pub trait Notifications: Send + Sync {
    /// Subscribes to notifications. The subscription has begun when this returns.
    async fn listen(&self) -> Result<Box<dyn Signals>, StoreError>;
}

#[async_trait]
impl<E: Engine> Notifications for SqlStore<E> {
    async fn listen(&self) -> Result<Box<dyn Signals>, StoreError> {
        self.engine.listen().await
    }
}
