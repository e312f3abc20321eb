//! Wake-ups: a notice that there may be work, which no listener misses.

use tokio::sync::watch;

/// Notifies the queue that a row may be due. Clones share their listeners. Several notices before a
/// claim count as one.
#[derive(Clone, Debug, Default)]
pub struct Wake(watch::Sender<()>);

impl Wake {
    /// A wake-up without listeners.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes all listeners. Call it after the row is committed.
    pub fn notify(&self) {
        self.0.send_replace(());
    }

    /// A listener for notices from now on.
    #[must_use]
    pub fn subscribe(&self) -> WakeListener {
        WakeListener { notices: self.0.subscribe(), _kept_open: self.clone() }
    }
}

/// A listener. First [mark](WakeListener::mark_seen) earlier notices as seen, then look for work,
/// then [wait](WakeListener::woken): a notice between the look and the wait ends the wait at once.
#[derive(Debug)]
pub struct WakeListener {
    notices: watch::Receiver<()>,
    /// Keeps a sender alive, because without one every wait would return at once.
    _kept_open: Wake,
}

impl WakeListener {
    /// Marks all notices so far as seen. Call it before looking for work.
    pub fn mark_seen(&mut self) {
        self.notices.mark_unchanged();
    }

    /// Waits for a notice that is not marked as seen. Cancel safe: dropping the future loses no
    /// notice.
    pub async fn woken(&mut self) {
        if self.notices.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_notice_before_the_wait_is_kept() {
        let wake = Wake::new();
        let mut woken = wake.subscribe();
        woken.mark_seen();
        wake.notify();
        wake.notify();
        assert!(woken.woken().now_or_never().is_some());
        assert!(woken.woken().now_or_never().is_none(), "two notices count as one");
    }

    #[test]
    fn what_is_seen_wakes_nobody() {
        let wake = Wake::new();
        let mut woken = wake.subscribe();
        wake.notify();
        woken.mark_seen();
        assert!(woken.woken().now_or_never().is_none());
    }

    #[test]
    fn every_listener_hears_and_none_is_woken_by_silence() {
        let wake = Wake::new();
        let (mut one, mut other) = (wake.subscribe(), wake.clone().subscribe());
        wake.notify();
        drop(wake);
        assert!(one.woken().now_or_never().is_some());
        assert!(other.woken().now_or_never().is_some());
        assert!(other.woken().now_or_never().is_none());
    }
}
