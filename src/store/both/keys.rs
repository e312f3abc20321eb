//! The statements for encryption keys; compiled for each engine.

use sqlx::query;
use uuid::Uuid;

use super::{Connection, Now, sql};
use crate::store::columns::Columns;
use crate::store::lease::bounded;
use crate::store::{Sealed, SealedKept, SealedToken, StoreError};

pub(in crate::store) async fn known(c: &mut Connection) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let rows = bounded(query(sql::KNOWN_KEYS).fetch_all(c)).await?;
    rows.iter().map(|row| Ok((row.text("name")?, row.bytes("fingerprint")?))).collect()
}

pub(in crate::store) async fn note(
    c: &mut Connection,
    now: Now,
    name: &str,
    fingerprint: &[u8],
) -> Result<(), StoreError> {
    bounded(query(sql::NOTE_KEY).bind(name).bind(fingerprint).bind(now).execute(c)).await?;
    Ok(())
}

pub(in crate::store) async fn sealed(c: &mut Connection, beginning: &[u8]) -> Result<Sealed, StoreError> {
    let row = bounded(query(sql::SEALED).bind(beginning).fetch_one(c)).await?;
    let count = |column| Ok::<_, StoreError>(u64::try_from(row.int(column)?).unwrap_or_default());
    Ok(Sealed { tokens: count("tokens")?, kept: count("kept")?, hash_key: count("hash_key")? })
}

pub(in crate::store) async fn sealed_otherwise(
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

pub(in crate::store) async fn kept_otherwise(
    c: &mut Connection,
    beginning: &[u8],
    after: Uuid,
    limit: u32,
) -> Result<Vec<SealedKept>, StoreError> {
    let list = query(sql::KEPT_OTHERWISE).bind(beginning).bind(after).bind(i64::from(limit));
    let rows = bounded(list.fetch_all(c)).await?;
    rows.iter().map(|row| Ok(SealedKept { purpose: row.id("purpose_ref")?, sealed: row.bytes("sealed")? })).collect()
}

pub(in crate::store) async fn reseal_token(
    c: &mut Connection,
    id: i64,
    from: &[u8],
    to: &[u8],
) -> Result<bool, StoreError> {
    Ok(bounded(query(sql::RESEAL_TOKEN).bind(id).bind(from).bind(to).execute(c)).await?.rows_affected() == 1)
}

pub(in crate::store) async fn reseal_kept(
    c: &mut Connection,
    purpose: Uuid,
    from: &[u8],
    to: &[u8],
) -> Result<bool, StoreError> {
    Ok(bounded(query(sql::RESEAL_KEPT).bind(purpose).bind(from).bind(to).execute(c)).await?.rows_affected() == 1)
}

pub(in crate::store) async fn reseal_hash_key(c: &mut Connection, from: &[u8], to: &[u8]) -> Result<bool, StoreError> {
    Ok(bounded(query(sql::RESEAL_HASH_KEY).bind(from).bind(to).execute(c)).await?.rows_affected() == 1)
}
