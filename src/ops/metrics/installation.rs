//! Metrics of the installation, read from the database at most every five seconds, however often
//! Prometheus scrapes.

use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Sources, by_merchant, counts, number, since};
use crate::config::Merchants;
use crate::pauses::{Pause, PauseKind};
use crate::store::{Overview, ReplicaState, StoreError};

pub(super) const DATABASE_UP: &str = "klarna_worker_database_up";
pub(super) const READ_ONLY: &str = "klarna_worker_database_read_only";
pub(super) const REPLICA_FAILING: &str = "klarna_worker_read_replica_failing";
pub(super) const REPLICA_LAG: &str = "klarna_worker_read_replica_lag_seconds";
pub(super) const QUEUED: &str = "klarna_worker_orders_queued";
pub(super) const DUE: &str = "klarna_worker_orders_due";
pub(super) const RUNNING: &str = "klarna_worker_orders_running";
pub(super) const DELAYED: &str = "klarna_worker_orders_delayed";
pub(super) const OLDEST_DELAYED: &str = "klarna_worker_orders_oldest_delayed_seconds";
pub(super) const OLDEST_DUE: &str = "klarna_worker_orders_oldest_due_seconds";
pub(super) const WORKERS: &str = "klarna_worker_workers_alive";
pub(super) const OPEN_EXCHANGES: &str = "klarna_worker_exchanges_open";
pub(super) const SWEPT_AT: &str = "klarna_worker_keeper_last_sweep_timestamp_seconds";
pub(super) const LAG: &str = "klarna_worker_keeper_lag_seconds";
pub(super) const EXPIRING: &str = "klarna_worker_tokens_expiring";
pub(super) const WEBHOOKS_PENDING: &str = "klarna_worker_webhooks_pending";
pub(super) const WEBHOOKS_DUE: &str = "klarna_worker_webhooks_due";
pub(super) const WEBHOOKS_OLDEST_DUE: &str = "klarna_worker_webhooks_oldest_due_seconds";
pub(super) const FOLLOW_UPS_WAITING: &str = "klarna_worker_follow_ups_waiting";
pub(super) const FOLLOW_UPS_FAILED: &str = "klarna_worker_follow_ups_failed";
pub(super) const FOLLOW_UPS_GIVEN_UP: &str = "klarna_worker_follow_ups_given_up";
pub(super) const FOLLOW_UPS_OLDEST: &str = "klarna_worker_follow_ups_oldest_seconds";
pub(super) const PAUSED: &str = "klarna_worker_paused_seconds";
pub(super) const STOPPED: &str = "klarna_worker_suspicious_rejections";
pub(super) const ENDPOINT_DISABLED: &str = "klarna_worker_webhook_endpoint_disabled";

/// The minimum time between two queries that indexes answer quickly.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The minimum time between two counts of many rows.
const COUNT_EVERY: Duration = Duration::from_mins(1);
/// Counting takes at most one hundredth of the time.
const SHARE: u32 = 100;
/// The maximum time that a scrape waits for the database.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);

/// When the database may be queried again.
#[derive(Default)]
pub(super) struct Installation(Mutex<Next>);

#[derive(Default)]
struct Next {
    poll: Option<Instant>,
    /// Webhooks and held orders, which indexes answer.
    few: Count,
    /// All tokens, which may take minutes.
    tokens: Count,
    /// The merchants that the settings have had since the start. The gauges of one that a reload
    /// removed go on, so that they fall.
    merchants: Merchants,
}

/// A count that is repeated. It may take longer than a scrape waits.
#[derive(Default)]
struct Count {
    /// When the next may begin.
    next: Option<Instant>,
    /// One that has not ended, or whose end no scrape has seen. It returns when the next may begin.
    running: Option<JoinHandle<(Result<(), StoreError>, Instant)>>,
}

