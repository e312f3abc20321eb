//! Time as a parameter.
//!
//! Nothing else in the crate reads a clock: `clippy.toml` forbids `Utc::now` everywhere but here.
//! Tests use a [`Clock::manual`] and advance it by days instead of sleeping.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The clock of a process: the system's clock, or a manual one in tests.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// Returns the system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// Returns a clock that stands at `start` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.timestamp_micros()))))
    }

    /// Returns the present time in UTC, in whole microseconds, which is what both engines store.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.manual_now().unwrap_or_else(system_now)
    }

    /// Returns the time of a manual clock, if it is one. Otherwise stores use the database's time.
    #[must_use]
    pub fn manual_now(&self) -> Option<DateTime<Utc>> {
        let micros = self.0.as_ref()?.load(Ordering::SeqCst);
        DateTime::from_timestamp_micros(micros)
    }

    /// Advances a manual clock by `by`. Does nothing to the system's clock.
    pub fn advance(&self, by: Duration) {
        if let Some(micros) = &self.0 {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            micros.fetch_add(by, Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
fn system_now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
}

/// Converts a setting's duration. Durations beyond chrono's range become its longest.
#[must_use]
pub fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// Returns a duration in a fitting unit.
#[must_use]
pub fn span(time: TimeDelta) -> String {
    let millis = time.num_milliseconds().max(0);
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        10_000..120_000 => format!("{} s", millis / 1000),
        120_000..7_200_000 => format!("{} min", millis / 60_000),
        7_200_000..172_800_000 => format!("{} h", millis / 3_600_000),
        _ => format!("{} days", millis / 86_400_000),
    }
}

/// Returns the time since the machine started, including suspension (`CLOCK_BOOTTIME`). A process
/// that was stopped, or whose machine was suspended, sees here how long it was away.
#[must_use]
pub fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(id);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
