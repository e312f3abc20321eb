//! A process that exchanges tokens: its instance folder, its row in `workers`, its heartbeat and
//! its vault.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::ending::Ending;
use super::rates::RateSharing;
use super::spools::{keys_of_spool, on_disk, open_spools, refresh_folder};
use super::{App, AppError};
use crate::clock::since_boot;
use crate::config::{HEARTBEAT, Live, Merchants};
use crate::keeper::{self, Sweeper};
use crate::ops::foreign_tokens;
use crate::pauses::Pauses;
use crate::queue::{Heartbeat, HeartbeatOptions};
use crate::store::{Orders, Pausing, ProviderTokens, Providers, Reclaimed, Worker};
use crate::vault::instance::{Instance, Replayed};
use crate::vault::{Dependencies, Vault};
use crate::worker::{ResultSpool, WorkerLease};

/// How often the open intents in the database are compared with the exchanges in flight.
pub(super) const TIDY: Duration = Duration::from_mins(1);
/// How often the pauses are read, without a notification.
const READ_PAUSES: Duration = Duration::from_millis(500);
// A pause must hold within a second everywhere.
const _: () = assert!(READ_PAUSES.as_millis() < 1000);

/// How long a hard stop waits until new refresh tokens are in the database or the spool.
const HARD_STOP: Duration = Duration::from_secs(2);
/// How long a stop waits for the database to take what is safe in the spool.
pub(super) const LAST_TRIES: Duration = Duration::from_secs(5);

pub(super) struct Process {
    pub(super) worker: Worker,
    pub(super) vault: Vault,
    pub(super) results: ResultSpool,
    pub(super) heartbeat: Heartbeat,
    counting: JoinHandle<()>,
    tidying: JoinHandle<()>,
    following: JoinHandle<()>,
    /// Shares rates with the other processes, if there can be any.
    pub(super) rates: Option<RateSharing>,
    /// Shares the rates of the token endpoints.
    sharing: Option<JoinHandle<()>>,
    _instance: Instance,
}

impl Process {
    /// Locks the instance folder, replays its spool, and registers the process in `workers`.
    pub(super) async fn begin(app: &App, folder: &Path) -> Result<Self, AppError> {
        let settings = &app.settings;
        let instance = on_disk(folder, Instance::take).await?;
        super::origin::check(app, folder, &instance).await?;
        super::restore::check(app, folder, instance.folder).await?;
        for folder in [folder, &refresh_folder(&app.settings)] {
            keys_of_spool(app, folder).await?;
        }
        // Before anything else, because the spool may have tokens that an earlier start could not
        // store.
        let spools = open_spools(app, folder).await?;
        let replayed = spools.replay(app).await?;
        let worker = Worker { id: instance.start, instance: instance.folder, name: process_name() };
        register(app, &worker, &replayed).await?;
        app.pauses.replace(app.store.pauses().await?, since_boot());
        let lease = WorkerLease::new(app.store.clone(), worker.clone(), folder.to_owned());
        let options =
            HeartbeatOptions { every: HEARTBEAT, worker_lost_after: settings.queue.worker_lost_after };
        let heartbeat = Heartbeat::start(Arc::new(lease), options);
        let vault = Vault::new(Dependencies {
            store: app.store.clone(),
            secrets: Arc::clone(&app.secrets),
            settings: settings.vault.clone(),
            merchants: app.merchants(),
            due: app.due(),
            clock: app.clock.clone(),
            holder: worker.id,
            spool: spools.tokens,
            silence: heartbeat.watch().silence(),
            pauses: app.pauses.clone(),
        })?;
        let rates = RateSharing::begin(app, heartbeat.watch().silence()).await?;
        let counting = tokio::spawn(log_foreign_tokens(app.store.clone(), app.merchants()));
        let tidying = tokio::spawn(tidy(app.store.clone(), vault.clone(), spools.results.clone()));
        let following = tokio::spawn(follow_pauses(app.store.clone(), app.pauses.clone()));
        let sharing = rates.as_ref().map(|rates| tokio::spawn(rates.share(vec![vault.circuit_breakers()])));
        Ok(Self {
            worker,
            vault,
            results: spools.results,
            heartbeat,
            counting,
            tidying,
            following,
            rates,
            sharing,
            _instance: instance,
        })
    }

    /// A sweeper that acts for this process.
    pub(super) fn sweeper(&self, app: &App) -> Arc<Sweeper> {
        Arc::new(Sweeper::new(keeper::Dependencies {
            store: app.store.clone(),
            vault: self.vault.clone(),
            merchants: app.merchants(),
            settings: app.live.keeper.clone(),
            max_in_flight: app.settings.vault.max_in_flight,
            orphan_after: app.settings.vault.orphan_after,
            silence: self.heartbeat.watch().silence(),
            worker: self.worker.id,
        }))
    }

