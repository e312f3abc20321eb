//! A process that exchanges tokens: its instance folder, its row in `workers`, its heartbeat and its vault.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::spools::{keys_of_spool, open_spool, refresh_folder};
use super::{App, AppError};
use crate::config::HEARTBEAT;
use crate::keeper::{self, Sweeper};
use crate::ops::foreign_tokens;
use crate::queue::{Heartbeat, HeartbeatOptions};
use crate::store::{ProviderTokens, Worker};
use crate::vault::instance::Instance;
use crate::vault::{Dependencies, Vault};
use crate::worker::WorkerLease;

/// How often the open intents in the database are compared with the exchanges in flight.
pub(super) const TIDY: Duration = Duration::from_mins(1);

/// How long a hard stop waits until new refresh tokens are in the database or the spool.
const BRINK: Duration = Duration::from_secs(2);

pub(super) struct Process {
    pub(super) worker: Worker,
    pub(super) vault: Vault,
    pub(super) heartbeat: Heartbeat,
    tidying: JoinHandle<()>,
    _instance: Instance,
}

impl Process {
    /// Locks the instance folder, replays its spool, and registers the process in `workers`.
    pub(super) async fn begin(app: &App, folder: &Path) -> Result<Self, AppError> {
        let settings = &app.settings;
        let instance = Instance::take(folder)?;
        super::restore::check(app, folder).await?;
        for folder in [folder, &refresh_folder(app)] {
            keys_of_spool(app, folder)?;
        }
        // Before anything else, because the spool may have tokens that an earlier start could not
        // store.
        let spool = open_spool(app, folder)?;
        spool.replay(&*app.store).await?;
        let worker = Worker { id: instance.start, instance: instance.folder, name: process_name() };
        app.store.begin_worker(&worker).await?;
        // Earlier starts in this folder have ended, so what they held is free at once.
        let reclaimed = app.store.reclaim(None).await?;
        if reclaimed != crate::store::Reclaimed::default() {
            tracing::warn!(
                requeued = reclaimed.requeued,
                failed = reclaimed.failed,
                "Orders of an earlier process in this instance folder are due again"
            );
        }
        let lease = WorkerLease::new(app.store.clone(), worker.clone(), folder.to_owned());
        let options = HeartbeatOptions { every: HEARTBEAT, worker_lost_after: settings.queue.worker_lost_after };
        let heartbeat = Heartbeat::start(Arc::new(lease), options);
        let heartbeats = heartbeat.watch();
        let vault = Vault::new(Dependencies {
            store: app.store.clone(),
            secrets: Arc::clone(&app.secrets),
            settings: settings.vault.clone(),
            merchants: app.merchants(),
            due: app.due(),
            clock: app.clock.clone(),
            holder: worker.id,
            spool,
            observed: Box::new(move || heartbeats.observed()),
        })?;
        for ProviderTokens { merchant, provider, tokens } in foreign_tokens(&*app.store, &settings.merchants).await? {
            tracing::error!(%merchant, %provider, tokens,
                "Refresh tokens belong to another provider than the settings name, and are not used; see `doctor`");
        }
        let tidying = tokio::spawn(tidy(vault.clone()));
        Ok(Self { worker, vault, heartbeat, tidying, _instance: instance })
    }

    /// A sweeper that acts for this process.
    pub(super) fn sweeper(&self, app: &App) -> Arc<Sweeper> {
        Arc::new(Sweeper::new(keeper::Dependencies {
            store: app.store.clone(),
            vault: self.vault.clone(),
            merchants: app.merchants(),
            settings: app.settings.keeper.clone(),
            max_in_flight: app.settings.vault.max_in_flight,
            orphan_after: app.settings.vault.orphan_after,
            worker: self.worker.id,
        }))
    }

    /// Waits for the exchanges that are still in flight, then ends the heartbeat. `true` if nothing
    /// was cut off.
    pub(super) async fn end(self, app: &App, until: Instant) -> bool {
        let safe = tokio::time::timeout_at(until, self.vault.wait_until_durable()).await.is_ok();
        if !safe {
            tracing::error!(
                exchanges = self.vault.in_flight(),
                "The shutdown grace is over; the new refresh tokens of these exchanges may be lost"
            );
        }
        if let Err(error) = app.store.end_worker(self.worker.id).await {
            tracing::warn!(%error, "This worker could not be deregistered; others reclaim its orders after \
                queue.worker_lost_after");
        }
        self.tidying.abort();
        drop(self.heartbeat);
        safe
    }
}

/// Resolves when no exchange holds a new refresh token only in memory, or after two seconds.
pub(super) async fn nothing_in_memory_alone(vault: &Vault) {
    if tokio::time::timeout(BRINK, vault.wait_until_durable()).await.is_err() {
        tracing::error!(
            exchanges = vault.in_flight(),
            "Stopped at once; the new refresh tokens of these \
            exchanges may be lost"
        );
    }
}

async fn tidy(vault: Vault) {
    loop {
        tokio::time::sleep(TIDY).await;
        if let Err(error) = vault.tidy().await {
            tracing::warn!(%error, "The spool and the open exchanges could not be checked; the next try \
                follows in a minute");
        }
    }
}

/// The name of this process for operators: host name and process id.
fn process_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{}", host.trim(), std::process::id())
}
