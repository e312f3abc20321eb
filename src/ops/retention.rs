//! Deletes data whose retention is over (section `retention` of the settings), in small batches
//! that delay nothing. Each process with the role `worker` does so; concurrent ones skip each
//! other's rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::{self, Live, Merchants};
use crate::ids::MerchantName;
use crate::meter;
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
    merchants: Live<Merchants>,
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
    /// Calls about submitted orders deleted, after they were given up.
    pub follow_ups: u64,
    /// Webhook events given up now.
    pub expired: u64,
    /// Rows of ended processes deleted.
    pub workers: u64,
    /// Pauses deleted that are over.
    pub pauses: u64,
    /// Outages deleted that are over.
    pub outages: u64,
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
    pub fn new(store: Arc<dyn Upkeep>, settings: config::Retention, merchants: Live<Merchants>) -> Self {
        Self { store, settings, merchants }
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
                    log_removed(&removed);
                }
                Err(error) => {
                    tracing::warn!(%error, "Data whose retention is over could not be deleted; the \
                    next try follows");
                }
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
        let config::Retention { bodies, orders, ledger, .. } = self.settings;
        let mut removed = Removed {
            bodies: self.remove(ExpiredKind::Bodies, bodies).await?,
            orders: self.remove(ExpiredKind::Orders, orders).await?,
            expired: self.expire().await?,
            webhooks: self.remove(ExpiredKind::Webhooks, orders).await?,
            follow_ups: self.remove(ExpiredKind::FollowUps, orders).await?,
            ..Removed::default()
        };
        if walks {
            removed.ledger = self.walk(ScannedTable::Ledger, ledger).await?;
            removed.known_tokens = self.walk(ScannedTable::KnownTokens, ledger).await?;
            removed.dead_tokens = self.remove(ExpiredKind::DeadTokens, ledger).await?;
            removed.workers = self.remove(ExpiredKind::Workers, ledger).await?;
            removed.pauses = self.remove(ExpiredKind::PastPauses, ledger).await?
                + self.remove(ExpiredKind::OverPauses, ledger).await?;
            removed.outages = self.remove(ExpiredKind::Outages, ledger).await?;
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

    /// Gives up webhook events that nothing sends. Returns how many.
    async fn expire(&self) -> Result<u64, StoreError> {
        let merchants = self.merchants.now();
        let served = merchants.iter().filter(|(_, merchant)| merchant.webhook.is_some());
        let served: Vec<MerchantName> = served.map(|(name, _)| name.clone()).collect();
        let mut expired = 0;
        loop {
            let events = self.store.expire_webhooks(&served, BATCH).await?;
            expired += events.len() as u64;
            self.log_given_up(&events);
            if events.len() < BATCH as usize {
                return Ok(expired);
            }
            sleep(BREATH).await;
        }
    }

    /// Counts and logs events that were given up. `events` has the merchant of each.
    fn log_given_up(&self, events: &[MerchantName]) {
        let mut by_merchant = BTreeMap::<&MerchantName, u64>::new();
        for merchant in events {
            *by_merchant.entry(merchant).or_default() += 1;
            // Labels are names of the settings.
            if self.merchants.contains_key(merchant) {
                meter::webhook_given_up(merchant);
            }
        }
        for (merchant, events) in by_merchant {
            tracing::warn!(%merchant, events, "Webhooks were given up, because nothing sends them; `webhooks resend` \
                sends them again once the merchant has a working webhook_url");
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

fn log_removed(removed: &Removed) {
    if *removed == Removed::default() {
        return;
    }
    let Removed {
        bodies,
        orders,
        webhooks,
        follow_ups,
        expired,
        workers,
        pauses,
        outages,
        ledger,
        known_tokens,
        dead_tokens,
    } = *removed;
    tracing::info!(
        bodies,
        orders,
        webhooks,
        follow_ups,
        expired,
        workers,
        pauses,
        outages,
        ledger,
        known_tokens,
        dead_tokens,
        "Data whose retention is over was deleted"
    );
}
