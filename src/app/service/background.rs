//! Tasks that run beside the roles, until the service ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::app::process::TIDY;
use crate::app::scrape::AskBreakers;
use crate::app::spools::replay_for_refresh;
use crate::backoff::Backoff;
use crate::breaker::{BreakerState, BreakerView, OpenBreaker};
use crate::clock::{Clock, since_boot};
use crate::config::HEARTBEAT;
use crate::delivery::Waiters;
use crate::ids::WorkerId;
use crate::pauses::Pauses;
use crate::queue::{HeartbeatMonitor, Wake};
use crate::silence::SilenceWatch;
use crate::store::{self, Signal, Store, StoreError};

/// The wait before the connection for notifications is opened again.
const LISTEN_AGAIN: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(5) };
/// How often connections are opened in advance. Idle ones are closed after ten minutes, and each
/// one half an hour after it was opened.
const READY_AGAIN: Duration = Duration::from_mins(1);

/// The most circuit breakers of a process that are told, because an outage may open those of every merchant.
const MOST_TOLD: usize = 100;

/// After how many heartbeats a process looks for outages that no process reports any more.
const LOST_OUTAGES: u64 = 30;

/// After a longer time without a note, others may have taken this process for dead, and ended its outages.
const AWAY: Duration = HEARTBEAT.saturating_mul(2);

/// The wake-ups of the queues of orders and webhooks.
#[derive(Clone, Default)]
pub(super) struct Wakeups {
    pub(super) orders: Wake,
    pub(super) webhooks: Wake,
}

/// Whom notifications are passed on to.
pub(super) struct Listeners {
    pub(super) wakes: Wakeups,
    pub(super) waiters: Waiters,
    pub(super) pauses: Pauses,
    /// `None` in a process that has only the role `api`.
    pub(super) heartbeats: Option<HeartbeatMonitor>,
}

/// Wakes the queues when an operator has begun or ended a pause.
pub(super) async fn wake_after_pauses(pauses: Pauses, wakes: Wakeups) {
    let mut changes = pauses.subscribe();
    while changes.changed().await.is_ok() {
        wakes.orders.notify();
        wakes.webhooks.notify();
    }
}

/// Passes notifications on: due orders to the queue, ended orders to waiting requests and to the outbox,
/// that the copy of the pauses is outdated, and that a process has begun.
pub(super) async fn listen(store: Arc<dyn Store>, to: Listeners) {
    let Listeners { wakes, waiters, pauses, heartbeats } = to;
    let poll_workers = || heartbeats.iter().for_each(HeartbeatMonitor::poll_now);
    let mut failures = 0;
    loop {
        let failed = match store.listen().await {
            Ok(mut signals) => {
                failures = 0;
                // Finds what came before the subscription.
                wakes.orders.notify();
                pauses.set_outdated();
                poll_workers();
                loop {
                    match signals.next().await {
                        Ok(Signal::Due) => wakes.orders.notify(),
                        Ok(Signal::Settled(id)) => {
                            waiters.tell(id);
                            wakes.webhooks.notify();
                        }
                        Ok(Signal::Pauses) => pauses.set_outdated(),
                        Ok(Signal::Workers) => poll_workers(),
                        Ok(Signal::Changed) => {
                            pauses.set_outdated();
                            wakes.orders.notify();
                            wakes.webhooks.notify();
                            waiters.poll_once().await;
                        }
                        Err(error) => break error,
                    }
                }
            }
            Err(error) => error,
        };
        failures += 1;
        if failures == 1 {
            tracing::warn!(error = %failed, "The connection for notifications broke; the service reconnects, and \
                polls meanwhile");
        } else {
            tracing::debug!(error = %failed, "The connection for notifications is not back");
        }
        tokio::time::sleep(LISTEN_AGAIN.delay(failures, rand::random(), None)).await;
    }
}

/// Tells the database which circuit breakers of this process are not closed, so that every process's pages
/// show them, and when they opened and closed.
pub(super) async fn tell_breakers(
    store: Arc<dyn Store>,
    worker: WorkerId,
    breakers: AskBreakers,
    clock: Clock,
    silence: SilenceWatch,
    lost_after: Duration,
) {
    let mut told = false;
    let mut outages = Outages::default();
    for round in 0_u64.. {
        tokio::time::sleep(HEARTBEAT).await;
        if round.is_multiple_of(LOST_OUTAGES)
            && let Err(error) = store.end_lost_outages(&silence.silent(lost_after)).await
        {
            tracing::debug!(%error, "Outages that no process reports could not be ended");
        }
        let now = clock.now();
        let open = |breaker: &BreakerView| breaker.open(now);
        let mut open: Vec<OpenBreaker> = breakers().iter().filter_map(open).collect();
        // Those with an outage first, because one that is no longer told counts as closed.
        open.sort_by_key(|breaker| (!outages.has(breaker), breaker.state == BreakerState::Closed));
        open.truncate(MOST_TOLD);
        if open.is_empty() && !told {
            continue;
        }
        // Even if this fails, it may have been written.
        told = true;
        let noted = async {
            store.note_breakers(worker, &open).await?;
            outages.note(&*store, &open, since_boot()).await
        };
        match noted.await {
            Ok(()) => told = !open.is_empty(),
            Err(error) => {
                tracing::debug!(%error, "The circuit breakers could not be told to other processes");
            }
        }
    }
}

