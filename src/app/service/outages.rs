//! Tells the other processes which circuit breakers of this one are open, and when outages begin
//! and end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::app::scrape::AskBreakers;
use crate::breaker::{BreakerState, Endpoint, WaitingBreaker};
use crate::clock::{Clock, since_boot};
use crate::config::HEARTBEAT;
use crate::ids::{MerchantName, WorkerId};
use crate::silence::SilenceWatch;
use crate::store::{Outages, StoreError, Workers};

/// The most circuit breakers of a process that are published, because an outage may open those of
/// every merchant.
const MOST_PUBLISHED: usize = 100;

/// How often a process looks for outages that no process reports any more.
const LOST_POLL_INTERVAL: Duration = HEARTBEAT.saturating_mul(30);

/// After a longer time without a note, others may have taken this process for dead, and ended its
/// outages.
const AWAY: Duration = HEARTBEAT.saturating_mul(2);

/// Writes to the database at which circuit breakers of this process calls wait, and when they
/// opened and closed, so that the pages of every process show it.
pub(super) async fn publish_breakers(
    workers: Arc<dyn Workers>,
    store: Arc<dyn Outages>,
    worker: WorkerId,
    breakers: AskBreakers,
    clock: Clock,
) {
    let mut published = false;
    let mut outages = OutageTracker::default();
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let now = clock.now();
        let mut waiting: Vec<_> = breakers().iter().filter_map(|breaker| breaker.waiting(now)).collect();
        // Those with an outage first, because one that is no longer published counts as closed.
        waiting.sort_by_key(|breaker| (!outages.has(breaker), breaker.state == BreakerState::Closed));
        waiting.truncate(MOST_PUBLISHED);
        if waiting.is_empty() && !published {
            continue;
        }
        // Even if this fails, it may have been written.
        published = true;
        let noted = async {
            workers.note_breakers(worker, &waiting).await?;
            outages.note(&*store, &waiting, since_boot()).await
        };
        match noted.await {
            Ok(()) => published = !waiting.is_empty(),
            Err(error) => {
                tracing::debug!(%error, "The circuit breakers could not be published");
            }
        }
    }
}

/// Which calls an outage concerns.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct OutageKey {
    merchant: MerchantName,
    endpoint: Endpoint,
}

impl OutageKey {
    fn of(breaker: &WaitingBreaker) -> Self {
        Self { merchant: breaker.merchant.clone(), endpoint: breaker.endpoint }
    }
}

/// The outages that this process has begun, as far as the database knows.
#[derive(Default)]
struct OutageTracker {
    begun: BTreeSet<OutageKey>,
    /// When they were last noted, as a time since boot.
    noted_at: Duration,
}

impl OutageTracker {
    fn has(&self, breaker: &WaitingBreaker) -> bool {
        self.begun.contains(&OutageKey::of(breaker))
    }

    /// Notes which breakers have opened or closed since the last time. `now` is the time since
    /// boot.
    async fn note(
        &mut self,
        store: &dyn Outages,
        waiting: &[WaitingBreaker],
        now: Duration,
    ) -> Result<(), StoreError> {
        let was_away = now.saturating_sub(self.noted_at) > AWAY;
        let open = waiting.iter().filter(|breaker| breaker.state != BreakerState::Closed);
        let open: BTreeMap<_, _> = open.map(|breaker| (OutageKey::of(breaker), breaker)).collect();
        for (key, breaker) in &open {
            if was_away || !self.begun.contains(key) {
                store.begin_outage(breaker).await?;
                self.begun.insert(key.clone());
            }
        }
        let closed: Vec<_> = self.begun.iter().filter(|key| !open.contains_key(*key)).cloned().collect();
        for key in closed {
            store.end_outage(&key.merchant, key.endpoint).await?;
            self.begun.remove(&key);
        }
        self.noted_at = now;
        Ok(())
    }
}

/// Ends the outages that no living process reports any more. A worker is dead once it was silent
/// for `lost_after`.
pub(super) async fn end_lost_outages(store: Arc<dyn Outages>, silence: SilenceWatch, lost_after: Duration) {
    tokio::time::sleep(HEARTBEAT).await;
    loop {
        if let Err(error) = store.end_lost_outages(&silence.silent(lost_after)).await {
            tracing::debug!(%error, "Outages that no process reports could not be ended");
        }
        tokio::time::sleep(LOST_POLL_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use chrono::DateTime;

    use super::*;
    use crate::silence::HeartbeatCount;
    use crate::store::Outage;

    /// Remembers which outages begin and end.
    #[derive(Default)]
    struct Calls(Mutex<Vec<String>>);

    #[async_trait]
    impl Outages for Calls {
        async fn begin_outage(&self, breaker: &WaitingBreaker) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(format!("begin {}", breaker.merchant));
            Ok(())
        }

        async fn end_outage(&self, merchant: &MerchantName, _: Endpoint) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(format!("end {merchant}"));
            Ok(())
        }

        async fn end_lost_outages(&self, _: &[HeartbeatCount]) -> Result<(), StoreError> {
            Ok(())
        }

        async fn outages(&self, _: Option<&[MerchantName]>, _: u32) -> Result<Vec<Outage>, StoreError> {
            Ok(Vec::new())
        }
    }

    fn breaker(merchant: &str, state: BreakerState) -> WaitingBreaker {
        let (endpoint, cause, at) = (Endpoint::Checkout, String::new(), DateTime::UNIX_EPOCH);
        WaitingBreaker { endpoint, merchant: merchant.into(), state, cause, since: at, next_try: at }
    }

    #[tokio::test]
    async fn an_outage_begins_once_and_again_after_the_process_was_away() {
        let (calls, mut outages) = (Calls::default(), OutageTracker::default());
        let (a, b) = (breaker("a", BreakerState::Open), breaker("b", BreakerState::HalfOpen));
        let asked = breaker("c", BreakerState::Closed);
        let mut note = async |open: &[&WaitingBreaker], second| {
            let open: Vec<WaitingBreaker> = open.iter().copied().cloned().collect();
            outages.note(&calls, &open, Duration::from_secs(second)).await.unwrap();
            std::mem::take(&mut *calls.0.lock().unwrap())
        };
        assert_eq!(note(&[&a, &asked], 100).await, ["begin a"]);
        assert_eq!(note(&[&a, &b], 102).await, ["begin b"]);
        assert_eq!(note(&[&a, &b], 104).await, [""; 0]);
        // Others have taken it for dead.
        assert_eq!(note(&[&a], 114).await, ["begin a", "end b"]);
        assert_eq!(note(&[&a], 116).await, [""; 0]);
        assert_eq!(note(&[], 118).await, ["end a"]);
    }
}
