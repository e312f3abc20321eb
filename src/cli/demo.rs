//! `demo`: the main job from end to end, on a database of its own and the built-in sandbox.

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
use self::outcome::Ended;
use self::report::Report;
use super::progress::Progress;
use super::{CliError, Context, Exit};
use crate::intake::Intake;
use crate::keeper::{Run, Scope, Summary};
use crate::lifecycle::Shutdown;
use crate::order::{NewOrder, OrderId};

/// The orders, an envelope a line.
const ORDERS: &str = include_str!("../../examples/orders.jsonl");
/// How long one order is waited for: far longer than the staged trouble takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where the demo plays.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Leave the service and the sandbox running until Ctrl-C
    #[arg(long)]
    keep_open: bool,
    /// Its folder, which is emptied at each start
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
}

/// Where it runs.
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
            let env = DemoEnv::set(&folder).await?;
            let played = tokio::select! {
                played = self.play(context, &env, &shutdown) => played,
                () = shutdown.soft(), if !self.keep_open => Err(CliError::failed("end the demo", "it was interrupted")),
            };
            env.strike().await;
            played
        })
    }

    async fn play(&self, context: &Context, env: &DemoEnv, shutdown: &Shutdown) -> Result<Exit, CliError> {
        let output = &context.output;
        let addresses = Addresses { sandbox: env.sandbox.url(), api: &env.api() };
        let folder = self.data.display();
        let human = format!(
            "Klarna's stand-in  {}\nOrder service      {}, SQLite in {folder}\nSigned in          {}\nLong ago           {}\n",
            addresses.sandbox,
            addresses.api,
            env::USERS.join(", "),
            env::LONG_AGO.map(|(user, days)| format!("{user} ({days} days)")).join(", "),
        );
        output.print(human, &addresses)?;
        let ended = run(context, env).await?;
        let kept = keep(env).await?;
        let report = Report::new(ended, kept, env.sandbox.admin().stats());
        output.table(report.rows(), report::table)?;
        output.print(&report, &report)?;
        output.hint(format!("\nLook closer: klarna-order-worker --config {} orders list", env.config.display()));
        if self.keep_open {
            output.hint(format!(
                "Left running, with its pages at {}/ and its API beside them; Ctrl-C ends it.",
                addresses.api
            ));
            shutdown.soft().await;
        }
        Ok(if report.is_as_expected() { Exit::Done } else { Exit::Failed })
    }
}

/// Takes every order in and waits for its end.
async fn run(context: &Context, env: &DemoEnv) -> Result<Vec<Ended>, CliError> {
    let total = ORDERS.lines().count() as u64;
    let progress = Progress::new(&context.output, Some(total));
    let mut ended = Vec::new();
    let intake = env.app.intake();
    let mut waiting = FuturesUnordered::new();
    for (line, text) in (1..).zip(ORDERS.lines()) {
        match take_in(&intake, text).await {
            Ok(id) => waiting.push(async move { (line, env.service.waiters().wait(id, PATIENCE, |_| true).await) }),
            Err(error) => ended.push(Ended::refused(line, text, error)),
        }
    }
    progress.at(ended.len() as u64, "orders settled");
    while let Some((line, order)) = waiting.next().await {
        let order = order.map_err(|error| CliError::failed("wait for an order", error))?;
        let order = order.ok_or_else(|| CliError::failed("wait for an order", "it is gone"))?;
        ended.push(Ended::settled(line, order));
        progress.at(ended.len() as u64, "orders settled");
    }
    ended.sort_by_key(|ended| ended.line);
    Ok(ended)
}

/// One run of the keeper, as `refresh` does it.
async fn keep(env: &DemoEnv) -> Result<Summary, CliError> {
    let stop = watch::channel(false).1;
    match env.app.refresh(&Scope::default(), stop, std::future::pending(), &mut |_, _| {}).await? {
        Some(Run::Swept(summary)) => Ok(summary),
        Some(Run::Elsewhere(_)) | None => {
            Err(CliError::failed("refresh tokens", "another process sweeps in the demo's database"))
        }
    }
}

/// The way in of `enqueue` and of the API.
async fn take_in(intake: &Intake, line: &str) -> Result<OrderId, String> {
    let order = NewOrder::parse(line).map_err(|rejection| rejection.to_string())?;
    intake.submit(order).await.map(|accepted| accepted.id).map_err(|error| error.to_string())
}
