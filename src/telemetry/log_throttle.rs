//! Log messages that strangers can cause as often as they like.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::since_boot;

/// How often one of them is logged at most. A line has a few hundred bytes, so a day of refused
/// requests takes some tens of megabytes at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// Lets one message of its kind through in a second, and counts the others.
pub(crate) struct LogThrottle(Mutex<State>);

struct State {
    /// When the last one was let through.
    last: Option<Duration>,
    left_out: u64,
}

impl LogThrottle {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(State { last: None, left_out: 0 }))
    }

    /// Returns how many messages were left out since the last one; `None` if this one is to be left
    /// out, too.
    pub(crate) fn next(&self) -> Option<u64> {
        self.next_at(since_boot())
    }

    fn next_at(&self, now: Duration) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.saturating_sub(last) < INTERVAL) {
            state.left_out += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_an_interval_says_how_many_there_were() {
        let throttle = LogThrottle::new();
        let at = |millis| throttle.next_at(Duration::from_millis(millis));
        assert_eq!(at(0), Some(0));
        assert_eq!([at(1), at(500), at(999)], [None; 3]);
        assert_eq!((at(1000), at(1001), at(5000)), (Some(3), None, Some(1)));
        assert_eq!(at(6000), Some(0));
    }
}
