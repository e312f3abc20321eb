//! Allows one exchange at a time for each user in this process, and counts those in flight.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::ids::UserKey;

/// Whether the holder of the lock has something only in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    InMemory,
    OnDisk,
}

/// The users whose lock is taken.
#[derive(Clone)]
pub(super) struct UserLocks(Arc<watch::Sender<BTreeMap<UserKey, Durability>>>);

/// A user's lock. Dropping it lets the next exchange of the user run.
pub(super) struct UserLock {
    key: UserKey,
    user_locks: UserLocks,
}

impl UserLocks {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeMap::new())))
    }

    /// Takes the user's lock if it is free.
    pub(super) fn take(&self, key: &UserKey) -> Option<UserLock> {
        let taken = self.0.send_if_modified(|user_locks| {
            let free = !user_locks.contains_key(key);
            if free {
                user_locks.insert(key.clone(), Durability::InMemory);
            }
            free
        });
        taken.then(|| UserLock { key: key.clone(), user_locks: self.clone() })
    }

    /// Waits until no holder of a lock has anything that a stop of the process could lose.
    pub(super) async fn wait_until_durable(&self) {
        let all_on_disk = |user_locks: &BTreeMap<UserKey, Durability>| {
            user_locks.values().all(|durability| *durability == Durability::OnDisk)
        };
        // The sender is in `self`, so the wait cannot fail.
        let _ = self.0.subscribe().wait_for(all_on_disk).await;
    }

    /// Waits until no lock is taken.
    pub(super) async fn wait_until_idle(&self) {
        // The sender is in `self`, so the wait cannot fail.
        let _ = self.0.subscribe().wait_for(BTreeMap::is_empty).await;
    }

    /// Returns how many locks are taken.
    pub(super) fn taken(&self) -> usize {
        self.0.borrow().len()
    }
}

impl UserLock {
    /// Records that what the holder has is on disk now.
    pub(super) fn on_disk(&self) {
        self.user_locks.0.send_modify(|user_locks| {
            user_locks.insert(self.key.clone(), Durability::OnDisk);
        });
    }
}

impl Drop for UserLock {
    fn drop(&mut self) {
        self.user_locks.0.send_modify(|user_locks| {
            user_locks.remove(&self.key);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_is_one_users_and_released_when_dropped() {
        let user_locks = UserLocks::new();
        let first = user_locks.take(&UserKey::new("shop", "u")).unwrap();
        assert!(user_locks.take(&UserKey::new("shop", "u")).is_none());
        let other = user_locks.take(&UserKey::new("other", "u")).unwrap();
        drop(first);
        assert!(user_locks.take(&UserKey::new("shop", "u")).is_some());
        drop(other);
        assert_eq!(user_locks.taken(), 0);
    }

    #[tokio::test]
    async fn a_stop_waits_for_what_is_in_memory_alone() {
        let user_locks = UserLocks::new();
        let (a, b) = (
            user_locks.take(&UserKey::new("shop", "a")).unwrap(),
            user_locks.take(&UserKey::new("shop", "b")).unwrap(),
        );
        let mut safe = tokio_test(user_locks.clone());
        a.on_disk();
        assert!(!safe.is_ready().await);
        drop(b);
        assert!(safe.is_ready().await);
        assert_eq!(user_locks.taken(), 1);
    }

    struct Waiting(tokio::task::JoinHandle<()>);

    fn tokio_test(user_locks: UserLocks) -> Waiting {
        Waiting(tokio::spawn(async move { user_locks.wait_until_durable().await }))
    }

    impl Waiting {
        async fn is_ready(&mut self) -> bool {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            self.0.is_finished()
        }
    }
}
