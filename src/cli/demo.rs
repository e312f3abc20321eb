//! `demo`: orders from end to end, on a new database and the built-in sandbox.

mod env;
mod folder;
mod outcome;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde::Serialize;
use tokio::sync::watch;

use self::env::DemoEnv;
use self::folder::Folder;
use self::outcome::OrderResult;
use self::report::Report;
use super::progress::Progress;
use super::{CliError, Context, Exit};
use crate::intake::Intake;
use crate::keeper::{Run, Scope, Summary};
use crate::lifecycle::Shutdown;
use crate::order::OrderId;

/// The orders, one envelope on each line.
const ORDERS: &str = include_str!("../../examples/orders.jsonl");
/// How long to wait for one order. The planned 503 delays one by far less.
const PATIENCE: Duration = Duration::from_mins(1);

/// Options of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep the service and the sandbox running until Ctrl-C
    #[arg(long)]
    keep_open: bool,
    /// The demo's folder. It is emptied at each start
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
}

/// The addresses of the sandbox and of the service.
#[derive(Serialize)]
struct Addresses<'a> {
    sandbox: &'a str,
    api: &'a str,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, CliError> {
        context.block_on(async {
            let shutdown = Shutdown::install().map_err(|error| CliError::failed("handle signals", error))?;
            let folder = Folder::take(&self.data)?;
            let env = DemoEnv::start(&folder).await?;
            let result = tokio::select! {
                result = self.play(context, &env, &shutdown) => result,
                () = shutdown.soft(), if !self.keep_open => Err(CliError::failed("end the demo", "it was interrupted")),
            };
            env.stop().await;
            result
        })
    }

    async fn play(&self, context: &Context, env: &DemoEnv, shutdown: &Shutdown) -> Result<Exit, CliError> {
        let output = &context.output;
        let addresses = Addresses { sandbox: env.sandbox.url(), api: &env.api() };
        let folder = self.data.display();
        let human = format!(
            "Sandbox             {}\nService             {}, SQLite in {folder}\n\
             Signed in now       {}\nSigned in long ago  {}\n",
            addresses.sandbox,
            addresses.api,
            env::USERS.join(", "),
            env::LONG_AGO.map(|(user, days)| format!("{user} ({days} days)")).join(", "),
        );
        output.print(human, &addresses)?;
        let ended = run(context, env).await?;
        let swept = sweep(env).await?;
        let report = Report::new(ended, swept, env.sandbox.admin().stats());
        output.table(report.rows(), report::table)?;
        output.print(&report, &report)?;
        output.hint(format!(
            "\nTo see the orders: klarna-order-worker --config {} orders list",
            env.config.display()
        ));
        if self.keep_open {
            output.hint(format!("The service and its pages stay at {}/ until Ctrl-C.", addresses.api));
            shutdown.soft().await;
        }
        Ok(if report.is_as_expected() { Exit::Done } else { Exit::Failed })
    }
}

/// Submits every order and waits until it has ended.
async fn run(context: &Context, env: &DemoEnv) -> Result<Vec<OrderResult>, CliError> {
    let total = ORDERS.lines().count() as u64;
    let progress = Progress::new(&context.output, Some(total));
    let mut ended = Vec::new();
    let intake = env.app.intake();
    let mut waiting = FuturesUnordered::new();
    for (line, text) in (1..).zip(ORDERS.lines()) {
        match submit(&intake, text).await {
            Ok(id) => {
                waiting.push(async move { (line, env.service.waiters().wait(id, PATIENCE, |_| true).await) });
            }
            Err(error) => ended.push(OrderResult::refused(line, text, error)),
        }
    }
    progress.at(ended.len() as u64, "orders ended");
    while let Some((line, order)) = waiting.next().await {
        let order = order.map_err(|error| CliError::failed("wait for an order", error))?;
        let order = order
            .ok_or_else(|| CliError::failed("wait for an order", "the order is no longer in the database"))?;
        ended.push(OrderResult::settled(line, order));
        progress.at(ended.len() as u64, "orders ended");
    }
    ended.sort_by_key(|ended| ended.line);
    Ok(ended)
}

/// Runs one sweep of the keeper, as `refresh` does.
async fn sweep(env: &DemoEnv) -> Result<Summary, CliError> {
    let stop = watch::channel(false).1;
    match env.app.refresh(&Scope::default(), stop, std::future::pending(), &mut |_, _| {}).await?.run {
        Some(Ok(Run::Swept(summary))) => Ok(summary),
        Some(Err(error)) => Err(CliError::failed("refresh tokens", error)),
        Some(Ok(Run::Elsewhere(_))) | None => {
            Err(CliError::failed("refresh tokens", "another process runs a sweep in the demo's database"))
        }
    }
}

/// Submits an order as `enqueue` and the API do.
async fn submit(intake: &Intake, line: &str) -> Result<OrderId, String> {
    let order = intake.parse(line, None).map_err(|rejection| rejection.to_string())?;
    intake.submit(order).await.map(|submitted| submitted.accepted.id).map_err(|error| error.to_string())
}
