//! A database that was restored from a backup: noticed at a start, and dealt with by an operator.

use std::path::Path;

use serde::Serialize;

use super::{App, AppError};
use crate::vault::Mark;

/// Tokens and orders in one transaction, short enough that nobody waits.
const BATCH: u32 = 1000;

/// What was put in doubt after a restore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Doubted {
    /// Tokens that are `uncertain` now.
    pub tokens: u64,
    /// Orders that failed with `database_restored`.
    pub orders: u64,
}

/// Refuses a database that has forgotten what this folder saw of it: its tokens may be spent and its orders submitted.
pub(super) async fn check(app: &App, folder: &Path) -> Result<(), AppError> {
    let Some(mark) = Mark::read(folder) else { return Ok(()) };
    if app.store.remembers(mark.worker, mark.beat_at, app.settings.retention.ledger).await? {
        return Ok(());
    }
    Err(AppError::Restored { folder: folder.to_owned(), seen_at: mark.beat_at })
}

impl App {
    /// Doubts whatever may have happened between backup and restore: active tokens become `uncertain`, orders that have
    /// not ended fail as possible duplicates. Interrupted, it goes on where it is run again; until its end, instances that
    /// saw more refuse to start.
    ///
    /// # Errors
    /// Where processes still work on the database, or it cannot be used.
    pub async fn after_restore(&self, mut progress: impl FnMut(&Doubted)) -> Result<Doubted, AppError> {
        let living = self.store.living(self.settings.queue.worker_lost_after).await?;
        if !living.is_empty() {
            return Err(AppError::StillWorking(living));
        }
        let mut doubted = Doubted::default();
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
        Ok(doubted)
    }
}
