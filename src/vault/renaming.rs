//! Gives a user another name, or merges two. The token keeps its row, so no exchange is disturbed.

use std::time::Duration;

use crate::clock::since_boot;
use crate::ids::{UserId, UserKey};
use crate::store::{Renamed, Renaming, StoreError};

/// The wait before another try while a worker has one of the user's orders.
const AGAIN: Duration = Duration::from_millis(200);

/// What to do if both names have a token.
pub const BOTH_HAVE_TOKENS: &str = "both users have a refresh token, and only one can stay: forget the other one \
     (`tokens forget`, or DELETE …/token), then rename again";
/// What to do if the user's orders are never at rest.
pub const BUSY: &str = "a worker has an order of the user at the moment: try again in a few seconds";

/// Moves all rows of a user to another name of the same merchant. While a worker has one of the
/// user's orders and may ask for its token, this waits for up to `patience`.
///
/// # Errors
/// If the store fails.
pub async fn rename(
    store: &dyn Renaming,
    from: &UserKey,
    to: &UserId,
    patience: Duration,
) -> Result<Renamed, StoreError> {
    let begun = since_boot();
    loop {
        let renamed = store.rename_user(from, to).await?;
        if renamed != Renamed::Busy || since_boot().saturating_sub(begun) >= patience {
            return Ok(renamed);
        }
        tokio::time::sleep(AGAIN).await;
    }
}
