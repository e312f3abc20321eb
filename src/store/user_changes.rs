//! Renamings and erasures of users that are under way. Each changes a user's rows in several
//! transactions, so it marks its users in the first one, and no other begins there until the last
//! one has removed the marks. A mark outlives the process that made it.

use super::StoreError;
use super::columns::Columns;
use super::engine::{Connection, Engine};
use crate::ids::{UserId, UserKey};

/// What is under way with a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UserChange {
    /// The user gets another name. Both names are marked.
    Renaming { from: UserId, to: UserId },
    /// The user's data is erased.
    Erasure,
}

/// The result of [`begin`].
pub(super) enum Begun {
    /// The user is marked from now on.
    Now,
    /// The same change has begun before.
    Before,
    /// Another change is under way. Nothing was written.
    Other(UserChange),
}

/// Marks a user, inside the caller's transaction. Waits for a transaction that is marking the same
/// user.
pub(super) async fn begin<E: Engine>(
    c: &mut Connection<'_, E>,
    user: &UserKey,
    change: &UserChange,
) -> Result<Begun, StoreError> {
    let (from, to) = match change {
        UserChange::Renaming { from, to } => (Some(from), Some(to)),
        UserChange::Erasure => (None, None),
    };
    loop {
        let begin = c.query(E::STATEMENTS.user_changes.begin).bind_user(user).bind(from).bind(to);
        if begin.execute().await? == 1 {
            return Ok(Begun::Now);
        }
        match under_way(c, user).await? {
            Some(found) if found == *change => return Ok(Begun::Before),
            Some(found) => return Ok(Begun::Other(found)),
            // It has ended in between.
            None => {}
        }
    }
}

/// Returns what is under way with a user, and holds it until the caller's transaction ends.
pub(super) async fn under_way<E: Engine>(
    c: &mut Connection<'_, E>,
    user: &UserKey,
) -> Result<Option<UserChange>, StoreError> {
    let row = c.query(E::STATEMENTS.user_changes.under_way).bind_user(user).fetch_optional().await?;
    row.map(|row| {
        let (from, to) = (row.opt_text("renamed_from")?, row.opt_text("renamed_to")?);
        Ok(match (from, to) {
            (Some(from), Some(to)) => UserChange::Renaming { from: UserId::from(from), to: UserId::from(to) },
            _ => UserChange::Erasure,
        })
    })
    .transpose()
}

/// Removes the mark of a user.
pub(super) async fn end<E: Engine>(c: &mut Connection<'_, E>, user: &UserKey) -> Result<(), StoreError> {
    c.query(E::STATEMENTS.user_changes.end).bind_user(user).execute().await?;
    Ok(())
}
