//! `[keeper]`

use std::time::Duration;

use super::reader::Reader;

const DAY: Duration = Duration::from_hours(24);

/// How tokens are refreshed before they expire.
#[derive(Clone, Debug)]
pub struct Keeper {
    /// When sweeps start, in UTC; `None` if something else runs `refresh`.
    pub schedule: Option<cron::Schedule>,
    /// How long before its expiry a token is refreshed.
    pub refresh_before: Duration,
    /// How much earlier it may be, by a hash of merchant and user.
    pub spread: Duration,
    /// The maximum number of tokens refreshed per second.
    pub rate_per_second: f64,
    /// Tokens of users not seen for this long are not refreshed; `None` refreshes all.
    pub stop_after_idle: Option<Duration>,
    /// Tokens of users not seen for this long are forgotten; `None` keeps all.
    pub forget_after_idle: Option<Duration>,
}

impl Keeper {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            schedule: reader.get_or("keeper.schedule", "0 */10 * * * *".parse().ok()),
            refresh_before: reader.lasting("keeper.refresh_before", 20 * DAY),
            spread: reader.get_or("keeper.spread", 10 * DAY),
            rate_per_second: reader.within("keeper.rate_per_second", 5.0, &(0.01..=10_000.0)),
            stop_after_idle: reader.get_or("keeper.stop_after_idle", None),
            forget_after_idle: reader.get_or("keeper.forget_after_idle", None),
        }
    }
}
