//! Writes down that a create call is about to be sent, and decides whether it may be.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::crash;
use crate::store::StoreError;

/// If the worker's last heartbeat is older than this, it sends no create call: other workers may
/// have reclaimed its orders. Nor does it trust what it wrote down longer ago.
const OLDEST: Duration = Duration::from_secs(5);

/// Whether the create call may be sent: that it is about to be sent is written down, and the
/// worker's heartbeat is recent. `announced` is a time before a commit that says so already. After
/// a silence it is written down again, by `announce`, because the order may have been taken over in
/// between.
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

/// How long to ask again while another session has locked the order's row.
const LOCKED: Duration = Duration::from_secs(2);
/// How often.
const AGAIN: Duration = Duration::from_millis(100);

/// Writes down, by `announce`, that the create call is about to be sent. `false` if that cannot be
/// done, because the database is away, the claim was lost, or the row stays locked: nothing may be
/// sent.
///
/// The row may be locked for a moment by the store of the order's own token: if that is slow, the
/// order goes on once the token is in the spool.
pub(super) async fn announce<F>(announce: impl Fn() -> F) -> bool
where
    F: Future<Output = Result<bool, StoreError>>,
{
    let until = Instant::now() + LOCKED;
    loop {
        match announce().await {
            Ok(true) => return true,
            Ok(false) => {
                tracing::debug!("The order's claim was lost; nothing is sent");
                return false;
            }
            Err(StoreError::Busy(_)) if Instant::now() < until => sleep(AGAIN).await,
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
    use std::future::ready;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const START: Duration = Duration::from_hours(1);

    /// One question, at `START`.
    #[derive(Clone, Copy)]
    struct Asked {
        /// For how long it has been written down that the call is about to be sent.
        announced: Option<Duration>,
        /// Whether it can be written down.
        commits: bool,
        /// How long the try to write it down takes.
        commit_takes: Duration,
        heartbeat_age: Duration,
    }

    const QUIET: Asked =
        Asked { announced: None, commits: true, commit_takes: Duration::ZERO, heartbeat_age: SECOND };

    /// Whether the call may be sent, and how often it was announced for that.
    async fn outcome(asked: Asked) -> (bool, u32) {
        let (time, times) = (Cell::new(START), Cell::new(0));
        let announce = async {
            times.set(times.get() + 1);
            time.set(time.get() + asked.commit_takes);
            asked.commits
        };
        let announced = asked.announced.map(|ago| START.saturating_sub(ago));
        (may_send(announced, announce, || time.get(), || asked.heartbeat_age).await, times.get())
    }

    #[tokio::test]
    async fn a_call_that_the_store_of_its_token_announced_is_sent_at_once() {
        assert_eq!(outcome(Asked { announced: Some(5 * SECOND), ..QUIET }).await, (true, 0));
    }

    #[tokio::test]
    async fn after_a_silence_the_call_is_announced_again() {
        assert_eq!(outcome(Asked { announced: Some(6 * SECOND), ..QUIET }).await, (true, 1));
        assert_eq!(outcome(QUIET).await, (true, 1), "nothing announced it before");
    }

    #[tokio::test]
    async fn a_call_that_cannot_be_announced_in_time_is_not_sent() {
        let silent = Asked { announced: Some(6 * SECOND), ..QUIET };
        assert_eq!(outcome(Asked { commits: false, commit_takes: SECOND, ..silent }).await, (false, 1));
        assert_eq!(outcome(Asked { commit_takes: 6 * SECOND, ..silent }).await, (false, 1));
    }

    #[tokio::test]
    async fn a_worker_without_a_recent_heartbeat_sends_nothing() {
        let silent = Asked { announced: Some(Duration::ZERO), heartbeat_age: 6 * SECOND, ..QUIET };
        assert_eq!(outcome(silent).await, (false, 0));
    }

    /// What the announcement of an order gives, and how often it was tried, if its row is locked
    /// for so many tries.
    async fn behind_a_lock(tries: u32, then: bool) -> (bool, u32) {
        let count = Cell::new(0);
        let announced = announce(|| {
            count.set(count.get() + 1);
            ready(if count.get() <= tries { Err(StoreError::Busy("the test".into())) } else { Ok(then) })
        });
        (announced.await, count.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_locked_order_is_announced_once_it_is_free_and_a_lost_claim_never() {
        assert_eq!(behind_a_lock(0, true).await, (true, 1));
        assert_eq!(behind_a_lock(19, true).await, (true, 20));
        assert_eq!(behind_a_lock(100, true).await, (false, 21), "it asks again for 2 s");
        assert_eq!(behind_a_lock(0, false).await, (false, 1), "a lost claim does not come back");
        assert_eq!(behind_a_lock(1, false).await, (false, 2));
        let away = announce(|| ready(Err(StoreError::Unavailable("the test".into()))));
        assert!(!away.await);
    }
}
