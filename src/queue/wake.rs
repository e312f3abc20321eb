//! Wake-ups: somebody says that there may be work, and nobody who listens misses it.

use tokio::sync::watch;

/// Tells the queue that a row may have fallen due. Clones share their listeners; many notices before a look count as one.
#[derive(Clone, Debug, Default)]
pub struct Wake(watch::Sender<()>);

impl Wake {
    /// A wake-up that nobody listens to yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes everybody who listens. Call it after the row is committed.
    pub fn notify(&self) {
        self.0.send_replace(());
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> WakeListener {
        WakeListener { notices: self.0.subscribe(), _kept_open: self.clone() }
    }
}

/// One listener. Mark what was said so far as [seen](Woken::mark_seen), look for work, then [wait](Woken::woken): a notice
/// that falls between the look and the wait ends the wait at once.
#[derive(Debug)]
pub struct WakeListener {
    notices: watch::Receiver<()>,
    /// With no sender left a wait would return at once, for ever.
    _kept_open: Wake,
}

impl WakeListener {
    /// Takes every notice up to now as answered by the look that follows.
    pub fn mark_seen(&mut self) {
        self.notices.mark_unchanged();
    }

    /// Waits for a notice that is not yet marked as seen. It may be dropped while waiting without losing one.
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
