//! `serve`: the service.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{CliError, Context, Exit};
use crate::app::{App, Role, Service};
use crate::clock::Clock;
use crate::lifecycle::{Shutdown, manager};

/// What the service does in this process.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The roles of this process
    #[arg(long, value_enum, value_delimiter = ',', default_value = "api,worker,keeper", value_name = "ROLE,…")]
    roles: Vec<Role>,
}

/// What is printed once the service is ready.
#[derive(Serialize)]
struct Ready {
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let settings = context.settings()?;
        context.block_on(async {
            // Before anything connects: as process 1, a process without a handler ignores SIGTERM.
            let shutdown = Shutdown::install().map_err(|error| CliError::failed("handle signals", error))?;
            let grace = settings.server.shutdown_grace;
            let app = App::open(settings, context.environment(), Clock::system()).await?;
            let roles: BTreeSet<Role> = self.roles.into_iter().collect();
            let service = Service::start(app, &roles).await?;
            let ready = Ready { api: service.address().map(|address| format!("http://{address}")) };
            let line = ready.api.as_ref().map_or_else(|| "ready".to_owned(), |api| format!("ready  {api}"));
            context.output.print(&line, &ready)?;
            manager::ready(&line);
            manager::watch(service.pulse());
            shutdown.soft().await;
            manager::stopping();
            let brink = service.nothing_in_memory_alone();
            tokio::select! {
                clean = service.stop(grace) => Ok(if clean { Exit::Done } else { Exit::Failed }),
                () = shutdown.hard() => {
                    brink.await;
                    Ok(Exit::Failed)
                }
            }
        })
    }
}
