//! The command `refresh`: one sweep in a process of its own.

use std::pin::pin;

use tokio::sync::watch;
use tokio::time::Instant;

use super::ending::Ending;
use super::process::{Process, nothing_in_memory_alone};
use super::spools::refresh_folder;
use super::{App, AppError};
use crate::keeper::{Run, Scope, Summary, TokenReport};
use crate::store::StoreError;

/// The result of `refresh`.
pub struct RefreshEnd {
    /// What the sweep did, or why it failed; `None` if it was cut off.
    pub run: Option<Result<Run, StoreError>>,
    /// How the process ended.
    pub ending: Ending,
}

impl App {
    /// Runs one sweep in this process. A `serve` with the same settings may run at the same time,
    /// also on SQLite: this process has an instance folder of its own (`vault.instance_dir` with
    /// the suffix `-refresh`), and committed intents tell each process about the exchanges of the
    /// other.
    ///
    /// `stop` ends the sweep after the exchanges in flight. `cut` ends it at once: there is no run,
    /// and new refresh tokens have two seconds to reach the database or the spool.
    ///
    /// # Errors
    /// The process could not begin: another `refresh` with these settings is running, or the
    /// database cannot be used. A sweep that fails later is in the result, because its process may
    /// leave a spool.
    pub async fn refresh(
        &self,
        scope: &Scope,
        stop: watch::Receiver<bool>,
        cut: impl Future<Output = ()> + Send,
        on_token: &mut (dyn FnMut(&TokenReport, &Summary) + Send),
    ) -> Result<RefreshEnd, AppError> {
        let process = Process::begin(self, &refresh_folder(&self.settings)).await?;
        let (vault, results) = (process.vault.clone(), process.results.clone());
        // Pinned here, so that the process lives longer than the sweep.
        let mut sweep = pin!(async {
            let run = process.sweeper(self).run(scope, stop, on_token).await;
            let until = Instant::now() + self.settings.server.shutdown_grace;
            let ending = process.end(self, until, true).await;
            Ok(RefreshEnd { run: Some(run), ending })
        });
        tokio::select! {
            run = sweep.as_mut() => run,
            () = cut => {
                Ok(RefreshEnd { run: None, ending: nothing_in_memory_alone(&vault, &results).await })
            }
        }
    }
}