impl Count {
    /// Begins a count if it is time, and waits for its end until this time.
    async fn run(
        &mut self,
        until: Instant,
        count: impl Future<Output = Result<(), StoreError>> + Send + 'static,
    ) {
        if self.running.is_none() && self.next.is_none_or(|at| Instant::now() >= at) {
            self.running = Some(tokio::spawn(async move {
                let began = Instant::now();
                let counted = count.await;
                (counted, Instant::now() + COUNT_EVERY.max(began.elapsed() * SHARE))
            }));
        }
        let Some(running) = &mut self.running else { return };
        let Ok(ended) = tokio::time::timeout_at(until, running).await else { return };
        self.running = None;
        let (counted, next) = ended.unwrap_or_else(|_| (Ok(()), Instant::now() + COUNT_EVERY));
        self.next = Some(next);
        if let Err(error) = counted {
            tracing::debug!(%error, "Tokens, keys or webhooks could not be counted for metrics");
        }
    }
}

impl Installation {
    /// Updates the gauges if that is due. Concurrent scrapes wait for it.
    pub(super) async fn update(&self, sources: &Sources) {
        let mut next = self.0.lock().await;
        let now = Instant::now();
        if next.poll.is_some_and(|at| now < at) {
            return;
        }
        next.poll = Some(now + POLL_INTERVAL);
        // One time limit for all queries together, or else a scrape of a process without a free
        // connection takes too long, and Prometheus has no metrics at all of that process.
        let until = now + QUERY_TIMEOUT;
        let polled =
            bounded(sources.stats.overview(sources.worker_lost_after, sources.expiring_within), until).await;
        gauge!(DATABASE_UP).set(if polled.is_ok() { 1.0 } else { 0.0 });
        let health = bounded(sources.connections.health(), until).await;
        gauge!(READ_ONLY).set(if matches!(health, Err(StoreError::ReadOnly(_))) { 1.0 } else { 0.0 });
        // Without an answer in time the gauges stay: zero would say that all is well.
        if let Ok(replica) = tokio::time::timeout_at(until, sources.replica.replica_state()).await {
            set_replica_gauges(replica.as_ref());
        }
        let overview = match polled {
            Ok(overview) => overview,
            Err(error) => {
                tracing::debug!(%error, "The database could not be queried for metrics");
                return;
            }
        };
        let known = sources.merchants.now();
        next.merchants.extend(known.iter().map(|(name, merchant)| (name.clone(), Arc::clone(merchant))));
        let merchants = next.merchants.clone();
        set_gauges(&overview, &merchants);
        if let Ok(stopped) = bounded(sources.providers.stopped_merchants(), until).await {
            for merchant in merchants.values() {
                let stopped = stopped.iter().any(|stopped| {
                    stopped.merchant == merchant.name && stopped.provider == merchant.provider()
                });
                gauge!(STOPPED, "merchant" => merchant.name.to_string()).set(if stopped { 1.0 } else { 0.0 });
            }
        }
        if let Ok(pauses) = bounded(sources.pausing.pauses(), until).await {
            set_pause_gauges(&pauses, &merchants);
        }
        let (stats, known, now) = (Arc::clone(&sources.stats), merchants.clone(), overview.now);
        next.few.run(until, async move { counts::count_few(&*stats, &known, now).await }).await;
        let counters = counts::TokenCounters::of(sources);
        let tokens = async move { counts::count_tokens(&counters, &merchants, now).await };
        next.tokens.run(until, tokens).await;
    }
}

async fn bounded<T>(
    query: impl Future<Output = Result<T, StoreError>>,
    until: Instant,
) -> Result<T, StoreError> {
    tokio::time::timeout_at(until, query).await.unwrap_or(Err(StoreError::TimedOut(QUERY_TIMEOUT)))
}

/// Without a replica, both are zero.
fn set_replica_gauges(replica: Option<&ReplicaState>) {
    let (failing, lag) = match replica {
        Some(ReplicaState::Away { .. }) => (1.0, 0.0),
        Some(ReplicaState::Used { replayed_at: Some(at), now }) => (0.0, since(*now, Some(*at))),
        Some(ReplicaState::Used { .. }) | None => (0.0, 0.0),
    };
    gauge!(REPLICA_FAILING).set(failing);
    gauge!(REPLICA_LAG).set(lag);
}

