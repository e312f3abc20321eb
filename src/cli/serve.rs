//! `serve`: the service.

use std::collections::BTreeSet;

use rustix::process::{Resource, getrlimit, setrlimit};
use serde::Serialize;

use super::{CliError, Context, Exit, risks};
use crate::app::{App, AppError, Role, Service};
use crate::clock::Clock;
use crate::lifecycle::{Shutdown, manager};
use crate::telemetry;

/// Options of `serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The roles of this process
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "api,worker,keeper",
        value_name = "ROLE,…"
    )]
    roles: Vec<Role>,
    /// Take nothing new in: do what is due, then end
    ///
    /// Needs the role `worker`. Orders that are paused, or due later, stay for another start.
    #[arg(long)]
    drain: bool,
    /// Start although this machine is new and the last process on the database did not stop in
    /// order
    ///
    /// Only if it is the same database, not a restored backup, and the old machine is gone for
    /// good: what lay in its spool is lost. Without effect in an instance folder that was used
    /// before.
    #[arg(long)]
    new_machine: bool,
}

/// Raises the limit of open files to the maximum that the system allows, because each waiting
/// request uses one. The usual limit of 1024 exists only for programs that use select(2).
fn raise_files_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If it is refused, the limit stays as it was.
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current
}

/// What is printed once the service is ready.
#[derive(Serialize)]
struct Ready {
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probes: Option<String>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        if self.drain && !self.roles.contains(&Role::Worker) {
            return Err(CliError::Usage("--drain: needs the role worker".to_owned()));
        }
        let settings = context.settings()?;
        telemetry::set_level(settings.telemetry.log_level)?;
        risks::warn(&settings)?;
        let files = raise_files_limit();
        tracing::debug!(files, "The limit of open files and connections");
        let (ending, outdated) = context.block_on(async {
            // Before anything connects: as process 1, a process without a handler ignores SIGTERM.
            let (shutdown, reloads) =
                Shutdown::install_for_service().map_err(|error| CliError::failed("handle signals", error))?;
            let grace = settings.server.shutdown_grace;
            let scheme = if settings.server.tls.is_some() { "https" } else { "http" };
            let app = App::open(settings, context.environment(), Clock::system()).await?;
            let app = App { new_machine: self.new_machine, ..app };
            let roles: BTreeSet<Role> = self.roles.into_iter().collect();
            let service = Service::start(app, &roles).await?;
            if self.drain {
                service.drain();
            }
            let api = service.address().map(|address| format!("{scheme}://{address}"));
            let ready = Ready { api, probes: service.probes().map(|address| format!("http://{address}")) };
            let probes = ready.probes.as_ref().map(|probes| format!("probes  {probes}"));
            let line = ["ready".to_owned()]
                .into_iter()
                .chain(ready.api.clone())
                .chain(probes)
                .collect::<Vec<_>>()
                .join("  ");
            // A service whose standard output is closed or full serves all the same.
            if let Err(error) = context.output.print(&line, &ready) {
                tracing::warn!(%error, line, "The service is ready, but standard output takes no line");
            }
            manager::ready(&line);
            manager::watch(service.liveness());
            let outdated = tokio::select! {
                () = shutdown.soft() => None,
                error = service.outdated() => Some(AppError::from(error)),
                () = service.drained(), if !self.drain => None,
                () = service.worked_off(), if self.drain => None,
                never = service.reloader(context.read_settings()).run(reloads) => match never {},
            };
            manager::stopping();
            let durable = service.nothing_in_memory_alone();
            let ending = tokio::select! {
                ending = service.stop(grace) => ending,
                () = shutdown.hard() => durable.await,
            };
            Ok((ending, outdated))
        })?;
        // After the runtime has ended, so that this is the last line.
        ending.log();
        match outdated {
            Some(error) => Err(error.into()),
            None => Ok(Exit::of(ending)),
        }
    }
}
