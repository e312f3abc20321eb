//! The storage trait for the connections to the database.

use async_trait::async_trait;

use super::columns::Columns;
use super::engine::{Connection, Engine, SqlStore};
use super::migrations::check_level;
use super::{Inspection, StoreError};

/// The connections to the database.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Checks that the database answers and accepts this program. Fails with
    /// [`StoreError::NeedsNewerProgram`] if it needs a newer one.
    async fn health(&self) -> Result<(), StoreError>;

    /// Returns facts about the engine for `doctor`. Works without a schema.
    async fn inspect(&self) -> Result<Inspection, StoreError>;

    /// Opens connections in advance, so that a burst of orders does not wait for them. Unused
    /// connections are closed after a while, so a service calls this regularly. Does nothing on
    /// SQLite, where a connection opens at once.
    async fn keep_ready(&self) -> Result<(), StoreError>;

    /// Closes every connection.
    async fn close(&self);
}

#[async_trait]
impl<E: Engine> Connections for SqlStore<E> {
    async fn health(&self) -> Result<(), StoreError> {
        self.read(async |c| health(c).await).await
    }

    async fn inspect(&self) -> Result<Inspection, StoreError> {
        self.engine.inspect().await
    }

    async fn keep_ready(&self) -> Result<(), StoreError> {
        self.engine.keep_ready().await
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}

/// As [`Connections::health`], on this connection.
pub(super) async fn health<E: Engine>(c: &mut Connection<'_, E>) -> Result<(), StoreError> {
    let row = c.query(E::STATEMENTS.installation.health).fetch_one().await?;
    if row.flag("read_only")? {
        return Err(StoreError::ReadOnly("the server takes no writes".into()));
    }
    check_level(row.int("minimum_program")?)
}
