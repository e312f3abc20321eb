//! Whether a process accepts requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::store::StoreError;

/// Whether the process accepts requests: false during start and from the beginning of a stop.
/// Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<ReadinessState>);

#[derive(Debug, Default)]
struct ReadinessState {
    ready: AtomicBool,
    /// Whether the process takes nothing new in.
    draining: watch::Sender<bool>,
    /// Why the process can never become ready again.
    outdated: OnceLock<String>,
}

impl Readiness {
    /// Sets whether the process accepts requests from now on.
    pub fn set_ready(&self, ready: bool) {
        self.0.ready.store(ready, Ordering::SeqCst);
    }

    /// Records that the database needs a newer program. From now on the process accepts no
    /// requests, and `/readyz` answers with this reason.
    pub fn set_outdated(&self, why: &StoreError) {
        // The first reason stays.
        let _ = self.0.outdated.set(why.to_string());
        self.set_ready(false);
    }

    /// Makes the process take nothing new in until it ends. `/readyz` answers 503.
    pub fn drain(&self) {
        self.0.draining.send_replace(true);
    }

    /// Returns whether the process takes nothing new in.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.0.draining.borrow()
    }

    /// Resolves when the process is asked to drain.
    pub async fn draining(&self) {
        // It cannot fail: `self` has the sender.
        let _ = self.0.draining.subscribe().wait_for(|draining| *draining).await;
    }

    /// Returns whether the process accepts requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::SeqCst)
    }

    /// Returns why the process can never become ready again, if it is too old for its database.
    pub(super) fn outdated(&self) -> Option<&str> {
        self.0.outdated.get().map(String::as_str)
    }
}
