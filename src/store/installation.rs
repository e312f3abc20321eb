//! Which installation a database belongs to, its schema, and whether it accepts this program.

use std::sync::Arc;

use async_trait::async_trait;

use super::columns::Columns;
use super::engine::{Connection, Engine, SqlStore};
use super::migrations::{self, OLDEST_PROGRAM, check_level};
use super::{Inspection, ReplicaFacts, ReplicaState, Signals, Store, StoreError};

/// The installation that a database belongs to.
#[derive(Clone)]
pub struct Installation {
    /// The setting `installation` at the first start.
    pub name: String,
    /// The key for hashes of known tokens, encrypted.
    pub hash_key: Vec<u8>,
}

#[async_trait]
impl<E: Engine> Store for SqlStore<E> {
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

    async fn listen(&self) -> Result<Box<dyn Signals>, StoreError> {
        self.engine.listen().await
    }

    async fn health(&self) -> Result<(), StoreError> {
        self.read(async |c| health(c).await).await
    }

    async fn inspect(&self) -> Result<Inspection, StoreError> {
        self.engine.inspect().await
    }

    async fn keep_ready(&self) -> Result<(), StoreError> {
        self.engine.keep_ready().await
    }

    fn for_lists(&self) -> Arc<dyn Store> {
        Arc::new(self.lagging())
    }

    async fn replica_state(&self) -> Option<ReplicaState> {
        self.engine.replica_state().await
    }

    async fn examine_replica(&self) -> Result<Option<ReplicaFacts>, StoreError> {
        self.engine.examine_replica().await
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}

async fn health<E: Engine>(c: &mut Connection<'_, E>) -> Result<(), StoreError> {
    let row = c.query(E::STATEMENTS.installation.health).fetch_one().await?;
    if row.flag("read_only")? {
        return Err(StoreError::ReadOnly("the server takes no writes".into()));
    }
    check_level(row.int("minimum_program")?)
}
