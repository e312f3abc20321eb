//! Time as a parameter.
//!
//! Nothing else in the crate reads a clock: `clippy.toml` refuses `Utc::now` everywhere but here. Tests hold a
//! [`Clock::manual`] and turn it on by days instead of sleeping.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The clock that a process lives by: the system's, or one that a test turns by hand.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at `start` until [`Clock::advance`] turns it.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.timestamp_micros()))))
    }

    /// The present time, in UTC, to the microsecond (what both engines store).
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.manual_now().unwrap_or_else(system_now)
    }

    /// The hand-turned time, where there is one. Stores ask the database for the time unless this is given.
    #[must_use]
    pub fn manual_now(&self) -> Option<DateTime<Utc>> {
        let micros = self.0.as_ref()?.load(Ordering::SeqCst);
        DateTime::from_timestamp_micros(micros)
    }

    /// Turns a manual clock on by `by`; the system's clock is left alone.
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

/// A setting's duration as chrono counts it; durations beyond chrono's range become its longest.
#[must_use]
pub fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// Time since the machine started, counting suspension (`CLOCK_BOOTTIME`): a process that was stopped, or whose
/// machine slept, sees here how long it was away.
#[must_use]
pub fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(id);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
