//! Writes down that a create call is about to be sent, and decides whether it may be.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::crash;
use crate::store::{Claim, Orders};

/// If the worker's last heartbeat is older than this, it sends no create call: other workers may have
/// reclaimed its orders. Nor does it trust what it wrote down longer ago.
const OLDEST: Duration = Duration::from_secs(5);

/// Whether the create call may be sent: that it is about to be sent is written down, and the worker's
/// heartbeat is recent. `announced` is a time before a commit that says so already. After a silence it
/// is written down again, by `announce`, because the order may have been taken over in between.
///
/// Times are those since the machine started, from `now`.
pub(super) async fn may_send(
    announced: Option<Duration>,
    announce: impl Future<Output = bool>,
    now: impl Fn() -> Duration,
    heartbeat_age: impl Fn() -> Duration,
) -> bool {
    let recent = |time: &Duration| now().saturating_sub(*time) <= OLDEST;
    let announced = if let Some(announced) = announced.filter(recent) {
        announced
    } else {
        let begun = now();
        if !announce.await {
            return false;
        }
        begun
    };
    crash::point("announced");
    recent(&announced) && heartbeat_age() <= OLDEST
}

/// How long to ask again while the order's row may be locked.
const LOCKED: Duration = Duration::from_secs(2);
/// How often.
const AGAIN: Duration = Duration::from_millis(100);

/// Writes down that the create call is about to be sent. `false` if that cannot be done, because the
/// database is away or the claim was lost: nothing may be sent.
///
/// The row may be locked for a moment by the store of the order's own token: if that is slow, the order
/// goes on once the token is in the spool.
pub(super) async fn announce(store: &dyn Orders, claim: &Claim) -> bool {
    let until = Instant::now() + LOCKED;
    loop {
        match store.announce_create(claim).await {
            Ok(true) => return true,
            Ok(false) if Instant::now() < until => sleep(AGAIN).await,
            Ok(false) => {
                tracing::debug!("The order's claim was lost, or its row is locked; nothing is sent");
                return false;
            }
            Err(error) => {
                tracing::debug!(%error, "The create call could not be announced; nothing is sent");
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const START: Duration = Duration::from_hours(1);

    /// One question, at `START`.
    struct Asked {
        /// For how long it has been written down that the call is about to be sent.
        announced: Option<Duration>,
        /// Whether it can be written down, and how long that takes.
        commit: (bool, Duration),
        heartbeat_age: Duration,
    }

    const QUIET: Asked = Asked { announced: None, commit: (true, Duration::ZERO), heartbeat_age: SECOND };

    /// Whether the call may be sent, and how often it was announced for that.
    async fn told(asked: Asked) -> (bool, u32) {
        let (time, times) = (Cell::new(START), Cell::new(0));
        let announce = async {
            times.set(times.get() + 1);
            time.set(time.get() + asked.commit.1);
            asked.commit.0
        };
        let announced = asked.announced.map(|ago| START.saturating_sub(ago));
        (may_send(announced, announce, || time.get(), || asked.heartbeat_age).await, times.get())
    }

    #[tokio::test]
    async fn a_call_that_the_store_of_its_token_announced_is_sent_at_once() {
        assert_eq!(told(Asked { announced: Some(5 * SECOND), ..QUIET }).await, (true, 0));
    }

    #[tokio::test]
    async fn after_a_silence_the_call_is_announced_again() {
        assert_eq!(told(Asked { announced: Some(6 * SECOND), ..QUIET }).await, (true, 1));
        assert_eq!(told(QUIET).await, (true, 1), "nothing announced it before");
    }

    #[tokio::test]
    async fn a_call_that_cannot_be_announced_in_time_is_not_sent() {
        let before = Some(6 * SECOND);
        assert_eq!(told(Asked { announced: before, commit: (false, SECOND), ..QUIET }).await, (false, 1));
        assert_eq!(told(Asked { announced: before, commit: (true, 6 * SECOND), ..QUIET }).await, (false, 1));
    }

    #[tokio::test]
    async fn a_worker_without_a_recent_heartbeat_sends_nothing() {
        let silent = Asked { announced: Some(Duration::ZERO), heartbeat_age: 6 * SECOND, ..QUIET };
        assert_eq!(told(silent).await, (false, 0));
    }
}
