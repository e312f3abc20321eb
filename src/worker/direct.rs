//! Starts new orders at once in the process that accepts them: the insert itself claims the row,
//! and nobody has to look for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;
use tracing::Instrument;

use super::source::OrderSource;
use crate::crash;
use crate::ids::{ClaimNumber, UserKey, WorkerId};
use crate::intake::InsertOrder;
use crate::queue::{DirectStart, DirectStarts, Source};
use crate::store::{Claim, ClaimedOrder, InsertedOne, OrderRow, Orders, StoreError};

/// Inserts new orders, and starts those that need not wait.
pub struct DirectOrders<S: Source = OrderSource> {
    store: Arc<dyn Orders>,
    starts: DirectStarts<S>,
    worker: WorkerId,
    users: InsertingUsers,
}

impl<S: Source> DirectOrders<S> {
    /// Returns the way in for orders that may start in this process. `starts` belongs to its queue,
    /// whose claims are those of `worker`.
    #[must_use]
    pub fn new(store: Arc<dyn Orders>, starts: DirectStarts<S>, worker: WorkerId) -> Self {
        Self { store, starts, worker, users: InsertingUsers::default() }
    }
}

#[async_trait]
impl<S: Source<Job = ClaimedOrder, Id = Claim>> InsertOrder for DirectOrders<S> {
    async fn insert(&self, order: OrderRow) -> Result<InsertedOne, StoreError> {
        let user = UserKey { merchant: order.merchant.clone(), user: order.user.clone() };
        let Some(turn) = self.users.begin(&user) else {
            // The other order may start. This one must not be claimed before that can be seen.
            self.users.wait_for(&user).await;
            return self.store.insert_order(&order, None).await;
        };
        let claim = Claim { order: order.id, worker: self.worker, number: ClaimNumber::FIRST };
        let Some(start) = self.starts.begin(&order.merchant, claim) else {
            drop(turn);
            return self.store.insert_order(&order, None).await;
        };
        // In a task of its own: a caller that hangs up must not leave a claimed order that nobody
        // runs.
        let inserting = insert_and_start(Arc::clone(&self.store), order, self.worker, start, turn);
        tokio::spawn(inserting.in_current_span())
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the insert of an order was cut off".into())))
    }
}

async fn insert_and_start<S: Source<Job = ClaimedOrder, Id = Claim>>(
    store: Arc<dyn Orders>,
    order: OrderRow,
    worker: WorkerId,
    start: DirectStart<S>,
    turn: InsertingUser,
) -> Result<InsertedOne, StoreError> {
    // After an error, it is unknown whether the row has the claim: `start` is dropped.
    let mut inserted = store.insert_order(&order, Some(worker)).await?;
    drop(turn);
    let claimed = match &mut inserted {
        InsertedOne::New(_, claimed) => claimed.take(),
        InsertedOne::Known(_) => None,
    };
    match claimed {
        Some(claimed) => {
            crash::point("order_inserted");
            // The queue runs `OrderHandler::run` (`attempt.rs`) next.
            start.start(*claimed).await;
        }
        None => start.cancel(),
    }
    Ok(inserted)
}

/// The users of whom an order is being inserted that may start at once. One for each user: until an
/// insert is committed, no other one can see whether its order runs.
#[derive(Clone, Default)]
struct InsertingUsers(watch::Sender<BTreeSet<UserKey>>);

/// The insert of an order of a user is under way. Dropping it ends that.
struct InsertingUser {
    user: UserKey,
    users: InsertingUsers,
}

impl InsertingUsers {
    fn begin(&self, user: &UserKey) -> Option<InsertingUser> {
        let mut first = false;
        self.0.send_if_modified(|users| {
            first = users.insert(user.clone());
            // Nobody waits for a beginning.
            false
        });
        first.then(|| InsertingUser { user: user.clone(), users: self.clone() })
    }

    /// Waits until no insert of the user is under way.
    async fn wait_for(&self, user: &UserKey) {
        // The sender is in `self`, so the wait cannot fail.
        let _ = self.0.subscribe().wait_for(|users| !users.contains(user)).await;
    }
}

impl Drop for InsertingUser {
    fn drop(&mut self) {
        self.users.0.send_modify(|users| {
            users.remove(&self.user);
        });
    }
}
