//! Starts sweeps on `keeper.schedule`. Every process with the role `keeper` has the schedule; the
//! sweep lease decides which one sweeps. If a sweep has ended since the scheduled time, there is
//! nothing to do. A scheduled sweep that was missed is made up for at the next start.

use std::sync::Arc;
use std::time::Duration;

use apalis_cron::timezone::Utc as Zone;
use apalis_cron::{CronScheduler, Tick};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::sweep::{Run, Scope, Sweeper};
use crate::clock::Clock;

/// The wait before the lease is asked for again: the process that holds it may die.
const ASK_AGAIN: Duration = Duration::from_secs(15);

/// Sweeps on a schedule, until it is stopped.
pub struct SweepSchedule {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl SweepSchedule {
    /// Starts the schedule, with a sweep at once if the last scheduled one was missed. Call it
    /// within a tokio runtime.
    #[must_use]
    pub fn start(sweeper: Arc<Sweeper>, schedule: cron::Schedule, clock: Clock) -> Self {
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(SweepTicker { sweeper, schedule, clock, stopping }.run());
        Self { stop, task }
    }

    /// Ends a running sweep after its current tokens, and waits for the exchanges in flight.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // An error is a panic, which the runtime's hook has logged.
        let _ = self.task.await;
    }
}

struct SweepTicker {
    sweeper: Arc<Sweeper>,
    schedule: cron::Schedule,
    clock: Clock,
    stopping: watch::Receiver<bool>,
}

impl SweepTicker {
    async fn run(self) {
        let mut asked = self.missed().await;
        let mut ticks = Box::pin(ticks(&self.schedule, &self.clock));
        while !*self.stopping.borrow() {
            if let Some(at) = asked
                && self.answer(at).await
            {
                asked = None;
                continue;
            }
            let mut stopping = self.stopping.clone();
            tokio::select! {
                // An error means that nobody can stop it, but the owner keeps the sender.
                _ = stopping.wait_for(|stop| *stop) => return,
                tick = ticks.next() => match tick {
                    Some(Ok(tick)) => asked = time(tick),
                    // The tick passed during a sweep, and the scheduler cannot continue from there.
                    Some(Err(_)) => {
                        asked = Some(self.clock.now());
                        ticks = Box::pin(self::ticks(&self.schedule, &self.clock));
                    }
                    // The schedule has no later time.
                    None => return,
                },
                () = tokio::time::sleep(ASK_AGAIN), if asked.is_some() => {}
            }
        }
    }

    /// The last scheduled time, if no sweep has ended since.
    async fn missed(&self) -> Option<DateTime<Utc>> {
        let now = self.clock.now();
        match self.sweeper.store().last_sweep().await {
            Ok(last) => missed(&self.schedule, last.ended_at, now),
            Err(_) => Some(now),
        }
    }

    /// Runs a sweep, unless one has ended since `asked`. Returns `false` if it must be tried again.
    async fn answer(&self, asked: DateTime<Utc>) -> bool {
        let ended = self.sweeper.store().last_sweep().await.map(|last| last.ended_at);
        if matches!(ended, Ok(Some(ended)) if ended >= asked) {
            return true;
        }
        match self.sweeper.run(&Scope::default(), self.stopping.clone(), &mut |_, _| {}).await {
            Ok(Run::Swept(summary)) => {
                tracing::info!(
                    refreshed = summary.refreshed,
                    already_fresh = summary.already_fresh,
                    needs_sign_in = summary.needs_sign_in,
                    failed = summary.failed.values().sum::<u64>(),
                    in_use = summary.in_use,
                    breaker_open = summary.breaker_open,
                    paused = summary.paused,
                    unknown_merchant = summary.unknown_merchant,
                    idle = summary.idle,
                    forgotten = summary.forgotten,
                    interrupted = summary.interrupted,
                    "A sweep ended"
                );
                !summary.interrupted
            }
            Ok(Run::Elsewhere(_)) => false,
            Err(error) => {
                tracing::warn!(%error, "A sweep failed; it is tried again in 15 s");
                false
            }
        }
    }
}

fn missed(
    schedule: &cron::Schedule,
    ended: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    match ended {
        None => Some(now),
        Some(ended) => schedule.after(&ended).next().filter(|tick| *tick <= now),
    }
}

/// A cron schedule whose clock is a parameter, for tests.
struct ClockSchedule {
    schedule: cron::Schedule,
    clock: Clock,
}

impl apalis_cron::Schedule<Zone> for ClockSchedule {
    fn next_tick(&mut self, _: &Zone) -> Option<Tick<Zone>> {
        let next = self.schedule.after(&self.clock.now()).next()?;
        u64::try_from(next.timestamp()).ok().map(Tick::new)
    }
}

fn ticks(
    schedule: &cron::Schedule,
    clock: &Clock,
) -> impl futures::Stream<Item = Result<Tick<Zone>, apalis_cron::Error>> {
    CronScheduler::new(ClockSchedule { schedule: schedule.clone(), clock: clock.clone() }).into_stream()
}

fn time(tick: Tick<Zone>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::try_from(tick.get_timestamp()).ok()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_tick_is_missed_where_no_sweep_ended_after_it() {
        let nightly: cron::Schedule = "0 0 3 * * *".parse().unwrap();
        let now = at("2026-05-05T12:00:00Z");
        let missed = |ended| missed(&nightly, Some(at(ended)), now);
        assert_eq!(missed("2026-05-05T03:00:02Z"), None);
        assert_eq!(missed("2026-05-04T03:00:02Z"), Some(at("2026-05-05T03:00:00Z")));
        assert_eq!(super::missed(&nightly, None, now), Some(now), "there was never a sweep");
    }

    #[tokio::test]
    async fn ticks_follow_the_clock_that_is_given() {
        let clock = Clock::system();
        let every_second: cron::Schedule = "* * * * * *".parse().unwrap();
        let mut ticks = Box::pin(ticks(&every_second, &clock));
        let first = time(ticks.next().await.unwrap().unwrap()).unwrap();
        let second = time(ticks.next().await.unwrap().unwrap()).unwrap();
        assert_eq!((second - first).num_seconds(), 1);
        assert!(second <= clock.now());
    }
}
