//! Deletes data whose retention is over (section `retention` of the settings), in small batches
//! that delay nothing. Each process with the role `worker` does so; concurrent ones skip each
//! other's rows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config;
use crate::store::{ExpiredKind, ScannedTable, StoreError, Upkeep};

/// How many rows one statement changes.
const BATCH: u32 = 500;
/// The pause between two statements, so that other writers are not delayed.
const BREATH: Duration = Duration::from_millis(50);
/// How often rows past their retention are searched for.
const EVERY: Duration = Duration::from_mins(5);
/// How often the ledger is read from end to end.
const WALK_EVERY: Duration = Duration::from_hours(24);

/// Deletes data whose retention is over.
pub struct Retention {
    store: Arc<dyn Upkeep>,
    settings: config::Retention,
}

/// How many rows a run deleted or changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Orders whose body and result were deleted.
    pub bodies: u64,
    /// Orders deleted.
    pub orders: u64,
    /// Webhook events deleted, after they were delivered or given up.
    pub webhooks: u64,
    /// Webhook events given up now.
    pub expired: u64,
    /// Rows of ended processes deleted.
    pub workers: u64,
    /// Exchanges deleted from the ledger.
    pub ledger: u64,
    /// Hashes of former refresh tokens deleted.
    pub known_tokens: u64,
    /// Encrypted refresh tokens deleted that no longer worked.
    pub dead_tokens: u64,
}

impl Retention {
    /// Retention over `store`, by the settings.
    #[must_use]
    pub fn new(store: Arc<dyn Upkeep>, settings: config::Retention) -> Self {
        Self { store, settings }
    }

    /// Runs until it is dropped.
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
                Err(error) => tracing::warn!(%error, "Data whose retention is over could not be deleted; the \
                    next try follows"),
            }
            sleep(EVERY).await;
        }
    }

    /// Deletes data whose retention is over; with `walks` also from the ledger, which is read from
    /// end to end for that.
    ///
    /// # Errors
    /// The store fails. The next run continues.
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
            removed.dead_tokens = self.remove(ExpiredKind::DeadTokens, ledger).await?;
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
    let Removed { bodies, orders, webhooks, expired, workers, ledger, known_tokens, dead_tokens } = *removed;
    tracing::info!(
        bodies,
        orders,
        webhooks,
        expired,
        workers,
        ledger,
        known_tokens,
        dead_tokens,
        "Data whose retention is over was deleted"
    );
}
