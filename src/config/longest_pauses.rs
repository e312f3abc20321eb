//! How long calls to a merchant's endpoints wait at most.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::reader::Reader;

/// What the pauses may be: an error in writing must not stop a merchant for days.
const ALLOWED: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

/// The longest pauses before the next call to an endpoint of a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongestPauses {
    /// The longest that an answer of Klarna can ask for. A longer one is shortened to this.
    pub asked: Duration,
    /// The longest between two tries of an open circuit breaker, unless Klarna asks for more.
    pub between_tries: Duration,
}

impl Default for LongestPauses {
    fn default() -> Self {
        Self { asked: Duration::from_hours(1), between_tries: Duration::from_mins(1) }
    }
}

impl LongestPauses {
    pub(super) fn read(reader: &mut Reader, key: impl Fn(&str) -> String) -> Self {
        let Self { asked, between_tries } = Self::default();
        let mut pause = |name, default| {
            let pause = reader.get_or(&key(name), default);
            if !ALLOWED.contains(&pause) {
                reader.fault(&key(name), "out of range", r#"write "1s" to "24h""#);
            }
            pause
        };
        Self { asked: pause("longest_pause", asked), between_tries: pause("longest_back_off", between_tries) }
    }
}
