//! The role `worker`: orders, webhooks, revocations, follow-ups and retention.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::background::Wakeups;
use crate::app::outbox::Webhooks;
use crate::app::process::{LAST_TRIES, Process};
use crate::app::{App, AppError, audit};
use crate::delivery::Waiters;
use crate::klarna::breakers::TargetBreakers;
use crate::klarna::create::CreateClient;
use crate::ops::Retention;
use crate::queue::{Options, Queue, Running, Stopped};
use crate::sessions::{FollowUpWorker, InFlight, Sessions};
use crate::vault::Revoker;
use crate::worker::{DirectOrders, OrderHandler, OrderSource, ResultSpool};

/// The running role `worker`.
pub(super) struct WorkerRole {
    webhooks: Webhooks,
    pub(super) queue: Running,
    /// Starts new orders in this process.
    pub(super) direct: Arc<DirectOrders>,
    results: ResultSpool,
    pub(super) breakers: TargetBreakers,
    /// The follow-ups that this process works on.
    pub(super) follow_ups: InFlight,
}

impl WorkerRole {
    /// Starts the role `worker`: orders, webhooks, revocations, follow-ups and retention.
    pub(super) fn start(
        app: &App,
        process: &Process,
        sessions: &Sessions,
        wakes: &Wakeups,
        waiters: &Waiters,
        background: &mut JoinSet<()>,
    ) -> Result<Self, AppError> {
        let settings = &app.settings;
        let breakers = TargetBreakers::new(&app.merchants());
        if let Some(rates) = &process.rates {
            background.spawn(rates.share(breakers.each().collect()));
        }
        let handler = OrderHandler {
            store: app.store.clone(),
            merchants: app.merchants(),
            vault: process.vault.clone(),
            klarna: CreateClient::new(settings.checkout.timeout, app.accepted_credentials.clone())?,
            breakers: breakers.clone(),
            heartbeats: process.heartbeat.watch(),
            results: process.results.clone(),
            waiters: waiters.clone(),
            token_patience: settings.vault.token_patience,
        };
        let source =
            OrderSource::new(app.store.clone(), app.merchants(), app.pauses.clone(), process.worker.id);
        let lone = app.merchants().only_merchant();
        let options = Options { lone, ..Options::new("orders", settings.queue.concurrency) };
        let webhooks = Webhooks::start(app, &wakes.webhooks)?;
        let (queue, starts) =
            Queue::start_with_direct(Arc::new(source), Arc::new(handler), options, &wakes.orders);
        let direct = Arc::new(DirectOrders::new(app.store.clone(), starts, process.worker.id));
        background.spawn(audit::pruning(app).run());
        let timeout = settings.vault.exchange_timeout;
        let revoker = Revoker::new(app.store.clone(), Arc::clone(&app.secrets), app.merchants(), timeout)?;
        background.spawn(revoker.run());
        let follow_ups = FollowUpWorker::new(app.store.clone(), sessions.clone(), app.pauses.clone());
        let in_flight = follow_ups.in_flight();
        background.spawn(follow_ups.run());
        background
            .spawn(Retention::new(app.store.clone(), settings.retention.clone(), app.merchants()).run());
        Ok(Self {
            webhooks,
            queue,
            direct,
            results: process.results.clone(),
            breakers,
            follow_ups: in_flight,
        })
    }

    /// Waits until running orders have ended and webhooks are sent, at most until `until`. Returns
    /// whether no order was cut off.
    pub(super) async fn stop(self, until: Instant) -> bool {
        let stopped = tokio::select! {
            stopped = self.queue.stop(until.saturating_duration_since(Instant::now())) => stopped,
            never = self.results.close_after(LAST_TRIES) => never,
        };
        // After the orders, because their ends write webhooks.
        self.webhooks.stop(until).await;
        if let Stopped::Abandoned(orders) = stopped {
            tracing::error!(
                orders,
                "The shutdown grace is over; other workers take these orders and may \
                submit them twice"
            );
        }
        stopped == Stopped::Clean
    }
}
