//! Starts the queue of webhooks, which is separate from the queue of orders.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{App, AppError};
use crate::delivery::{Outbox, PER_MERCHANT, Sender};
use crate::queue::{Options, Queue, Running, Stopped, Wake};

/// How long a stop waits for webhook attempts in flight. One that is cut off is repeated later.
const GRACE: Duration = Duration::from_secs(5);

/// How many endpoints can be served at the same time, at least: a reload may add some.
const MOST_ENDPOINTS: usize = 256;

pub(super) struct Webhooks(Running);

impl Webhooks {
    pub(super) fn start(app: &App, wake: &Wake) -> Result<Self, AppError> {
        let merchants = app.merchants();
        let endpoints = merchants.now().len().max(MOST_ENDPOINTS);
        let outbox = Outbox::new(app.store.clone(), merchants.clone(), app.pauses.clone());
        let sender = Sender::new(app.store.clone(), merchants, app.clock.clone(), wake.clone())?;
        // Each merchant has its own slots, which the outbox counts.
        let options = Options { lone: true.into(), ..Options::new("webhooks", PER_MERCHANT * endpoints) };
        Ok(Self(Queue::start(Arc::new(outbox), Arc::new(sender), options, wake)))
    }

    pub(super) async fn stop(self, until: Instant) {
        let until = until.min(Instant::now() + GRACE);
        if let Stopped::Abandoned(events) = self.0.stop(until.saturating_duration_since(Instant::now())).await
        {
            tracing::info!(events, "Webhooks in flight at the stop are sent again after the next start");
        }
    }
}
