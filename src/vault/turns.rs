//! One exchange at a time for each user within this process, and a count of those in the air.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

type Key = (String, String);

/// Whether what the turn's holder has in memory alone can be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stake {
    InMemory,
    OnDisk,
}

/// The users whose turn is taken.
#[derive(Clone)]
pub(super) struct Turns(Arc<watch::Sender<BTreeMap<Key, Stake>>>);

/// A user's turn; the next may have it once this is dropped.
pub(super) struct Turn {
    key: Key,
    turns: Turns,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeMap::new())))
    }

    /// Takes the user's turn, unless it is taken.
    pub(super) fn take(&self, merchant: &str, user: &str) -> Option<Turn> {
        let key = (merchant.to_owned(), user.to_owned());
        let taken = self.0.send_if_modified(|turns| {
            let free = !turns.contains_key(&key);
            if free {
                turns.insert(key.clone(), Stake::InMemory);
            }
            free
        });
        taken.then(|| Turn { key, turns: self.clone() })
    }

    /// Waits until no holder of a turn has anything that a stop of the process could lose.
    pub(super) async fn safe(&self) {
        let all_on_disk = |turns: &BTreeMap<Key, Stake>| turns.values().all(|stake| *stake == Stake::OnDisk);
        // The sender lives in `self`: the wait cannot fail.
        let _ = self.0.subscribe().wait_for(all_on_disk).await;
    }

    /// Waits until no turn is taken.
    pub(super) async fn idle(&self) {
        // As above.
        let _ = self.0.subscribe().wait_for(BTreeMap::is_empty).await;
    }

    /// How many turns are taken.
    pub(super) fn taken(&self) -> usize {
        self.0.borrow().len()
    }
}

impl Turn {
    /// What the holder has is on disk from now on.
    pub(super) fn on_disk(&self) {
        self.turns.0.send_modify(|turns| {
            turns.insert(self.key.clone(), Stake::OnDisk);
        });
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.0.send_modify(|turns| {
            turns.remove(&self.key);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_is_one_users_and_given_up_when_dropped() {
        let turns = Turns::new();
        let first = turns.take("shop", "u").unwrap();
        assert!(turns.take("shop", "u").is_none());
        let other = turns.take("other", "u").unwrap();
        drop(first);
        assert!(turns.take("shop", "u").is_some());
        drop(other);
        assert_eq!(turns.taken(), 0);
    }

    #[tokio::test]
    async fn a_stop_waits_for_what_is_in_memory_alone() {
        let turns = Turns::new();
        let (a, b) = (turns.take("shop", "a").unwrap(), turns.take("shop", "b").unwrap());
        let mut safe = tokio_test(turns.clone());
        a.on_disk();
        assert!(!safe.is_ready().await);
        drop(b);
        assert!(safe.is_ready().await);
        assert_eq!(turns.taken(), 1);
    }

    struct Waiting(tokio::task::JoinHandle<()>);

    fn tokio_test(turns: Turns) -> Waiting {
        Waiting(tokio::spawn(async move { turns.safe().await }))
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
