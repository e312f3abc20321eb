//! Erases all data of a user in batches: see [`super::Upkeep::erase_user`].

use uuid::Uuid;

use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore};
use super::user_changes::{self, Begun, UserChange};
use super::{StoreError, follow_ups, json, renaming, tokens};
use crate::ids::UserKey;
use crate::order::{ErrorCode, OrderError, OrderId};

/// How many orders of a user are erased in one transaction.
const BATCH: i64 = 500;

/// What was erased of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Whether there was a row for the user's token.
    pub token: bool,
    /// Orders that no longer name the user.
    pub orders: u64,
    /// How many of these had not ended and are now cancelled.
    pub cancelled: u64,
    /// Webhook events that were deleted.
    pub webhooks: u64,
}

pub(super) async fn erase<E: Engine>(store: &SqlStore<E>, key: &UserKey) -> Result<Erased, StoreError> {
    let pseudonym = format!("erased-{}", Uuid::new_v4());
    let mut erased = Erased::default();
    let cancelled = loop {
        let begun = store
            .transaction(async |c| {
                if let Begun::Other(other) = user_changes::begin(c, key, &UserChange::Erasure).await? {
                    return Ok(Err(other));
                }
                // Other transactions lock in the same order: orders, token, cached tokens.
                let cancelled = cancel(c, store.now(), key).await?;
                follow_ups::abort_orders(c, store.now(), key).await?;
                erased.token |= erase_token(c, store.now(), key, &pseudonym).await?;
                Ok(Ok(cancelled))
            })
            .await?;
        match begun {
            Ok(cancelled) => break cancelled,
            // What has the user's name belongs to the user, so it is moved first.
            Err(other) => drop(renaming::finish(store, &key.merchant, &other).await?),
        }
    };
    store.engine.notify_settled(&cancelled);
    erased.cancelled = cancelled.len() as u64;
    loop {
        let orders = store
            .transaction(async |c| {
                // If another process has ended the erasure, nothing is left, and the name may be
                // used anew.
                if user_changes::under_way(c, key).await? != Some(UserChange::Erasure) {
                    return Ok(0);
                }
                let sql = &E::STATEMENTS.erasure;
                let orders = c.query(sql.orders).bind_user(key).bind(&pseudonym).bind(BATCH);
                let orders = orders.execute().await?;
                // After orders and token, because their changes may have written more webhooks.
                erased.webhooks += c.query(sql.webhooks).bind_user(key).execute().await?;
                if orders == 0 {
                    user_changes::end(c, key).await?;
                }
                Ok(orders)
            })
            .await?;
        erased.orders += orders;
        if orders == 0 {
            break;
        }
    }
    store.engine.overwrite_erased().await?;
    Ok(erased)
}

/// Cancels the open orders and returns their ids.
async fn cancel<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    key: &UserKey,
) -> Result<Vec<OrderId>, StoreError> {
    let error = json(&OrderError::new(
        ErrorCode::UserErased,
        "the user's data was erased before the order had ended; if it was running, Klarna may have it",
    ))?;
    let cancel = c.query(E::STATEMENTS.erasure.open_orders).bind_user(key).bind(now).bind(&error);
    let rows = cancel.fetch_all().await?;
    rows.iter().map(|row| Ok(row.id("id")?)).collect()
}

/// Erases the user's token. Returns whether there was a row.
async fn erase_token<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    key: &UserKey,
    pseudonym: &str,
) -> Result<bool, StoreError> {
    let erase = c.query(E::STATEMENTS.erasure.token).bind_user(key).bind(pseudonym).bind(now);
    let Some(row) = erase.fetch_optional().await? else { return Ok(false) };
    let token = row.token("id")?;
    c.query(E::STATEMENTS.erasure.known).bind(token).execute().await?;
    tokens::forget_cached(c, token).await?;
    Ok(true)
}
