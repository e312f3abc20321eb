//! Times on the command line.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::{Clock, delta};

/// A time, or how long ago it was.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    At(DateTime<Utc>),
    Ago(Duration),
}

/// Reads RFC 3339, or a duration such as `2h`.
pub(super) fn when(text: &str) -> Result<When, &'static str> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(When::At(time.to_utc()));
    }
    humantime::parse_duration(text)
        .map(When::Ago)
        .map_err(|_| "write a time such as 2026-01-31T12:00:00Z, or 2h")
}

impl When {
    /// The point in time, by `clock`.
    pub(super) fn by(self, clock: &Clock) -> DateTime<Utc> {
        match self {
            Self::At(time) => time,
            Self::Ago(ago) => clock.now().checked_sub_signed(delta(ago)).unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
}
