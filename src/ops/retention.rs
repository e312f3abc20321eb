//! Removes what has been kept for long enough (the settings' section `retention`), in batches so small that nobody waits
//! for them. Each process with the role `worker` does: two at once pass over each other's rows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config;
use crate::store::{ExpiredKind, ScannedTable, Store, StoreError};

/// Rows in one statement.
const BATCH: u32 = 500;
/// The pause between two statements: others write too.
const BREATH: Duration = Duration::from_millis(50);
/// How often it is looked for what ended long enough ago.
const EVERY: Duration = Duration::from_mins(5);
/// How often the ledger is walked through.
const WALK_EVERY: Duration = Duration::from_hours(24);

/// The sweeper of what must not stay.
pub struct Retention {
    store: Arc<dyn Store>,
    settings: config::Retention,
}

/// What a run removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Orders that lost body and snippet.
    pub bodies: u64,
    /// Orders.
    pub orders: u64,
    /// Events that had been delivered or given up.
    pub webhooks: u64,
    /// Events given up now.
    pub expired: u64,
    /// Starts of processes.
    pub workers: u64,
    /// Exchanges in the ledger.
    pub ledger: u64,
    /// Hashes of former tokens.
    pub known_tokens: u64,
}

impl Retention {
    /// By the settings, on a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, settings: config::Retention) -> Self {
        Self { store, settings }
    }

    /// Runs for as long as the process does.
    pub async fn run(self) {
        let mut walked: Option<Instant> = None;
        loop {
            let walks = walked.is_none_or(|walked| walked.elapsed() >= WALK_EVERY);
            match self.tidy(walks).await {
                Ok(removed) => {
                    if walks {
                        walked = Some(Instant::now());
                    }
                    tell(&removed);
                }
                Err(error) => tracing::warn!(%error, "What was kept for long enough could not be removed for now"),
            }
            sleep(EVERY).await;
        }
    }

    /// Removes what ended long enough ago; with `walks` also from the ledger, which is read from end to end for it.
    ///
    /// # Errors
    /// Where the store fails; the next run goes on.
    pub async fn tidy(&self, walks: bool) -> Result<Removed, StoreError> {
        let config::Retention { bodies, orders, ledger } = self.settings;
        let mut removed = Removed {
            bodies: self.remove(ExpiredKind::Bodies, bodies).await?,
            orders: self.remove(ExpiredKind::Orders, orders).await?,
            expired: self.expire().await?,
            webhooks: self.remove(ExpiredKind::Webhooks, orders).await?,
            ..Removed::default()
        };
        if walks {
            removed.ledger = self.walk(ScannedTable::Ledger, ledger).await?;
            removed.known_tokens = self.walk(ScannedTable::KnownTokens, ledger).await?;
            removed.workers = self.remove(ExpiredKind::Workers, ledger).await?;
        }
        Ok(removed)
    }

    async fn remove(&self, what: ExpiredKind, after: Duration) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let rows = self.store.remove_expired(what, after, BATCH).await?;
            removed += rows;
            if rows < u64::from(BATCH) {
                return Ok(removed);
            }
            sleep(BREATH).await;
        }
    }

    async fn expire(&self) -> Result<u64, StoreError> {
        let mut expired = 0;
        loop {
            let rows = self.store.expire_webhooks(BATCH).await?;
            expired += rows;
            if rows < u64::from(BATCH) {
                return Ok(expired);
            }
            sleep(BREATH).await;
        }
    }

    async fn walk(&self, what: ScannedTable, after: Duration) -> Result<u64, StoreError> {
        let (mut removed, mut cursor) = (0, None);
        loop {
            let step = self.store.scan_expired(what, after, cursor, BATCH).await?;
            removed += step.removed;
            if step.next.is_none() {
                return Ok(removed);
            }
            cursor = step.next;
            sleep(BREATH).await;
        }
    }
}

fn tell(removed: &Removed) {
    if *removed == Removed::default() {
        return;
    }
    let Removed { bodies, orders, webhooks, expired, workers, ledger, known_tokens } = *removed;
    tracing::info!(
        bodies,
        orders,
        webhooks,
        expired,
        workers,
        ledger,
        known_tokens,
        "What was kept for long enough is removed"
    );
}
