//! Due orders as rows of the queue.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::since_boot;
use crate::config::{Live, Merchants};
use crate::ids::{MerchantName, WorkerId};
use crate::pauses::{PauseKind, Pauses};
use crate::queue::{ClaimBatch, Claimed, Load, Source, share};
use crate::store::{Claim, ClaimFailed, ClaimedOrder, Orders, StoreError};

/// How long the orders of a process's only merchant are claimed without asking whose orders are
/// due.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Claims due orders for one worker.
pub struct OrderSource {
    store: Arc<dyn Orders>,
    merchants: Live<Merchants>,
    pauses: Pauses,
    worker: WorkerId,
    /// Moves on with each claim, so that a single free slot goes to each merchant in turn.
    round: AtomicUsize,
    /// Merchants with due orders that are not in the settings, as far as the log has named them.
    unknown: Mutex<BTreeSet<MerchantName>>,
    /// When the database was asked last whose orders are due, if all free slots were then filled.
    asked: Mutex<Option<Duration>>,
}

impl OrderSource {
    /// Returns a source for `worker`, this start of the process. It claims only orders of
    /// `merchants`, those in the settings: other processes may know more. Orders of merchants that
    /// an operator has paused are left alone.
    #[must_use]
    pub fn new(store: Arc<dyn Orders>, merchants: Live<Merchants>, pauses: Pauses, worker: WorkerId) -> Self {
        let (round, unknown, asked) = (AtomicUsize::new(0), Mutex::default(), Mutex::default());
        Self { store, merchants, pauses, worker, round, unknown, asked }
    }

    /// The merchants with due orders, without those that are not in the settings or are paused.
    async fn due_merchants(&self) -> Result<Vec<MerchantName>, StoreError> {
        let merchants = self.merchants.now();
        let (mut known, unknown): (Vec<_>, Vec<_>) = self
            .store
            .due_merchants()
            .await?
            .into_iter()
            .partition(|merchant| merchants.contains_key(merchant));
        let mut named = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        named.retain(|merchant| !merchants.contains_key(merchant));
        for merchant in unknown {
            if named.insert(merchant.clone()) {
                tracing::warn!(%merchant,
                    "Orders of a merchant that is not in the settings are due; they are left to other processes");
            }
        }
        known.retain(|merchant| self.allows(merchant));
        Ok(known)
    }

    /// The only merchant in the settings, if its orders are claimed one after the other.
    fn lone_merchant(&self) -> Option<MerchantName> {
        let asked = (*self.asked.lock().unwrap_or_else(PoisonError::into_inner))?;
        if since_boot().saturating_sub(asked) > ASK_AGAIN {
            return None;
        }
        let merchants = self.merchants.now();
        let (name, _) = merchants.first_key_value()?;
        (merchants.len() == 1 && self.allows(name)).then(|| name.clone())
    }

