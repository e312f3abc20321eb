//! News within the one serving process; what other processes write is found by the slow poll.

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::store::{Signal, Signals, StoreError};

/// News kept for a listener that lags; one that lags further looks at the rows instead.
const BACKLOG: usize = 1024;

pub(super) struct Bus(broadcast::Sender<Signal>);

impl Default for Bus {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Bus {
    pub(super) fn tell(&self, signal: Signal) {
        // An error only says that nobody listens.
        let _ = self.0.send(signal);
    }

    pub(super) fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

pub(super) struct Listener(broadcast::Receiver<Signal>);

#[async_trait]
impl Signals for Listener {
    async fn next(&mut self) -> Result<Signal, StoreError> {
        self.0.recv().await.map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}
