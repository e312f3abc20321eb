//! Due webhook events as a [`Source`](crate::queue::Source) of the queue. A claim moves an event's
//! due time by one minute, longer than any attempt, so nothing has to be recovered: an event
//! claimed by a process that died becomes due again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::since_boot;
use crate::config::{Live, Merchant, Merchants};
use crate::ids::MerchantName;
use crate::pauses::{PauseKind, Pauses};
use crate::queue::{ClaimBatch, Claimed, Load, Source, share};
use crate::store::{ClaimedWebhook, Published, StoreError, WebhookClaim, Webhooks};

/// How many events of one merchant are sent at once, so that a slow endpoint does not delay other
/// merchants.
pub const PER_MERCHANT: usize = 8;

/// How far a claim moves the due time. An event whose process died is sent again after this time.
const LEASE: Duration = Duration::from_mins(1);

/// Claims due events.
pub struct Outbox {
    store: Arc<dyn Webhooks>,
    merchants: Live<Merchants>,
    pauses: Pauses,
    /// Grows with each claim, so that a single free slot goes round the merchants.
    round: AtomicUsize,
}

impl Outbox {
    /// An outbox over `store`, for the merchants of the settings that have a webhook. Events of
    /// merchants whose webhooks an operator has paused are left alone.
    #[must_use]
    pub fn new(store: Arc<dyn Webhooks>, merchants: Live<Merchants>, pauses: Pauses) -> Self {
        Self { store, merchants, pauses, round: AtomicUsize::new(0) }
    }

    /// The endpoints of the settings, which the database's triggers need in order to write events.
    #[must_use]
    pub fn published(merchants: &Merchants, order_deadline: Duration) -> Published {
        let webhook =
            |merchant: &Arc<Merchant>| merchant.webhook.as_ref().map(crate::config::Webhook::fingerprint);
        let webhooks =
            merchants.iter().filter_map(|(name, merchant)| Some((name.clone(), webhook(merchant)?)));
        Published { order_deadline, webhooks: webhooks.collect() }
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
        load: &Load,
        _: Option<Duration>,
    ) -> Result<ClaimBatch<ClaimedWebhook>, StoreError> {
        let left = |merchant: &MerchantName| {
            PER_MERCHANT.saturating_sub(load.running.get(merchant).copied().unwrap_or(0))
        };
        let merchants = self.merchants.now();
        if !has_endpoints(&merchants) {
            return Ok(ClaimBatch::new(Vec::new(), false));
        }
        let mut waiting = self.store.due_webhook_merchants().await?;
        // Other processes may have other settings.
        waiting.retain(|name| {
            merchants.get(name).is_some_and(|known| known.webhook.is_some())
                && self.pauses.allow(PauseKind::Webhooks, name, since_boot())
                && left(name) > 0
        });
        if waiting.is_empty() {
            return Ok(ClaimBatch::new(Vec::new(), false));
        }
        let most = PER_MERCHANT * waiting.len();
        let mut shares = share(free.min(most), load, &waiting, self.round.fetch_add(1, Ordering::Relaxed));
        for (merchant, share) in &mut shares {
            *share = left(merchant).min(*share);
        }
        let events = self.store.claim_webhooks(&shares, LEASE).await?;
        Ok(ClaimBatch::new(
            events.into_iter().map(|job| Claimed { group: job.merchant.clone(), job }).collect(),
            true,
        ))
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        if !has_endpoints(&self.merchants.now()) {
            return Ok(None);
        }
        self.store.next_webhook_due().await
    }

    async fn give_back(&self, jobs: Vec<ClaimedWebhook>) -> Result<(), StoreError> {
        let claims: Vec<WebhookClaim> = jobs.iter().map(|job| job.claim).collect();
        self.store.give_back_webhooks(&claims).await
    }

    async fn claims(&self) -> Result<Vec<WebhookClaim>, StoreError> {
        Ok(Vec::new())
    }

    async fn recover(&self, _: &[WebhookClaim]) -> Result<usize, StoreError> {
        Ok(0)
    }
}

/// Whether any merchant has an endpoint. A reload may add one.
fn has_endpoints(merchants: &Merchants) -> bool {
    merchants.values().any(|merchant| merchant.webhook.is_some())
}