    /// Claims orders of these merchants.
    async fn claim_of(
        &self,
        due: &[MerchantName],
        free: usize,
        load: &Load,
        recent: Option<Duration>,
    ) -> Result<ClaimBatch<ClaimedOrder>, StoreError> {
        let mut waiting: Vec<_> =
            due.iter().filter(|merchant| !load.full.contains(*merchant)).cloned().collect();
        let mut batch = ClaimBatch::new(Vec::new(), false);
        batch.held_back = waiting.len() < due.len();
        let (mut load, round) = (load.clone(), self.round.fetch_add(1, Ordering::Relaxed));
        let mut in_vain = false;
        // A merchant cannot use a slot while its orders wait for other orders of the same users.
        // Such slots go to the other merchants.
        while batch.claimed.len() < free && !waiting.is_empty() {
            let shares = share(free - batch.claimed.len(), &load, &waiting, round);
            if shares.is_empty() {
                batch.held_back = true;
                break;
            }
            let claimed = self.store.claim_orders(self.worker, &shares, recent).await;
            let (orders, failed) = match claimed {
                Ok(orders) => (orders, None),
                Err(ClaimFailed { claimed, error }) => (claimed, Some(error)),
            };
            let mut left = shares;
            for job in orders {
                *load.running.entry(job.merchant.clone()).or_default() += 1;
                left.entry(job.merchant.clone()).and_modify(|left| *left -= 1);
                batch.claimed.push(Claimed { group: job.merchant.clone(), job });
            }
            match failed {
                None => {}
                // The next claim meets the lock again.
                Some(StoreError::Busy(_)) => {
                    in_vain = true;
                    break;
                }
                // What is claimed must be run. The next claim reports the error, if it comes again.
                Some(_) if !batch.claimed.is_empty() => {
                    batch.in_doubt = true;
                    break;
                }
                Some(error) => return Err(error),
            }
            in_vain |= left.values().any(|left| *left > 0);
            waiting.retain(|merchant| left.get(merchant).is_none_or(|left| *left == 0));
        }
        batch.blocked = in_vain && batch.claimed.is_empty();
        Ok(batch)
    }

    /// Whether no operator has paused the merchant's orders.
    fn allows(&self, merchant: &MerchantName) -> bool {
        self.pauses.allow(PauseKind::Orders, merchant, since_boot())
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

    fn may_start(&self, merchant: &MerchantName) -> bool {
        self.merchants.contains_key(merchant) && self.allows(merchant)
    }

    fn is_full(&self, load: &Load) -> bool {
        let merchants = self.merchants.now();
        !load.full.is_empty()
            && merchants.keys().all(|merchant| load.full.contains(merchant) || !self.allows(merchant))
    }

    async fn claim(
        &self,
        free: usize,
        load: &Load,
        recent: Option<Duration>,
    ) -> Result<ClaimBatch<ClaimedOrder>, StoreError> {
        let lone = self.lone_merchant().map(|merchant| [merchant]);
        let mut in_vain = None;
        if let Some(lone) = &lone {
            let batch = self.claim_of(lone, free, load, recent).await?;
            if !batch.claimed.is_empty() || batch.held_back {
                return Ok(batch);
            }
            in_vain = Some(batch);
        }
        let asked = since_boot();
        let Some(due) = unless_locked(self.due_merchants().await)? else {
            return Ok(ClaimBatch::new(Vec::new(), true));
        };
        let batch = match in_vain {
            Some(batch) if lone.is_some_and(|lone| due == lone) => batch,
            _ => self.claim_of(&due, free, load, recent).await?,
        };
        let filled = batch.claimed.len() == free;
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = filled.then_some(asked);
        Ok(batch)
    }

    async fn next_due(&self) -> Result<Option<Duration>, StoreError> {
        self.store.next_due().await
    }

    async fn give_back(&self, jobs: Vec<ClaimedOrder>) -> Result<(), StoreError> {
        let claims: Vec<Claim> = jobs.iter().map(|job| job.claim).collect();
        self.store.give_back(&claims).await
    }

    async fn claims(&self) -> Result<Vec<Claim>, StoreError> {
        Ok(unless_locked(self.store.running_orders(self.worker).await)?.unwrap_or_default())
    }

    async fn recover(&self, lost: &[Claim]) -> Result<usize, StoreError> {
        let mut recovered = 0;
        for claim in lost {
            // Not if its row or the table is locked: it is found again later.
            if let Some(freed) = unless_locked(self.store.lose_order(claim).await)? {
                recovered += freed.requeued + freed.failed;
            }
        }
        Ok(usize::try_from(recovered).unwrap_or(usize::MAX))
    }
}

/// `None` if the table is locked, which is no outage: the next poll follows soon.
fn unless_locked<T>(done: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match done {
        Err(StoreError::Busy(why)) => {
            tracing::debug!(why, "Another session has locked the orders");
            Ok(None)
        }
        done => done.map(Some),
    }
}
