//! The storage trait for users that the shop renames or merges.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreError;
use super::columns::Columns;
use super::engine::{Connection, Engine, Now, SqlStore};
use super::token_view::token_view;
use super::user_changes::{self, Begun, UserChange};
use crate::ids::{MerchantName, TokenId, UserId, UserKey};
use crate::token::TokenState;

/// How many rows of a user's history get the new name in one transaction.
const BATCH: i64 = 500;

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
    /// The data of one of the users is being erased. Nothing changed.
    BeingErased,
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
    /// Moves all rows of a user to another name of the same merchant: the token and the orders that
    /// have not ended in one transaction, then the history in batches. The token keeps its row and
    /// generation, so that an exchange in flight stores its successor there. After an error, call
    /// it again: it moves the rest.
    ///
    /// A running order does not ask for the token if its access token stays good for `usable_for`.
    async fn rename_user(
        &self,
        from: &UserKey,
        to: &UserId,
        usable_for: Duration,
    ) -> Result<Renamed, StoreError>;
}

#[async_trait]
impl<E: Engine> Renaming for SqlStore<E> {
    async fn rename_user(
        &self,
        from: &UserKey,
        to: &UserId,
        usable_for: Duration,
    ) -> Result<Renamed, StoreError> {
        let renaming = UserChange::Renaming { from: from.user.clone(), to: to.clone() };
        let to = UserKey { merchant: from.merchant.clone(), user: to.clone() };
        loop {
            let present =
                self.transaction(async |c| move_present(c, self.now(), from, &to, usable_for).await).await;
            let mut moved = match present {
                Ok(Present::Moved(moved)) => moved,
                Ok(Present::Refused(refused)) => return Ok(refused),
                Ok(Present::Behind(UserChange::Erasure)) => return Ok(Renamed::BeingErased),
                Ok(Present::Behind(other)) => {
                    finish(self, &from.merchant, &other).await?;
                    continue;
                }
                // A row came in meanwhile: an order of the old name, or a token of the new one.
                Err(StoreError::Conflict(_)) => return Ok(Renamed::Busy),
                Err(error) => return Err(error),
            };
            let history = finish(self, &from.merchant, &renaming).await?;
            moved.orders += history.orders;
            moved.webhooks += history.webhooks;
            return Ok(Renamed::Done(moved));
        }
    }
}

/// Moves the history of a renaming that has begun, here or elsewhere, and ends it. Returns what it
/// moved.
pub(super) async fn finish<E: Engine>(
    store: &SqlStore<E>,
    merchant: &MerchantName,
    renaming: &UserChange,
) -> Result<Moved, StoreError> {
    let mut moved = Moved::default();
    let UserChange::Renaming { from, to } = renaming else { return Ok(moved) };
    let [from, to] = [from, to].map(|user| UserKey { merchant: merchant.clone(), user: user.clone() });
    loop {
        let batch = store.transaction(async |c| move_history(c, &from, &to, renaming).await).await?;
        moved.orders += batch.orders;
        moved.webhooks += batch.webhooks;
        if batch == Moved::default() {
            return Ok(moved);
        }
    }
}

/// The result of the first transaction.
enum Present {
    Moved(Moved),
    Refused(Renamed),
    /// Another change of one of the users has to end first.
    Behind(UserChange),
}

/// Moves what an exchange or a worker may ask for by name: the token, and the orders that have not
/// ended.
async fn move_present<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    from: &UserKey,
    to: &UserKey,
    usable_for: Duration,
) -> Result<Present, StoreError> {
    let renaming = UserChange::Renaming { from: from.user.clone(), to: to.user.clone() };
    let mut marked = Vec::new();
    let mut result = None;
    // In one order, whoever renames, and before any other row is locked.
    let mut users = [from, to];
    users.sort_unstable();
    for user in users {
        match user_changes::begin(c, user, &renaming).await? {
            Begun::Now => marked.push(user),
            Begun::Before => {}
            Begun::Other(other) => {
                result = Some(Present::Behind(other));
                break;
            }
        }
    }
    let result = match result {
        Some(behind) => behind,
        None => match move_marked(c, now, from, to, usable_for).await? {
            Renamed::Done(moved) => return Ok(Present::Moved(moved)),
            refused => Present::Refused(refused),
        },
    };
    for user in marked {
        user_changes::end(c, user).await?;
    }
    Ok(result)
}

/// The same, of users that are marked.
async fn move_marked<E: Engine>(
    c: &mut Connection<'_, E>,
    now: Now,
    from: &UserKey,
    to: &UserKey,
    usable_for: Duration,
) -> Result<Renamed, StoreError> {
    let sql = &E::STATEMENTS.renaming;
    // No worker claims a locked order, so none looks for the token under the old name from here on.
    let open = c.query(sql.lock_open_orders).bind_user(from).bind(now).bind(usable_for).fetch_all().await?;
    for order in &open {
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
    let orders = c.query(sql.open_orders).bind_user(from).bind(&to.user).execute().await?;
    if orders != open.len() as u64 {
        // An order was accepted in between, and a worker may have it by now.
        return Err(StoreError::Conflict("an order of the old name".into()));
    }
    Ok(Renamed::Done(Moved { token, orders, webhooks: 0 }))
}

/// Moves one batch of what has ended, and of the events. The last one, which finds nothing, ends
/// the renaming. If another process has ended it, nothing is moved: the names may be used anew.
async fn move_history<E: Engine>(
    c: &mut Connection<'_, E>,
    from: &UserKey,
    to: &UserKey,
    renaming: &UserChange,
) -> Result<Moved, StoreError> {
    // Locked in the same order as in the first transaction.
    let mut users = [from, to];
    users.sort_unstable();
    for user in users {
        if user_changes::under_way(c, user).await?.as_ref() != Some(renaming) {
            return Ok(Moved::default());
        }
    }
    let sql = &E::STATEMENTS.renaming;
    let orders = c.query(sql.ended_orders).bind_user(from).bind(&to.user).bind(BATCH).execute().await?;
    let webhooks = c.query(sql.webhooks).bind_user(from).bind(&to.user).bind(BATCH).execute().await?;
    let moved = Moved { token: false, orders, webhooks };
    if moved == Moved::default() {
        user_changes::end(c, from).await?;
        user_changes::end(c, to).await?;
    }
    Ok(moved)
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
async fn move_row<E: Engine>(
    c: &mut Connection<'_, E>,
    id: TokenId,
    to: &UserKey,
) -> Result<bool, StoreError> {
    Ok(c.query(E::STATEMENTS.renaming.token).bind(id).bind(&to.user).execute().await? == 1)
}

/// Gives a tombstone a random name, and its known tokens to the row that stays: they belong to that
/// user. They count as arrived no later than that row's own last token, because a later time would
/// make a successor that a spool still holds look superseded.
async fn retire<E: Engine>(c: &mut Connection<'_, E>, id: TokenId, into: TokenId) -> Result<(), StoreError> {
    let name = UserId::from(format!("renamed-{}", Uuid::new_v4()));
    c.query(E::STATEMENTS.renaming.token).bind(id).bind(&name).execute().await?;
    c.query(E::STATEMENTS.renaming.known).bind(id).bind(into).execute().await?;
    Ok(())
}
