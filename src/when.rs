//! Times as people write them: on the command line, and on the operators' pages.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use crate::clock::delta;

/// A time, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A point in time.
    At(DateTime<Utc>),
    /// This long before now.
    Ago(Duration),
}

/// Forms that RFC 3339 does not have: without a zone, or without seconds. All are in UTC.
const FORMS: [&str; 5] =
    ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%MZ"];

impl When {
    /// Reads a date, a time or an age: `2026-01-31`, `2026-01-31T12:00`, RFC 3339, or a duration
    /// such as `2h`. A date is its first instant. A date or time without a zone is in UTC.
    ///
    /// # Errors
    /// What to write, if it is none of these.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Ok(time) = text.parse::<DateTime<Utc>>() {
            return Ok(Self::At(time));
        }
        let time = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
        if let Some(time) = time.or_else(date) {
            return Ok(Self::At(time.and_utc()));
        }
        humantime::parse_duration(text).map(Self::Ago).map_err(
            |_| "write a date such as 2026-01-31, a time such as 2026-01-31T12:00Z, or an age such as 2h",
        )
    }

    /// Returns the point in time. An age counts back from `now`.
    #[must_use]
    pub fn by(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(time) => time,
            Self::Ago(ago) => now.checked_sub_signed(delta(ago)).unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_times_and_ages_are_read() {
        let at = |text: &str| match When::parse(text).unwrap() {
            When::At(time) => time.to_rfc3339(),
            When::Ago(ago) => panic!("{ago:?}"),
        };
        assert_eq!(at("2026-01-31"), "2026-01-31T00:00:00+00:00");
        for text in ["2026-01-31T12:00", "2026-01-31 12:00", "2026-01-31T12:00Z", "2026-01-31T13:00:00+01:00"]
        {
            assert_eq!(at(text), "2026-01-31T12:00:00+00:00", "{text}");
        }
        assert!(When::parse("2h") == Ok(When::Ago(Duration::from_hours(2))));
        for wrong in ["soon", "2026-02-30", "31.1.2026", "", "12:00"] {
            assert!(When::parse(wrong).is_err(), "{wrong}");
        }
    }
}
