//! Durations and latencies in the form in which people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A range of latencies, written `50ms` or `50ms..200ms`. Each answer takes a random time within
/// it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Latency {
    /// The shortest.
    pub least: Duration,
    /// The longest, inclusive.
    pub most: Duration,
}

impl Latency {
    /// Returns a latency that is always the same.
    #[must_use]
    pub fn fixed(latency: Duration) -> Self {
        Self { least: latency, most: latency }
    }
}

impl FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        let parse = |part: &str| {
            humantime::parse_duration(part)
                .map_err(|error| format!("{part:?}: {error}; write 50ms or 50ms..200ms"))
        };
        let latency = Self { least: parse(least)?, most: parse(most)? };
        if latency.least > latency.most {
            return Err(format!("{text:?}: the first must be the shorter"));
        }
        Ok(latency)
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", humantime::format_duration(self.least))?;
        if self.most > self.least {
            write!(f, "..{}", humantime::format_duration(self.most))?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Latency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Latency> for String {
    fn from(latency: Latency) -> Self {
        latency.to_string()
    }
}

/// Reads and writes a duration as `60d`.
pub(super) mod human {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    pub(in super::super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*duration))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text)
            .map_err(|error| D::Error::custom(format!("{error}; write it as 60d or 299s")))
    }
}
