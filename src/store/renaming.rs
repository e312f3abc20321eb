//! The storage trait for users that the shop renames or merges.

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreError;
use super::columns::Columns;
use super::engine::{Connection, Engine, SqlStore};
use super::token_view::token_view;
use crate::ids::{TokenId, UserId, UserKey};
use crate::token::TokenState;

/// The result of renaming a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// Everything of the user has the new name.
    Done(Moved),
    /// Both names have a token. Nothing changed.
    BothHaveTokens,
    /// A worker has one of the user's orders and may ask for the token under the old name. Nothing
    /// changed.
    Busy,
}

/// What was moved to another name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Whether a token was moved, with its ledger.
    pub token: bool,
    /// Orders, those that have ended included.
    pub orders: u64,
    /// Webhook events. What they say of the user stays as it was.
    pub webhooks: u64,
}

/// Storage for renaming users.
#[async_trait]
pub trait Renaming: Send + Sync {
    /// Moves all rows of a user to another name of the same merchant, in one transaction. The token
    /// keeps its row and generation, so that an exchange in flight stores its successor there.
    async fn rename_user(&self, from: &UserKey, to: &UserId) -> Result<Renamed, StoreError>;
}

#[async_trait]
impl<E: Engine> Renaming for SqlStore<E> {
    async fn rename_user(&self, from: &UserKey, to: &UserId) -> Result<Renamed, StoreError> {
        let to = UserKey { merchant: from.merchant.clone(), user: to.clone() };
        self.transaction(async |c| rename(c, from, &to).await).await
    }
}

async fn rename<E: Engine>(c: &mut Connection<'_, E>, from: &UserKey, to: &UserKey) -> Result<Renamed, StoreError> {
    let sql = &E::STATEMENTS.renaming;
    // No worker claims a locked order, so none looks for the token under the old name from here on.
    let open = c.query(sql.lock_open_orders).bind_user(from).fetch_all().await?;
    for order in open {
        if order.flag("asks")? {
            return Ok(Renamed::Busy);
        }
    }
    // In one order, whoever renames.
    let (old, new) = if from < to {
        let old = lock(c, from).await?;
        (old, lock(c, to).await?)
    } else {
        let new = lock(c, to).await?;
        (lock(c, from).await?, new)
    };
    let token = match (old, new) {
        (None, _) => false,
        (Some(old), None) => move_row(c, old.id, to).await?,
        (Some(old), Some(new)) if new.is_tombstone => {
            retire(c, new.id, old.id).await?;
            move_row(c, old.id, to).await?
        }
        (Some(old), Some(new)) if old.is_tombstone => {
            retire(c, old.id, new.id).await?;
            false
        }
        (Some(_), Some(_)) => return Ok(Renamed::BothHaveTokens),
    };
    let orders = c.query(sql.orders).bind_user(from).bind(&to.user).execute().await?;
    let webhooks = c.query(sql.webhooks).bind_user(from).bind(&to.user).execute().await?;
    Ok(Renamed::Done(Moved { token, orders, webhooks }))
}

/// A token's row, held until the transaction ends.
struct Locked {
    id: TokenId,
    is_tombstone: bool,
}

async fn lock<E: Engine>(c: &mut Connection<'_, E>, key: &UserKey) -> Result<Option<Locked>, StoreError> {
    let row = c.query(E::STATEMENTS.tokens.lock_token).bind_user(key).fetch_optional().await?;
    let Some(row) = row else { return Ok(None) };
    let is_tombstone = token_view(&row)?.state == TokenState::Forgotten;
    Ok(Some(Locked { id: row.token("id")?, is_tombstone }))
}

/// Gives a row another name. Who the shopper is, is noted anew: that hash is made with the name.
async fn move_row<E: Engine>(c: &mut Connection<'_, E>, id: TokenId, to: &UserKey) -> Result<bool, StoreError> {
    Ok(c.query(E::STATEMENTS.renaming.token).bind(id).bind(&to.user).execute().await? == 1)
}

/// Gives a tombstone a random name, and its known tokens to the row that stays: they belong to that
/// user.
async fn retire<E: Engine>(c: &mut Connection<'_, E>, id: TokenId, into: TokenId) -> Result<(), StoreError> {
    let name = UserId::from(format!("renamed-{}", Uuid::new_v4()));
    c.query(E::STATEMENTS.renaming.token).bind(id).bind(&name).execute().await?;
    c.query(E::STATEMENTS.renaming.known).bind(id).bind(into).execute().await?;
    Ok(())
}
