//! Due events as the queue's rows. A claim puts an event off by the time that an attempt may take, so nothing has to be
//! recovered: what a process that died had claimed is due again by itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::config::Merchant;
use crate::queue::{ClaimBatch, Claimed, Source, share};
use crate::store::{ClaimedWebhook, Published, Store, StoreError, WebhookClaim};

/// Events of one merchant that are on their way at once: a slow endpoint holds no other merchant's.
pub const PER_MERCHANT: usize = 8;

/// Longer than any attempt takes; where its process dies, an event is sent again after it.
const LEASE: Duration = Duration::from_mins(1);

/// Claims due events.
pub struct Outbox {
    store: Arc<dyn Store>,
    merchants: Arc<BTreeMap<String, Arc<Merchant>>>,
    /// Turns with each claim, so that a single free place goes round the merchants.
    round: AtomicUsize,
}

impl Outbox {
    /// The outbox of a store, for the merchants of the settings.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, merchants: Arc<BTreeMap<String, Arc<Merchant>>>) -> Self {
        Self { store, merchants, round: AtomicUsize::new(0) }
    }

    /// What the database must know to fill it.
    #[must_use]
    pub fn published(merchants: &BTreeMap<String, Arc<Merchant>>, order_deadline: Duration) -> Published {
        let webhook = |merchant: &Arc<Merchant>| merchant.webhook.as_ref().map(crate::config::Webhook::fingerprint);
        let webhooks = merchants.iter().map(|(name, merchant)| (name.clone(), webhook(merchant))).collect();
        Published { order_deadline, webhooks }
    }
}

#[async_trait]
impl Source for Outbox {
    type Job = ClaimedWebhook;
    type Id = WebhookClaim;
    type Error = StoreError;

    fn id(job: &ClaimedWebhook) -> WebhookClaim {
        job.claim
    }

    async fn claim(
        &self,
        free: usize,
        running: &BTreeMap<String, usize>,
        _: Option<Duration>,
    ) -> Result<ClaimBatch<ClaimedWebhook>, StoreError> {
        let left = |merchant: &str| PER_MERCHANT.saturating_sub(running.get(merchant).copied().unwrap_or(0));
        let mut waiting = self.store.due_webhook_merchants().await?;
        // Others may have settings of their own.
        waiting.retain(|name| self.merchants.get(name).is_some_and(|known| known.webhook.is_some()) && left(name) > 0);
        if waiting.is_empty() {
            return Ok(ClaimBatch::new(Vec::new(), false));
        }
        let mut shares = share(free, running, &waiting, self.round.fetch_add(1, Ordering::Relaxed));
        for (merchant, share) in &mut shares {
            *share = left(merchant).min(*share);
        }
        let events = self.store.claim_webhooks(&shares, LEASE).await?;
        Ok(ClaimBatch::new(events.into_iter().map(|job| Claimed { group: job.merchant.clone(), job }).collect(), true))
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        self.store.next_webhook_due().await
    }

    async fn give_back(&self, jobs: Vec<ClaimedWebhook>) -> Result<(), StoreError> {
        let claims: Vec<WebhookClaim> = jobs.iter().map(|job| job.claim).collect();
        self.store.give_back_webhooks(&claims).await
    }

    async fn recover(&self, _: &[WebhookClaim]) -> Result<usize, StoreError> {
        Ok(0)
    }
}