    /// Waits for the exchanges that are still in flight, then ends the heartbeat. The process is
    /// recorded as ended only if it leaves nothing: no exchange, no file in the spool, and
    /// `work_done`, no order. `work_done` says that no handler and no sweep was cut off.
    pub(super) async fn end(self, app: &App, until: Instant, work_done: bool) -> Ending {
        // The API may still read a request for an access token.
        self.vault.close();
        let safe = timeout_at(until, self.vault.wait_until_durable()).await.is_ok();
        if !safe {
            tracing::error!(
                exchanges = self.vault.in_flight(),
                "The shutdown grace is over; the new refresh tokens of these exchanges may be lost"
            );
        }
        // The database may take what is in the spool by now; otherwise the next start stores it.
        let idle =
            timeout_at(until.min(Instant::now() + LAST_TRIES), self.vault.wait_until_idle()).await.is_ok();
        self.counting.abort();
        self.tidying.abort();
        self.following.abort();
        if let Some(sharing) = &self.sharing {
            sharing.abort();
        }
        let spooled = self.vault.spooled().await + self.results.waiting().await;
        // A later heartbeat would find the worker's end, and register the worker again.
        self.heartbeat.stop().await;
        if work_done
            && idle
            && spooled == 0
            && let Err(error) = app.store.end_worker(self.worker.id).await
        {
            tracing::warn!(%error, "This worker could not be deregistered; others reclaim its orders after \
                queue.worker_lost_after");
        }
        Ending { cut_off: !(safe && work_done), spooled }
    }
}

/// Registers the process in `workers`, and makes the orders of earlier ones in its folder due
/// again.
async fn register(app: &App, worker: &Worker, replayed: &Replayed) -> Result<(), AppError> {
    app.store.begin_worker(worker).await?;
    if replayed.left == 0 {
        // Earlier starts in this folder have ended and left nothing, so what they held is free at
        // once. Otherwise others wait until they count as silent.
        app.store.end_earlier(worker).await?;
    }
    let reclaimed = app.store.reclaim(&[]).await?;
    if reclaimed != Reclaimed::default() {
        tracing::warn!(
            requeued = reclaimed.requeued,
            failed = reclaimed.failed,
            "Orders of an earlier process in this instance folder are due again"
        );
    }
    Ok(())
}

/// Resolves when no exchange holds a new refresh token only in memory, or after two seconds.
pub(super) async fn nothing_in_memory_alone(vault: &Vault, results: &ResultSpool) -> Ending {
    if tokio::time::timeout(HARD_STOP, vault.wait_until_durable()).await.is_err() {
        tracing::error!(
            exchanges = vault.in_flight(),
            "Stopped at once; the new refresh tokens of these \
            exchanges may be lost"
        );
    }
    Ending { cut_off: true, spooled: vault.spooled().await + results.waiting().await }
}

async fn tidy(orders: Arc<dyn Orders>, vault: Vault, results: ResultSpool) {
    loop {
        tokio::time::sleep(TIDY).await;
        let (tokens, results) = tokio::join!(vault.tidy(), results.replay(&*orders));
        if let Err(error) = tokens.and(results) {
            tracing::warn!(%error, "The spool and the open exchanges could not be checked; the next try \
                follows in a minute");
        }
    }
}

/// Logs which tokens cannot be used with these settings. Nothing waits for it: all tokens are read.
pub(super) async fn log_foreign_tokens(providers: Arc<dyn Providers>, live: Live<Merchants>) {
    let merchants = live.now();
    match foreign_tokens(&*providers, &merchants).await {
        // A reload has begun a count of its own.
        Ok(_) if !Arc::ptr_eq(&merchants, &live.now()) => {}
        Ok(found) => {
            for ProviderTokens { merchant, provider, tokens } in found {
                tracing::error!(%merchant, %provider, tokens,
                    "Refresh tokens belong to another provider than the settings name, and are not used; see `doctor`");
            }
        }
        Err(error) => tracing::debug!(%error, "Tokens of other providers could not be counted"),
    }
}

/// Keeps this process's copy of the pauses up to date.
async fn follow_pauses(pausing: Arc<dyn Pausing>, pauses: Pauses) {
    loop {
        tokio::select! {
            () = pauses.outdated() => {}
            () = tokio::time::sleep(READ_PAUSES) => {}
        }
        match pausing.pauses().await {
            Ok(rows) => {
                let count = rows.len();
                if pauses.replace(rows, since_boot()) {
                    tracing::info!(pauses = count, "This process keeps to changed pauses from now on");
                }
            }
            // Without the database nothing begins, paused or not.
            Err(error) => tracing::debug!(%error, "The pauses could not be read"),
        }
    }
}

/// The name of this process for operators: host name and process id.
pub(super) fn process_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{}", host.trim(), std::process::id())
}
