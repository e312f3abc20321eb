//! A process that spends tokens: its folder, its row, its heartbeats and its vault.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::spools::{keys_of_spool, open_spool, refresh_folder};
use super::{App, AppError};
use crate::config::HEARTBEAT;
use crate::keeper::{self, Sweeper};
use crate::queue::{Heartbeat, HeartbeatOptions};
use crate::store::Worker;
use crate::vault::instance::Instance;
use crate::vault::{Dependencies, Vault};
use crate::worker::WorkerLease;

/// How often open intents are compared with the exchanges in flight.
pub(super) const TIDY: Duration = Duration::from_mins(1);

/// How long a stop at once waits for successors to reach the database or the spool.
const BRINK: Duration = Duration::from_secs(2);

pub(super) struct Process {
    pub(super) worker: Worker,
    pub(super) vault: Vault,
    pub(super) heartbeat: Heartbeat,
    tidying: JoinHandle<()>,
    _instance: Instance,
}

impl Process {
    /// Takes the folder, replays its spool, and writes the process down as alive.
    pub(super) async fn begin(app: &App, folder: &Path) -> Result<Self, AppError> {
        let settings = &app.settings;
        let instance = Instance::take(folder)?;
        super::restore::check(app, folder).await?;
        for folder in [folder, &refresh_folder(app)] {
            keys_of_spool(app, folder)?;
        }
        // Before anything else: what an earlier start could not store.
        let spool = open_spool(app, folder)?;
        spool.replay(&*app.store).await?;
        let worker = Worker { id: instance.start, instance: instance.folder, name: process_name() };
        app.store.begin_worker(&worker).await?;
        // Earlier starts in this folder are dead: what they held is free at once.
        let reclaimed = app.store.reclaim(None).await?;
        if reclaimed != crate::store::Reclaimed::default() {
            tracing::warn!(
                requeued = reclaimed.requeued,
                failed = reclaimed.failed,
                "Orders of dead workers were freed"
            );
        }
        let lease = WorkerLease::new(Arc::clone(&app.store), worker.clone(), folder.to_owned());
        let options = HeartbeatOptions { every: HEARTBEAT, worker_lost_after: settings.queue.worker_lost_after };
        let heartbeat = Heartbeat::start(Arc::new(lease), options);
        let heartbeats = heartbeat.watch();
        let vault = Vault::new(Dependencies {
            store: Arc::clone(&app.store),
            secrets: Arc::clone(&app.secrets),
            settings: settings.vault.clone(),
            merchants: app.merchants(),
            due: app.due(),
            clock: app.clock.clone(),
            holder: worker.id,
            spool,
            observed: Box::new(move || heartbeats.observed()),
        })?;
        let tidying = tokio::spawn(tidy(vault.clone()));
        Ok(Self { worker, vault, heartbeat, tidying, _instance: instance })
    }

    /// Sweeps in the name of this process.
    pub(super) fn sweeper(&self, app: &App) -> Arc<Sweeper> {
        Arc::new(Sweeper::new(keeper::Dependencies {
            store: Arc::clone(&app.store),
            vault: self.vault.clone(),
            merchants: app.merchants(),
            settings: app.settings.keeper.clone(),
            max_in_flight: app.settings.vault.max_in_flight,
            orphan_after: app.settings.vault.orphan_after,
            worker: self.worker.id,
        }))
    }

    /// Waits for the exchanges that nobody waits for any more, then ends the heartbeats. `true` where nothing was cut off.
    pub(super) async fn end(self, app: &App, until: Instant) -> bool {
        let safe = tokio::time::timeout_at(until, self.vault.wait_until_durable()).await.is_ok();
        if !safe {
            tracing::error!(
                exchanges = self.vault.in_flight(),
                "The grace is over: the successors of these may be lost"
            );
        }
        if let Err(error) = app.store.end_worker(self.worker.id).await {
            tracing::warn!(%error, "This worker could not be written down as gone; others will notice its silence");
        }
        self.tidying.abort();
        drop(self.heartbeat);
        safe
    }
}

/// Resolves, after two seconds at most, once no exchange has a successor in memory alone.
pub(super) async fn nothing_in_memory_alone(vault: &Vault) {
    if tokio::time::timeout(BRINK, vault.wait_until_durable()).await.is_err() {
        tracing::error!(exchanges = vault.in_flight(), "Stopped at once: the successors of these may be lost");
    }
}

async fn tidy(vault: Vault) {
    loop {
        tokio::time::sleep(TIDY).await;
        if let Err(error) = vault.tidy().await {
            tracing::warn!(%error, "The spool and the open intents could not be looked at for now");
        }
    }
}

/// For operators: which machine, which process.
fn process_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{}", host.trim(), std::process::id())
}
