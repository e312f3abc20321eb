//! The storage trait for the installation that a database belongs to.

use async_trait::async_trait;

use super::StoreError;
use super::columns::Columns;
use super::engine::{Engine, SqlStore};
use super::migrations::{OLDEST_PROGRAM, check_level};

/// The installation that a database belongs to.
#[derive(Clone)]
pub struct Installation {
    /// The setting `installation` at the first start.
    pub name: String,
    /// The key for hashes of known tokens, encrypted.
    pub hash_key: Vec<u8>,
}

/// Storage for the installation.
#[async_trait]
pub trait Installations: Send + Sync {
    /// Returns the installation that the database belongs to; `None` before its first start.
    async fn installation(&self) -> Result<Option<Installation>, StoreError>;

    /// Records the installation, unless there is one already.
    async fn found_installation(&self, installation: &Installation) -> Result<(), StoreError>;
}

#[async_trait]
impl<E: Engine> Installations for SqlStore<E> {
    async fn installation(&self) -> Result<Option<Installation>, StoreError> {
        self.read(async |c| {
            if E::applied_migrations(c.raw).await?.is_empty() {
                return Ok(None);
            }
            let found = c.query(E::STATEMENTS.installation.installation).fetch_optional().await?;
            let Some(row) = found else { return Ok(None) };
            check_level(row.int("minimum_program")?)?;
            Ok(Some(Installation { name: row.text("name")?, hash_key: row.bytes("hash_key")? }))
        })
        .await
    }

    async fn found_installation(&self, installation: &Installation) -> Result<(), StoreError> {
        self.write(async |c| {
            let found = c.query(E::STATEMENTS.installation.found_installation).bind(&installation.name);
            found.bind(&installation.hash_key).bind(self.now()).bind(OLDEST_PROGRAM).execute().await?;
            Ok(())
        })
        .await
    }
}
