//! The statements for encryption keys; compiled for each engine.

use async_trait::async_trait;
use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, Own, sql};
use crate::store::columns::Columns;
use crate::store::pool::bounded;
use crate::store::{Keys, Sealed, SealedCachedTokens, SealedToken, StoreError};

#[async_trait]
impl Keys for Own {
    async fn known_keys(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut lease = self.read().await?;
        let done = known(&mut lease).await?;
        lease.done();
        Ok(done)
    }

    async fn note_key(&self, name: &str, fingerprint: &[u8]) -> Result<(), StoreError> {
        let mut lease = self.write().await?;
        note(&mut lease, self.now(), name, fingerprint).await?;
        lease.done();
        Ok(())
    }

    async fn sealed(&self, beginning: &[u8]) -> Result<Sealed, StoreError> {
        let mut lease = self.read().await?;
        let done = sealed(&mut lease, beginning).await?;
        lease.done();
        Ok(done)
    }

    async fn sealed_otherwise(&self, beginning: &[u8], after: i64, limit: u32) -> Result<Vec<SealedToken>, StoreError> {
        let mut lease = self.read().await?;
        let done = sealed_otherwise(&mut lease, beginning, after, limit).await?;
        lease.done();
        Ok(done)
    }

    async fn cached_otherwise(
        &self,
        beginning: &[u8],
        after: Uuid,
        limit: u32,
    ) -> Result<Vec<SealedCachedTokens>, StoreError> {
        let mut lease = self.read().await?;
        let done = cached_otherwise(&mut lease, beginning, after, limit).await?;
        lease.done();
        Ok(done)
    }

    async fn reseal_token(&self, id: i64, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
        let mut lease = self.write().await?;
        let done = reseal_token(&mut lease, id, from, to).await?;
        lease.done();
        Ok(done)
    }

    async fn reseal_cached(&self, purpose: Uuid, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
        let mut lease = self.write().await?;
        let done = reseal_cached(&mut lease, purpose, from, to).await?;
        lease.done();
        Ok(done)
    }

    async fn reseal_hash_key(&self, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
        let mut lease = self.write().await?;
        let done = reseal_hash_key(&mut lease, from, to).await?;
        lease.done();
        Ok(done)
    }
}

async fn known(c: &mut Connection) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let rows = bounded(query(sql::KNOWN_KEYS).fetch_all(c)).await?;
    rows.iter().map(|row| Ok((row.text("name")?, row.bytes("fingerprint")?))).collect()
}

async fn note(c: &mut Connection, now: Now, name: &str, fingerprint: &[u8]) -> Result<(), StoreError> {
    bounded(query(sql::NOTE_KEY).bind(name).bind(fingerprint).bind(now).execute(c)).await?;
    Ok(())
}

async fn sealed(c: &mut Connection, beginning: &[u8]) -> Result<Sealed, StoreError> {
    let row = bounded(query(sql::SEALED).bind(beginning).fetch_one(c)).await?;
    let count = |column| Ok::<_, StoreError>(u64::try_from(row.int(column)?).unwrap_or_default());
    Ok(Sealed { tokens: count("tokens")?, kept: count("kept")?, hash_key: count("hash_key")? })
}

async fn sealed_otherwise(
    c: &mut Connection,
    beginning: &[u8],
    after: i64,
    limit: u32,
) -> Result<Vec<SealedToken>, StoreError> {
    let list = query(sql::SEALED_OTHERWISE).bind(beginning).bind(after).bind(i64::from(limit));
    let rows = bounded(list.fetch_all(c)).await?;
    rows.iter()
        .map(|row| {
            let (merchant, user) = (row.text("merchant")?, row.text("user_id")?);
            Ok(SealedToken { id: row.int("id")?, merchant, user, sealed: row.bytes("sealed")? })
        })
        .collect()
}

async fn cached_otherwise(
    c: &mut Connection,
    beginning: &[u8],
    after: Uuid,
    limit: u32,
) -> Result<Vec<SealedCachedTokens>, StoreError> {
    let list = query(sql::KEPT_OTHERWISE).bind(beginning).bind(after).bind(i64::from(limit));
    let rows = bounded(list.fetch_all(c)).await?;
    rows.iter()
        .map(|row| Ok(SealedCachedTokens { purpose: row.id("purpose_ref")?, sealed: row.bytes("sealed")? }))
        .collect()
}

async fn reseal_token(c: &mut Connection, id: i64, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
    Ok(bounded(query(sql::RESEAL_TOKEN).bind(id).bind(from).bind(to).execute(c)).await?.rows_affected() == 1)
}

async fn reseal_cached(c: &mut Connection, purpose: Uuid, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
    Ok(bounded(query(sql::RESEAL_KEPT).bind(purpose).bind(from).bind(to).execute(c)).await?.rows_affected() == 1)
}

async fn reseal_hash_key(c: &mut Connection, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
    Ok(bounded(query(sql::RESEAL_HASH_KEY).bind(from).bind(to).execute(c)).await?.rows_affected() == 1)
}
