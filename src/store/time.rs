//! The storage trait for the database's time. Times of several processes are compared only by it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore};

/// The clock that all processes share.
#[async_trait]
pub trait DatabaseClock: Send + Sync {
    /// Returns the database's time.
    async fn time(&self) -> Result<DateTime<Utc>, StoreError>;
}

#[async_trait]
impl<E: Engine> DatabaseClock for SqlStore<E> {
    async fn time(&self) -> Result<DateTime<Utc>, StoreError> {
        self.read(async |c| time(c, self.now()).await).await
    }
}

/// Returns the database's time.
pub(super) async fn time<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
) -> Result<DateTime<Utc>, StoreError> {
    Ok(c.query(E::STATEMENTS.keeper.now).bind(now).fetch_one().await?.time("now")?)
}
