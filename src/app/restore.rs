//! A database that was restored from a backup: noticed at a start, and dealt with by an operator.

use std::path::Path;

use serde::Serialize;

use super::process::{refresh_folder, replay};
use super::{App, AppError};
use crate::vault::instance::{HeartbeatMark, Instance, Replayed};

/// Tokens and orders in one transaction, short enough that nobody waits.
const BATCH: u32 = 1000;

/// What was put in doubt after a restore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// Tokens that are `uncertain` now.
    pub tokens: u64,
    /// Orders that failed with `database_restored`.
    pub orders: u64,
    /// What became of the successors in this machine's spools, which the backup may know nothing of.
    pub spool: Replayed,
}

/// Refuses a database that has forgotten what this folder saw of it: its tokens may be spent and its orders submitted.
pub(super) async fn check(app: &App, folder: &Path) -> Result<(), AppError> {
    let Some(heartbeat_mark) = HeartbeatMark::read(folder) else { return Ok(()) };
    if app.store.remembers(heartbeat_mark.worker, heartbeat_mark.beat_at, app.settings.retention.ledger).await? {
        return Ok(());
    }
    Err(AppError::Restored { folder: folder.to_owned(), seen_at: heartbeat_mark.beat_at })
}

impl App {
    /// Doubts whatever may have happened between backup and restore: active tokens become `uncertain`, orders that have
    /// not ended fail as possible duplicates. Interrupted, it goes on where it is run again; until its end, instances that
    /// saw more refuse to start. Last it stores what this machine's spools hold, as the next start here would: nothing is
    /// presented in between.
    ///
    /// # Errors
    /// Where processes still work on the database or in this machine's folders, or it cannot be used.
    pub async fn after_restore(&self, mut progress: impl FnMut(&RestoreReport)) -> Result<RestoreReport, AppError> {
        let living = self.store.living(self.settings.queue.worker_lost_after).await?;
        if !living.is_empty() {
            return Err(AppError::StillWorking(living));
        }
        let folders = [self.settings.vault.instance_dir.clone(), refresh_folder(self)];
        let held = folders.into_iter().filter(|folder| folder.exists());
        let held = held.map(|folder| Ok((Instance::take(&folder)?, folder))).collect::<Result<Vec<_>, AppError>>()?;
        let mut doubted = RestoreReport::default();
        let mut last = 0;
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
