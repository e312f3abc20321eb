//! Gives a user another name, or merges two. The token keeps its row, so no exchange is disturbed.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::since_boot;
use crate::ids::{UserId, UserKey};
use crate::store::{Renamed, Renaming, StoreError};

/// The wait before another try while a worker has one of the user's orders.
const AGAIN: Duration = Duration::from_millis(200);
/// How much longer than `vault.access_token_margin` the access token of a running order must stay
/// good, so that the order does not ask for another one.
const ATTEMPT: Duration = Duration::from_mins(1);

/// What to do if both names have a token.
pub const BOTH_HAVE_TOKENS: &str = "both users have a refresh token, and only one can stay: forget the other one \
     (`tokens forget`, or DELETE …/token), then rename again";
/// What to do if the user's orders are never at rest.
pub const BUSY: &str = "a worker has an order of the user at the moment: try again in a few seconds";

/// What to do if the user's data is being erased.
pub const BEING_ERASED: &str = "the user's data is being erased: try again in a few seconds. If an erasure was \
     interrupted, repeat it first";

/// Renames users.
#[derive(Clone)]
pub struct Renamer {
    store: Arc<dyn Renaming>,
    usable_for: Duration,
}

impl Renamer {
    /// Renames users in a store. `margin` is the setting `vault.access_token_margin`.
    #[must_use]
    pub fn new(store: Arc<dyn Renaming>, margin: Duration) -> Self {
        Self { store, usable_for: margin + ATTEMPT }
    }

    /// Moves all rows of a user to another name of the same merchant. While a worker has one of the
    /// user's orders and may ask for its token, or the user's data is being erased, this waits for
    /// up to `longest`.
    ///
    /// # Errors
    /// If the store fails. A part may have the new name then; call it again for the rest.
    pub async fn rename(
        &self,
        from: &UserKey,
        to: &UserId,
        longest: Duration,
    ) -> Result<Renamed, StoreError> {
        let begun = since_boot();
        loop {
            let renamed = self.store.rename_user(from, to, self.usable_for).await?;
            let waits = matches!(renamed, Renamed::Busy | Renamed::BeingErased);
            if !waits || since_boot().saturating_sub(begun) >= longest {
                return Ok(renamed);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}
