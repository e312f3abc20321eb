//! What only this process knows of its troubles: its own pages show it, and other processes' by the
//! database.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::App;
use super::spools::SpoolFiles;
use crate::clock::Clock;
use crate::config::{HEARTBEAT, SettingsStatus};
use crate::ids::WorkerId;
use crate::meter;
use crate::pages::AskFacts;
use crate::store::{DatabaseClock, ProcessFacts, ReloadFailure, StoreError, Workers};

/// How long it is shown that log lines were dropped.
const DROPPED_FOR: Duration = Duration::from_hours(1);
/// After how many heartbeats the clocks are compared again.
const COMPARE_CLOCKS: u64 = 30;
/// The most characters of the reason why a reload failed: it may list every setting.
const LONGEST_REASON: usize = 2000;

/// Returns what asks for the facts of this process. It has not compared the clocks.
pub(super) fn asking(app: &App) -> AskFacts {
    let (spools, settings) = (SpoolFiles::new(app), app.live.status.clone());
    Arc::new(move || ProcessFacts {
        spool_files: spools.last(),
        dropped_lines: meter::log_lines_dropped_within(DROPPED_FOR),
        clock_off_seconds: 0,
        failed_reload: failed_reload(&settings.now()),
    })
}

fn failed_reload(settings: &SettingsStatus) -> Option<ReloadFailure> {
    let failed = settings.failed.as_ref()?;
    let reason = failed.reason.chars().take(LONGEST_REASON).collect();
    Some(ReloadFailure { at: failed.at, reason, settings_read_at: settings.read_at })
}

/// Writes the facts of this process to the database whenever they have changed, and now and then,
/// because a failover may have lost them.
pub(super) async fn publish(
    workers: Arc<dyn Workers>,
    database: Arc<dyn DatabaseClock>,
    worker: WorkerId,
    facts: AskFacts,
    clock: Clock,
) {
    let mut published = None;
    let mut clock_off_seconds = 0;
    for round in 0_u64.. {
        tokio::time::sleep(HEARTBEAT).await;
        if round.is_multiple_of(COMPARE_CLOCKS) {
            published = None;
            if let Ok(off) = clock_off(&*database, &clock).await {
                clock_off_seconds = off;
            }
        }
        let now = ProcessFacts { clock_off_seconds, ..facts() };
        if published.as_ref() == Some(&now) {
            continue;
        }
        // Even if this fails, it may have been written.
        published = None;
        match workers.note_facts(worker, &now).await {
            Ok(()) => published = Some(now),
            Err(error) => tracing::debug!(%error, "The facts of this process could not be published"),
        }
    }
}

async fn clock_off(database: &dyn DatabaseClock, clock: &Clock) -> Result<u64, StoreError> {
    let asked_at = clock.now();
    let database = database.time().await?;
    Ok(apart(asked_at, clock.now(), database))
}

/// By how many whole seconds the database's time lies outside of the time in which it was read.
fn apart(asked_at: DateTime<Utc>, answered_at: DateTime<Utc>, database: DateTime<Utc>) -> u64 {
    let apart = (asked_at - database).max(database - answered_at);
    u64::try_from(apart.num_seconds()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_difference_of_clocks() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let read = |database| apart(at(100), at(110), at(database));
        assert_eq!([read(100), read(107), read(110)], [0; 3]);
        assert_eq!([read(95), read(113)], [5, 3]);
    }
}