fn set_gauges(overview: &Overview, merchants: &Merchants) {
    set_order_gauges(overview, merchants);
    set_webhook_gauges(overview, merchants);
    set_follow_up_gauges(overview, merchants);
    gauge!(WORKERS).set(number(overview.workers));
    gauge!(OPEN_EXCHANGES).set(number(overview.open_exchanges));
    gauge!(SWEPT_AT).set(overview.swept_at.map_or(0.0, |at| number(at.timestamp())));
    gauge!(LAG).set(since(overview.now, overview.oldest_due_token));
    gauge!(EXPIRING).set(number(overview.expiring_tokens));
}

fn set_pause_gauges(pauses: &[Pause], merchants: &Merchants) {
    for merchant in merchants.keys() {
        for kind in PauseKind::ALL {
            let ages = pauses.iter().filter(|pause| pause.stops(kind, merchant)).map(Pause::age);
            let labels = [("merchant", merchant.to_string()), ("kind", kind.as_str().to_owned())];
            gauge!(PAUSED, &labels).set(ages.max().unwrap_or_default().as_secs_f64());
        }
    }
}

fn set_order_gauges(overview: &Overview, merchants: &Merchants) {
    for (merchant, backlog) in by_merchant(merchants, &overview.merchants, |backlog| &backlog.merchant) {
        let labels = [("merchant", merchant.to_owned())];
        gauge!(QUEUED, &labels).set(number(backlog.map_or(0, |backlog| backlog.queued)));
        gauge!(DUE, &labels).set(number(backlog.map_or(0, |backlog| backlog.due)));
        gauge!(RUNNING, &labels).set(number(backlog.map_or(0, |backlog| backlog.running)));
        gauge!(OLDEST_DUE, &labels).set(since(overview.now, backlog.and_then(|backlog| backlog.oldest_due)));
        gauge!(DELAYED, &labels).set(number(backlog.map_or(0, |backlog| backlog.delayed)));
        gauge!(OLDEST_DELAYED, &labels)
            .set(since(overview.now, backlog.and_then(|backlog| backlog.delayed_since)));
    }
}

fn set_webhook_gauges(overview: &Overview, merchants: &Merchants) {
    for (merchant, backlog) in by_merchant(merchants, &overview.webhooks, |backlog| &backlog.merchant) {
        let labels = [("merchant", merchant.to_owned())];
        let disabled = backlog.is_some_and(|backlog| backlog.disabled);
        gauge!(WEBHOOKS_PENDING, &labels).set(number(backlog.map_or(0, |backlog| backlog.pending)));
        gauge!(WEBHOOKS_DUE, &labels).set(number(backlog.map_or(0, |backlog| backlog.due)));
        gauge!(WEBHOOKS_OLDEST_DUE, &labels)
            .set(since(overview.now, backlog.and_then(|backlog| backlog.oldest_due)));
        gauge!(ENDPOINT_DISABLED, &labels).set(if disabled { 1.0 } else { 0.0 });
    }
}

fn set_follow_up_gauges(overview: &Overview, merchants: &Merchants) {
    for (merchant, backlog) in by_merchant(merchants, &overview.follow_ups, |backlog| &backlog.merchant) {
        let labels = [("merchant", merchant.to_owned())];
        gauge!(FOLLOW_UPS_WAITING, &labels).set(number(backlog.map_or(0, |backlog| backlog.waiting)));
        gauge!(FOLLOW_UPS_FAILED, &labels).set(number(backlog.map_or(0, |backlog| backlog.failed)));
        gauge!(FOLLOW_UPS_GIVEN_UP, &labels).set(number(backlog.map_or(0, |backlog| backlog.given_up)));
        gauge!(FOLLOW_UPS_OLDEST, &labels)
            .set(since(overview.now, backlog.and_then(|backlog| backlog.oldest)));
    }
}
