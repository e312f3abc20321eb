//! The command `refresh`: one sweep in a process of its own.

use std::pin::pin;

use tokio::sync::watch;
use tokio::time::Instant;

use super::process::{Process, nothing_in_memory_alone};
use super::spools::refresh_folder;
use super::{App, AppError};
use crate::keeper::{Run, Scope, Summary, TokenReport};

impl App {
    /// Runs one sweep in this process. A `serve` with the same settings may run at the same time,
    /// also on SQLite: this process has an instance folder of its own (`vault.instance_dir` with
    /// the suffix `-refresh`), and committed intents tell each process about the exchanges of the
    /// other.
    ///
    /// `stop` ends the sweep after the exchanges in flight. `cut` ends it at once: the result is
    /// `None`, and new refresh tokens have two seconds to reach the database or the spool.
    ///
    /// # Errors
    /// Another `refresh` with these settings is running, or the database cannot be used.
    pub async fn refresh(
        &self,
        scope: &Scope,
        stop: watch::Receiver<bool>,
        cut: impl Future<Output = ()> + Send,
        told: &mut (dyn FnMut(&TokenReport, &Summary) + Send),
    ) -> Result<Option<Run>, AppError> {
        let process = Process::begin(self, &refresh_folder(self)).await?;
        let vault = process.vault.clone();
        // Pinned here, so that the process lives longer than the sweep.
        let mut sweep = pin!(async {
            let run = process.sweeper(self).run(scope, stop, told).await;
            process.end(self, Instant::now() + self.settings.server.shutdown_grace).await;
            Ok(Some(run?))
        });
        tokio::select! {
            run = sweep.as_mut() => run,
            () = cut => {
                nothing_in_memory_alone(&vault).await;
                Ok(None)
            }
        }
    }
}
