//! One exchange at a time for each user within this process, and a count of those in the air.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

type Key = (String, String);

/// The users whose turn is taken.
#[derive(Clone)]
pub(super) struct Turns(Arc<watch::Sender<BTreeSet<Key>>>);

/// A user's turn; the next may have it once this is dropped.
pub(super) struct Turn {
    key: Key,
    turns: Turns,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeSet::new())))
    }

    /// Takes the user's turn, unless it is taken.
    pub(super) fn take(&self, merchant: &str, user: &str) -> Option<Turn> {
        let key = (merchant.to_owned(), user.to_owned());
        self.0.send_if_modified(|taken| taken.insert(key.clone())).then(|| Turn { key, turns: self.clone() })
    }

    /// Waits until no turn is taken.
    pub(super) async fn idle(&self) {
        // The sender lives in `self`: the wait cannot fail.
        let _ = self.0.subscribe().wait_for(BTreeSet::is_empty).await;
    }

    /// How many turns are taken.
    pub(super) fn taken(&self) -> usize {
        self.0.borrow().len()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.0.send_modify(|taken| {
            taken.remove(&self.key);
        });
    }
}
