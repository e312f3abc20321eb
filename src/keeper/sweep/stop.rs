//! Whether a sweep must end.

use std::future::pending;

use tokio::sync::watch;

/// Tells a sweep to end: it was stopped, or its lease was lost.
#[derive(Clone)]
pub(super) struct Stop {
    pub(super) stop: watch::Receiver<bool>,
    /// Becomes `true` when the sweep lease is lost. `None` for a sweep that needs none.
    pub(super) lost: Option<watch::Receiver<bool>>,
}

impl Stop {
    pub(super) fn is_requested(&self) -> bool {
        *self.stop.borrow() || self.lost.as_ref().is_some_and(|lost| *lost.borrow())
    }

    /// Resolves when the sweep must end.
    pub(super) async fn requested(self) {
        tokio::select! {
            () = raised(Some(self.stop)) => {}
            () = raised(self.lost) => {}
        }
    }
}

/// Resolves when the flag is `true`. Without anybody who could set it, never.
async fn raised(flag: Option<watch::Receiver<bool>>) {
    if let Some(mut flag) = flag
        && flag.wait_for(|raised| *raised).await.is_ok()
    {
        return;
    }
    pending::<()>().await;
}
