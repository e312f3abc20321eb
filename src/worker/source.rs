//! Due orders as rows of the queue.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::ids::{MerchantName, WorkerId};
use crate::queue::{ClaimBatch, Claimed, Source, share};
use crate::store::{Claim, ClaimedOrder, Orders, StoreError};

/// Claims due orders for one worker.
pub struct OrderSource {
    store: Arc<dyn Orders>,
    worker: WorkerId,
    /// Moves on with each claim, so that a single free slot goes to each merchant in turn.
    round: AtomicUsize,
}

impl OrderSource {
    /// Returns a source for `worker`, this start of the process.
    #[must_use]
    pub fn new(store: Arc<dyn Orders>, worker: WorkerId) -> Self {
        Self { store, worker, round: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Source for OrderSource {
    type Job = ClaimedOrder;
    type Id = Claim;
    type Error = StoreError;

    fn id(job: &ClaimedOrder) -> Claim {
        job.claim
    }

    async fn claim(
        &self,
        free: usize,
        running: &BTreeMap<MerchantName, usize>,
        recent: Option<Duration>,
    ) -> Result<ClaimBatch<ClaimedOrder>, StoreError> {
        let mut waiting = self.store.due_merchants().await?;
        let (due, round) = (!waiting.is_empty(), self.round.fetch_add(1, Ordering::Relaxed));
        let (mut claimed, mut running) = (Vec::new(), running.clone());
        // A merchant cannot use a slot while its orders wait for other orders of the same users.
        // Such slots go to the other merchants.
        while claimed.len() < free && !waiting.is_empty() {
            let shares = share(free - claimed.len(), &running, &waiting, round);
            let orders = self.store.claim_orders(self.worker, &shares, recent).await?;
            let mut left = shares;
            for job in orders {
                *running.entry(job.merchant.clone()).or_default() += 1;
                left.entry(job.merchant.clone()).and_modify(|left| *left -= 1);
                claimed.push(Claimed { group: job.merchant.clone(), job });
            }
            waiting.retain(|merchant| left.get(merchant).is_none_or(|left| *left == 0));
        }
        Ok(ClaimBatch::new(claimed, due))
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        self.store.next_due().await
    }

    async fn give_back(&self, jobs: Vec<ClaimedOrder>) -> Result<(), StoreError> {
        let claims: Vec<Claim> = jobs.iter().map(|job| job.claim).collect();
        self.store.give_back(&claims).await
    }

    async fn recover(&self, held: &[Claim]) -> Result<usize, StoreError> {
        let ours = self.store.running_orders(self.worker).await?;
        let lost: Vec<Claim> = ours.into_iter().filter(|claim| !held.contains(claim)).collect();
        for claim in &lost {
            self.store.lose_order(claim).await?;
        }
        Ok(lost.len())
    }
}