/// The outages that this process has begun, as far as the database knows.
#[derive(Default)]
struct Outages {
    /// Their merchants and endpoints.
    begun: BTreeSet<(String, String)>,
    /// When they were last noted, as a time since boot.
    noted_at: Duration,
}

impl Outages {
    fn has(&self, breaker: &OpenBreaker) -> bool {
        self.begun.contains(&(breaker.merchant.clone(), breaker.endpoint.clone()))
    }

    /// Notes which breakers have opened or closed since the last time. `now` is the time since boot.
    async fn note(
        &mut self,
        store: &dyn store::Outages,
        open: &[OpenBreaker],
        now: Duration,
    ) -> Result<(), StoreError> {
        let was_away = now.saturating_sub(self.noted_at) > AWAY;
        let place = |breaker: &OpenBreaker| (breaker.merchant.clone(), breaker.endpoint.clone());
        let open = open.iter().filter(|breaker| breaker.state != BreakerState::Closed);
        let open: BTreeMap<_, _> = open.map(|breaker| (place(breaker), breaker)).collect();
        for (place, breaker) in &open {
            if was_away || !self.begun.contains(place) {
                store.begin_outage(breaker).await?;
                self.begun.insert(place.clone());
            }
        }
        let closed: Vec<_> = self.begun.iter().filter(|place| !open.contains_key(*place)).cloned().collect();
        for place in closed {
            store.end_outage(&place.0, &place.1).await?;
            self.begun.remove(&place);
        }
        self.noted_at = now;
        Ok(())
    }
}

/// Stores what an earlier `refresh` left in its spool.
pub(super) async fn look_after_refresh(app: App) {
    loop {
        if let Err(error) = replay_for_refresh(&app).await {
            tracing::warn!(%error, "The spool of an earlier `refresh` could not be replayed; the next try \
                follows in a minute");
        }
        tokio::time::sleep(TIDY).await;
    }
}

/// Keeps connections open for a burst of orders.
pub(super) async fn keep_ready(store: Arc<dyn Store>) {
    loop {
        if let Err(error) = store.keep_ready().await {
            tracing::debug!(%error, "Connections could not be opened in advance; they are opened when needed");
        }
        tokio::time::sleep(READY_AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use chrono::DateTime;

    use super::*;
    use crate::ids::MerchantName;
    use crate::silence::HeartbeatCount;

    /// Remembers which outages begin and end.
    #[derive(Default)]
    struct Calls(Mutex<Vec<String>>);

    #[async_trait]
    impl store::Outages for Calls {
        async fn begin_outage(&self, breaker: &OpenBreaker) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(format!("begin {}", breaker.merchant));
            Ok(())
        }

        async fn end_outage(&self, merchant: &str, _: &str) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(format!("end {merchant}"));
            Ok(())
        }

        async fn end_lost_outages(&self, _: &[HeartbeatCount]) -> Result<(), StoreError> {
            Ok(())
        }

        async fn outages(
            &self,
            _: Option<&[MerchantName]>,
            _: u32,
        ) -> Result<Vec<store::Outage>, StoreError> {
            Ok(Vec::new())
        }
    }

    fn breaker(merchant: &str, state: BreakerState) -> OpenBreaker {
        let (endpoint, cause, at) = ("checkout".to_owned(), String::new(), DateTime::UNIX_EPOCH);
        OpenBreaker { endpoint, merchant: merchant.to_owned(), state, cause, since: at, next_try: at }
    }

    #[tokio::test]
    async fn an_outage_begins_once_and_again_after_the_process_was_away() {
        let (calls, mut outages) = (Calls::default(), Outages::default());
        let (a, b) = (breaker("a", BreakerState::Open), breaker("b", BreakerState::HalfOpen));
        let asked = breaker("c", BreakerState::Closed);
        let mut note = async |open: &[&OpenBreaker], second| {
            let open: Vec<OpenBreaker> = open.iter().copied().cloned().collect();
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
