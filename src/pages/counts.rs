//! Counts of tokens by state. Counting reads every row, so pages show the last count and its age.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::ids::MerchantName;
use crate::store::{Keeper, TokenCount};

/// The least time between two counts.
const COUNT_EVERY: Duration = Duration::from_secs(2);
/// Counting takes at most one hundredth of the time: the pause after a count is this many times as
/// long.
const SHARE: u32 = 100;
/// How long a page waits for the first count.
const PATIENCE: Duration = Duration::from_millis(50);

/// A count, and its time.
pub(super) type Counted = Option<(DateTime<Utc>, Arc<Vec<TokenCount>>)>;

/// The last counts, by merchant.
#[derive(Clone, Default)]
pub(super) struct Counts(Arc<Mutex<BTreeMap<Option<MerchantName>, Entry>>>);

struct Entry {
    counted: watch::Sender<Counted>,
    /// When to count again at the earliest; `None` while counting.
    next: Option<Instant>,
}

impl Counts {
    /// Returns the last count of a merchant's tokens, or of all. Starts a new one if it is time.
    pub(super) async fn of(
        &self,
        store: &Arc<dyn Keeper>,
        merchant: Option<MerchantName>,
        now: DateTime<Utc>,
    ) -> Counted {
        let mut news = {
            let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = entries
                .entry(merchant.clone())
                .or_insert_with(|| Entry { counted: watch::Sender::new(None), next: Some(Instant::now()) });
            if entry.next.is_some_and(|next| next <= Instant::now()) {
                entry.next = None;
                tokio::spawn(self.clone().count(Arc::clone(store), merchant, now));
            }
            entry.counted.subscribe()
        };
        let counted = tokio::time::timeout(PATIENCE, news.wait_for(Option::is_some)).await;
        counted.ok()?.ok()?.clone()
    }

    async fn count(self, store: Arc<dyn Keeper>, merchant: Option<MerchantName>, now: DateTime<Utc>) {
        let began = Instant::now();
        let counted = store.token_counts(merchant.as_ref()).await;
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entries.get_mut(&merchant) else { return };
        entry.next = Some(Instant::now() + COUNT_EVERY.max(began.elapsed() * SHARE));
        match counted {
            Ok(counts) => {
                entry.counted.send_replace(Some((now, Arc::new(counts))));
            }
            Err(error) => tracing::debug!(%error, "The tokens could not be counted for a page"),
        }
    }
}
