//! Detects at start that the database was restored from a backup, or may have been, and implements
//! `tokens after-restore`.

use std::path::Path;

use serde::Serialize;

use super::spools::{on_disk, refresh_folder, replay};
use super::{App, AppError, audit};
use crate::ids::{InstanceId, TokenId};
use crate::ops::{Before, NewFolder, before};
use crate::store::ConfirmedHeartbeat;
use crate::vault::instance::{HeartbeatMark, Instance, Replayed};

/// How many tokens or orders one transaction changes, so that it stays short.
const BATCH: u32 = 1000;

/// The result of `tokens after-restore`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// How many tokens became `uncertain`.
    pub tokens: u64,
    /// How many orders failed with `database_restored`.
    pub orders: u64,
    /// What was done with the refresh tokens in this machine's spools, which may be newer than the
    /// backup.
    pub spool: Replayed,
}

/// Refuses a database that does not know the last heartbeat recorded in the instance folder: it was
/// restored, so its tokens may be spent and its orders submitted. In a folder without a heartbeat,
/// it also refuses a database whose last process has neither ended nor lives, and warns of one
/// whose last process has ended: a backup may be of such a time.
pub(super) async fn check(app: &App, folder: &Path, id: InstanceId) -> Result<(), AppError> {
    if let Some(mark) = on_disk(folder, |folder| Ok(HeartbeatMark::read(folder))).await? {
        return remembers(app, folder, mark).await;
    }
    let service = &app.settings.vault.instance_dir;
    let beside = if folder == service { refresh_folder(&app.settings) } else { service.clone() };
    let of_beside = |folder: &Path| Ok((Instance::id_of(folder), HeartbeatMark::read(folder)));
    let (id_beside, mark) = on_disk(&beside, of_beside).await?;
    if let Some(mark) = mark {
        remembers(app, &beside, mark).await?;
        // What lets the service begin lets `refresh` begin.
        if folder != service {
            return Ok(());
        }
    }
    let new = NewFolder { id: Some(id), beside: id_beside, lost_after: app.settings.queue.worker_lost_after };
    let silent_since = match before(&*app.store, &*app.store, new).await? {
        Before::Silent(silent_since) => silent_since,
        Before::Ended(ended_at) if mark.is_none() => {
            tracing::warn!(
                %ended_at,
                "This instance folder is new on a database that was used before. If the instance folder of its last \
                process still exists, stop, and start with that one. If a backup was restored, stop, and run `tokens \
                after-restore`"
            );
            return Ok(());
        }
        Before::Ended(_) | Before::Nothing => return Ok(()),
    };
    if !app.new_machine {
        return Err(AppError::NewFolder { folder: folder.to_owned(), silent_since });
    }
    tracing::warn!(
        %silent_since,
        "This process begins on a new machine (--new-machine); what the last process on this database left in \
        its spool is lost"
    );
    app.audit.record(audit::new_machine(silent_since));
    Ok(())
}

async fn remembers(app: &App, folder: &Path, mark: HeartbeatMark) -> Result<(), AppError> {
    let heartbeat = ConfirmedHeartbeat { heartbeat_at: mark.heartbeat_at, heartbeats: mark.heartbeats };
    if app.store.remembers(mark.worker, heartbeat, app.settings.retention.ledger).await? {
        return Ok(());
    }
    Err(AppError::Restored { folder: folder.to_owned(), seen_at: mark.heartbeat_at })
}

impl App {
    /// Returns the names of the workers that send a heartbeat while this watches, for
    /// `queue.worker_lost_after`. The times of their last heartbeats would prove nothing.
    async fn living(&self) -> Result<Vec<String>, AppError> {
        let before = self.store.heartbeats().await?;
        if before.is_empty() {
            return Ok(Vec::new());
        }
        tokio::time::sleep(self.settings.queue.worker_lost_after).await;
        let after = self.store.heartbeats().await?;
        let living = after.into_iter().filter(|worker| !before.contains(worker));
        Ok(living.map(|worker| worker.name).collect())
    }

    /// Marks what may have happened between backup and restore: active tokens become `uncertain`,
    /// and orders that have not ended fail as possible duplicates. If it is interrupted, a second
    /// run continues; until it has completed, instances with a later heartbeat refuse to start. At
    /// the end it stores the tokens in this machine's spools, as the next start would.
    ///
    /// # Errors
    /// Other processes still use the database or this machine's instance folders, or the database
    /// cannot be used.
    pub async fn after_restore(
        &self,
        mut progress: impl FnMut(&RestoreReport),
    ) -> Result<RestoreReport, AppError> {
        let living = self.living().await?;
        if !living.is_empty() {
            return Err(AppError::StillWorking(living));
        }
        let folders = [self.settings.vault.instance_dir.clone(), refresh_folder(&self.settings)];
        let held = folders.into_iter().filter(|folder| folder.exists());
        let held = held
            .map(|folder| Ok((Instance::take(&folder)?, folder)))
            .collect::<Result<Vec<_>, AppError>>()?;
        let mut doubted = RestoreReport::default();
        let mut last = TokenId::START;
        while let Some((count, id)) = self.store.doubt_tokens(last, BATCH).await? {
            last = id;
            doubted.tokens += count;
            progress(&doubted);
        }
        loop {
            let held = self.store.hold_orders(BATCH).await?;
            if held == 0 {
                break;
            }
            doubted.orders += held;
            progress(&doubted);
        }
        self.store.declare_restored().await?;
        for (_, folder) in &held {
            doubted.spool += replay(self, folder).await?;
        }
        Ok(doubted)
    }
}
