//! The storage trait for the schema: its migrations.

use async_trait::async_trait;

use super::StoreError;
use super::connections::health;
use super::engine::{Engine, SqlStore};
use super::migrations;

/// The schema of the database.
#[async_trait]
pub trait Schema: Send + Sync {
    /// Migrates the schema to this program's version, while other programs use it. Returns how many
    /// migrations ran. Waits for locks, and for another `migrate`, only for a limited time.
    async fn migrate(&self) -> Result<usize, StoreError>;

    /// Returns the names of this program's migrations that the database lacks. Fails if the
    /// database needs a newer program.
    async fn missing_migrations(&self) -> Result<Vec<String>, StoreError>;

    /// Returns the number of this program's newest migration.
    fn schema(&self) -> i64;
}

#[async_trait]
impl<E: Engine> Schema for SqlStore<E> {
    async fn migrate(&self) -> Result<usize, StoreError> {
        // A database that needs a newer program must not be used.
        let missing = self.missing_migrations().await?;
        self.engine.migrate(missing.len()).await
    }

    async fn missing_migrations(&self) -> Result<Vec<String>, StoreError> {
        let applied = self
            .read(async |c| {
                let applied = E::applied_migrations(c.raw).await?;
                if !applied.is_empty() {
                    health(c).await?;
                }
                Ok(applied)
            })
            .await?;
        migrations::missing(&E::migrator(), &applied)
    }

    fn schema(&self) -> i64 {
        E::migrator().iter().map(|migration| migration.version).max().unwrap_or_default()
    }
}
