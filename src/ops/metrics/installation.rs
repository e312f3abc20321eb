//! What is true of the installation, from the database: asked at most every few seconds, however often somebody scrapes.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::gauge;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::number;
use crate::store::{DeadReason, Overview, Store, StoreError, TokenCount, TokenState};

pub(super) const DATABASE_UP: &str = "klarna_worker_database_up";
pub(super) const QUEUED: &str = "klarna_worker_orders_queued";
pub(super) const DUE: &str = "klarna_worker_orders_due";
pub(super) const RUNNING: &str = "klarna_worker_orders_running";
pub(super) const OLDEST_DUE: &str = "klarna_worker_orders_oldest_due_seconds";
pub(super) const WORKERS: &str = "klarna_worker_workers_alive";
pub(super) const OPEN_EXCHANGES: &str = "klarna_worker_exchanges_open";
pub(super) const SWEPT_AT: &str = "klarna_worker_keeper_last_sweep_timestamp_seconds";
pub(super) const LAG: &str = "klarna_worker_keeper_lag_seconds";
pub(super) const TOKENS: &str = "klarna_worker_tokens";
pub(super) const DAYS_LEFT: &str = "klarna_worker_tokens_by_life_left";
pub(super) const COUNTED_AT: &str = "klarna_worker_tokens_counted_timestamp_seconds";

/// The least between two looks at what indexes tell at once.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The least between two counts of all tokens, which read every row.
const COUNT_EVERY: Duration = Duration::from_mins(1);
/// A count takes no more than this part of the time.
const SHARE: u32 = 100;
/// How long a scrape waits for the database.
const PATIENCE: Duration = Duration::from_secs(3);

/// Days that are told together.
const DAYS: i64 = 10;
/// Beyond it all are told as one.
const MOST_DAYS: i64 = 60;

/// When the database may be asked again.
#[derive(Default)]
pub(super) struct Installation(Mutex<Next>);

#[derive(Default)]
struct Next {
    look: Option<Instant>,
    count: Option<Instant>,
}

impl Installation {
    /// Brings the gauges up to date where that is due; who scrapes at the same time waits for it.
    pub(super) async fn look(&self, store: &dyn Store, merchants: &[String], worker_lost_after: Duration) {
        let mut next = self.0.lock().await;
        let now = Instant::now();
        if next.look.is_some_and(|at| now < at) {
            return;
        }
        next.look = Some(now + LOOK_EVERY);
        let looked = bounded(store.overview(worker_lost_after)).await;
        gauge!(DATABASE_UP).set(if looked.is_ok() { 1.0 } else { 0.0 });
        let overview = match looked {
            Ok(overview) => overview,
            Err(error) => {
                tracing::debug!(%error, "The installation could not be looked at for metrics");
                return;
            }
        };
        tell(&overview, merchants);
        if next.count.is_some_and(|at| now < at) {
            return;
        }
        let counted = bounded(store.token_counts(None)).await;
        next.count = Some(Instant::now() + COUNT_EVERY.max(now.elapsed() * SHARE));
        match counted {
            Ok(counts) => tell_tokens(&counts, overview.now),
            Err(error) => tracing::debug!(%error, "The tokens could not be counted for metrics"),
        }
    }
}

async fn bounded<T>(look: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(PATIENCE, look).await.unwrap_or(Err(StoreError::TimedOut(PATIENCE)))
}

fn tell(overview: &Overview, merchants: &[String]) {
    // A merchant without orders has no row.
    let mut backlogs: BTreeMap<&str, _> = merchants.iter().map(|merchant| (merchant.as_str(), None)).collect();
    backlogs.extend(overview.merchants.iter().map(|backlog| (backlog.merchant.as_str(), Some(backlog))));
    for (merchant, backlog) in backlogs {
        let labels = [("merchant", merchant.to_owned())];
        let oldest = backlog.and_then(|backlog| backlog.oldest_due);
        gauge!(QUEUED, &labels).set(number(backlog.map_or(0, |backlog| backlog.queued)));
        gauge!(DUE, &labels).set(number(backlog.map_or(0, |backlog| backlog.due)));
        gauge!(RUNNING, &labels).set(number(backlog.map_or(0, |backlog| backlog.running)));
        gauge!(OLDEST_DUE, &labels).set(since(overview, oldest));
    }
    gauge!(WORKERS).set(number(overview.workers));
    gauge!(OPEN_EXCHANGES).set(number(overview.open_exchanges));
    gauge!(SWEPT_AT).set(overview.swept_at.map_or(0.0, |at| number(at.timestamp())));
    gauge!(LAG).set(since(overview, overview.oldest_due_token));
}

/// Seconds that have passed; none where the time is yet to come.
fn since(overview: &Overview, at: Option<DateTime<Utc>>) -> f64 {
    at.and_then(|at| (overview.now - at).to_std().ok()).unwrap_or_default().as_secs_f64()
}

fn tell_tokens(counts: &[TokenCount], now: DateTime<Utc>) {
    // What has become none must be told as none.
    let mut states = BTreeMap::from([
        ((TokenState::Active.as_str(), ""), 0),
        ((TokenState::Uncertain.as_str(), ""), 0),
        ((TokenState::Forgotten.as_str(), ""), 0),
    ]);
    let reasons = [DeadReason::Rejected, DeadReason::AnswerLost, DeadReason::Expired];
    states.extend(reasons.map(|reason| ((TokenState::ReauthRequired.as_str(), reason.as_str()), 0)));
    let mut days: BTreeMap<String, u64> = (-1..=MOST_DAYS).map(|day| (days_left(day), 0)).collect();
    for count in counts {
        *states.entry((count.state.as_str(), count.reason.map_or("", DeadReason::as_str))).or_default() += count.tokens;
        if let Some(left) = count.days {
            *days.entry(days_left(left)).or_default() += count.tokens;
        }
    }
    for ((state, reason), tokens) in states {
        gauge!(TOKENS, "state" => state, "reason" => reason).set(number(tokens));
    }
    for (days, tokens) in days {
        gauge!(DAYS_LEFT, "days" => days).set(number(tokens));
    }
    gauge!(COUNTED_AT).set(number(now.timestamp()));
}

/// The label of so many days: `lapsed`, `0-9`, …, `60+`.
fn days_left(days: i64) -> String {
    match days {
        ..0 => "lapsed".to_owned(),
        MOST_DAYS.. => format!("{MOST_DAYS}+"),
        _ => format!("{}-{}", days / DAYS * DAYS, days / DAYS * DAYS + DAYS - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_by_tens() {
        let labels = [-1, 0, 9, 10, 59, 60, 400].map(days_left);
        assert_eq!(labels, ["lapsed", "0-9", "0-9", "10-19", "50-59", "60+", "60+"]);
    }
}
