//! Decides when a process that takes nothing new in has done everything that is due.

use std::time::Duration;

use super::Service;
use crate::app::App;
use crate::clock::since_boot;
use crate::ids::{MerchantName, WorkerId};
use crate::pauses::PauseKind;
use crate::sessions::InFlight;
use crate::store::StoreError;

/// How often the database is asked.
const ASK: Duration = Duration::from_millis(250);

impl Service {
    /// Resolves when no order, no follow-up and no webhook is due that this process may work on,
    /// and no order or follow-up runs here. What is paused, or due later, stays for another start.
    pub fn worked_off(&self) -> impl Future<Output = ()> + use<> {
        let (app, worker) = (self.app.clone(), self.process.as_ref().map(|process| process.worker.id));
        let follow_ups = self.worker.as_ref().map(|worker| worker.follow_ups.clone()).unwrap_or_default();
        async move {
            loop {
                match is_worked_off(&app, worker, &follow_ups).await {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(error) => tracing::debug!(%error, "It is not known whether orders are due"),
                }
                tokio::time::sleep(ASK).await;
            }
        }
    }
}

/// What is due may run a moment later, and an order or follow-up that runs may leave a webhook: so
/// they are asked for in this sequence.
async fn is_worked_off(
    app: &App,
    worker: Option<WorkerId>,
    follow_ups: &InFlight,
) -> Result<bool, StoreError> {
    let (merchants, now) = (app.merchants().now(), since_boot());
    let may_run = |due: &[MerchantName]| {
        due.iter().any(|name| merchants.contains_key(name) && app.pauses.allow(PauseKind::Orders, name, now))
    };
    if may_run(&app.store.due_merchants().await?) || may_run(&app.store.due_follow_ups().await?) {
        return Ok(false);
    }
    if let Some(worker) = worker
        && !app.store.running_orders(worker).await?.is_empty()
    {
        return Ok(false);
    }
    if !follow_ups.is_empty() {
        return Ok(false);
    }
    let due = app.store.due_webhook_merchants().await?;
    Ok(!due.iter().any(|name| {
        merchants.get(name).is_some_and(|merchant| merchant.webhook.is_some())
            && app.pauses.allow(PauseKind::Webhooks, name, now)
    }))
}
