//! `breakers`

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::audited::Audited;
use super::context::check_merchant;
use super::views::{or_dash, time};
use super::{CliError, Context, Exit, Table};
use crate::api::Outage;
use crate::audit::Action;
use crate::breaker::{BreakerState, Endpoint, WaitingBreaker, probed};
use crate::ids::MerchantName;

/// Commands about circuit breakers.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the circuit breakers that are not closed or whose calls wait, of all running processes
    ///
    /// `half_open`: the pause is over, and no call has come since. The next call decides.
    List,
    /// List outages: when circuit breakers were open, over all processes, latest first
    ///
    /// An outage is from the first circuit breaker that opened to the first call that succeeded, or
    /// until the last process that saw it stopped. One that begins again within five minutes is the
    /// same. They are kept for `retention.ledger`. Orders that failed meanwhile:
    /// `orders list --status failed --failed-since WHEN --failed-until WHEN`, with some minutes
    /// more.
    Outages {
        /// Only those of this merchant
        #[arg(long)]
        merchant: Option<MerchantName>,
        /// At most this many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Let circuit breakers try a call now, in every running process
    ///
    /// The pause ends within a second, also if Klarna asked for it, and the next call tests the
    /// endpoint. If it succeeds, the others follow. Orders that wait for their next try are due at
    /// once, at most a thousand for each process. If none waits, the next order makes the call: the
    /// command itself calls nothing.
    Probe(ProbeArgs),
}

/// Options of `breakers probe`.
#[derive(Debug, clap::Args)]
pub(super) struct ProbeArgs {
    /// The merchant
    #[arg(long)]
    merchant: MerchantName,
    /// The endpoint; without it, all endpoints of the merchant
    #[arg(long, value_enum)]
    endpoint: Option<Endpoint>,
}

impl Command {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Option<Audited> {
        match self {
            Self::List | Self::Outages { .. } => None,
            Self::Probe(args) => {
                let audited = Audited::new(Action::BreakersProbe).merchant(Some(args.merchant.clone()));
                Some(audited.object(probed(args.endpoint).to_owned()))
            }
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::List => list(context),
            Self::Outages { merchant, limit } => outages(context, merchant, limit),
            Self::Probe(args) => args.run(context),
        }
    }
}

impl ProbeArgs {
    fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self { merchant, endpoint } = self;
        context.block_on(async {
            let app = context.app().await?;
            check_merchant(&app, &merchant)?;
            let endpoints = endpoint.map_or(Endpoint::ALL.to_vec(), |endpoint| vec![endpoint]);
            let asked_at = app.store.probe(&merchant, &endpoints).await;
            let asked_at = asked_at.map_err(|error| CliError::failed("order a try", error))?;
            let human = "Every running process lets the next call try the endpoint. If it succeeds, the breaker closes."
                .to_owned();
            let told = json!({ "merchant": merchant, "endpoints": endpoints, "asked_at": asked_at });
            context.output.print(human, &told)?;
            Ok(Exit::Done)
        })
    }
}

/// A circuit breaker of a process.
#[derive(Serialize)]
struct Row {
    /// Host name and process id.
    process: String,
    #[serde(flatten)]
    breaker: WaitingBreaker,
}

fn list(context: &Context) -> Result<Exit, CliError> {
    context.block_on(async {
        let app = context.app_to_read().await?;
        let workers = app.store.workers(app.settings.queue.worker_lost_after).await;
        let workers = workers.map_err(|error| CliError::failed("list circuit breakers", error))?;
        let rows: Vec<Row> = workers
            .into_iter()
            .filter(|worker| worker.alive)
            .flat_map(|worker| {
                let process = worker.name;
                worker.breakers.into_iter().map(move |breaker| Row { process: process.clone(), breaker })
            })
            .collect();
        context.output.table(&rows, table)?;
        Ok(Exit::Done)
    })
}

fn outages(context: &Context, merchant: Option<MerchantName>, limit: u32) -> Result<Exit, CliError> {
    context.block_on(async {
        let app = context.app_to_read().await?;
        let only = merchant.map(|merchant| vec![merchant]);
        let outages = app.store.outages(only.as_deref(), limit).await;
        let outages = outages.map_err(|error| CliError::failed("list outages", error))?;
        let outages: Vec<Outage> = outages.into_iter().map(Outage::from).collect();
        context.output.table(&outages, outage_table)?;
        Ok(Exit::Done)
    })
}

fn outage_table(outages: &[Outage]) -> Table {
    let mut table = Table::new(["merchant", "endpoint", "since", "until", "cause"]);
    for outage in outages {
        table.row([
            outage.merchant.clone(),
            outage.endpoint.clone(),
            time(outage.since),
            or_dash(outage.until.map(time)),
            outage.cause.clone(),
        ]);
    }
    table
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(["merchant", "endpoint", "state", "since", "next try", "process", "cause"]);
    for Row { process, breaker } in rows {
        table.row([
            breaker.merchant.to_string(),
            breaker.endpoint.as_str().to_owned(),
            breaker.state.as_str().to_owned(),
            time(breaker.since),
            if breaker.state == BreakerState::HalfOpen {
                "the next call".to_owned()
            } else {
                time(breaker.next_try)
            },
            process.clone(),
            breaker.cause.clone(),
        ]);
    }
    table
}
