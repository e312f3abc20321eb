//! The command line: its common part here, and a file for each command.
//!
//! A command gets a [`Context`], returns an [`Exit`] or a [`CliError`], and prints only through
//! [`Output`].

mod audit;
mod audited;
mod breakers;
mod confirm;
mod context;
mod demo;
mod doctor;
mod documents;
mod ended;
mod enqueue;
mod error;
mod instance;
mod keys;
pub(crate) mod lines;
mod migrate;
mod openapi;
mod orders;
pub mod output;
mod pauses;
mod progress;
mod refresh;
mod reload;
mod risks;
mod sandbox;
mod serve;
mod table;
pub(crate) mod tokens;
mod user_args;
mod users;
mod views;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, Parser, Subcommand};

use audited::Audited;
pub use context::{Context, environment};
pub use error::{CliError, Exit};
pub use output::{Format, Output};
pub use table::Table;

use crate::audit::Action;
use crate::lifecycle::dumps;
use crate::telemetry::{Telemetry, Traces, Verbosity};

/// An order worker for Sign in with Klarna.
///
/// Spends single-use refresh tokens safely and creates Klarna Checkout orders.
#[derive(Debug, Parser)]
#[command(name = "klarna-order-worker", version, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command takes.
#[derive(Debug, Args)]
struct Global {
    /// The settings file; environment variables take precedence over it [default: config.toml]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Output format
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
    /// Log debug messages; -vv logs everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service: the API, the worker and the keeper, or some of these roles
    Serve(serve::Args),
    /// Try the service with sample orders, on a new database and the built-in sandbox
    Demo(demo::Args),
    /// Run a stand-in for Klarna: token endpoint, Checkout, Payments, order management
    Sandbox(Box<sandbox::Args>),
    /// Submit orders from a file
    Enqueue(enqueue::Args),
    /// List, show, retry and cancel orders
    #[command(subcommand)]
    Orders(orders::Command),
    /// Import, list, resolve and forget refresh tokens
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Export, erase and rename a user's data
    #[command(subcommand)]
    Users(users::Command),
    /// List webhooks, and send them again
    #[command(subcommand)]
    Webhooks(webhooks::Command),
    /// Pause a kind of work of a merchant, or of all merchants
    ///
    /// For a time, or until `resume`. Every running process follows within a second, and keeps to
    /// it after a restart. Work that has started is completed. Pausing again replaces the reason
    /// and the end.
    Pause(pauses::PauseArgs),
    /// Resume what `pause` has paused
    ///
    /// A pause of all merchants and one of a merchant are two pauses: resume both, if there are
    /// both.
    Resume(pauses::ResumeArgs),
    /// List what is paused, since when, by whom and why
    Pauses,
    /// List circuit breakers whose calls to Klarna wait, and let them try a call now
    #[command(subcommand)]
    Breakers(breakers::Command),
    /// List and verify the audit log: who read or changed what
    #[command(subcommand)]
    Audit(audit::Command),
    /// Refresh the tokens that are due: one sweep of the keeper, for cron
    Refresh(refresh::Args),
    /// Reload the settings of the running service
    ///
    /// Reads the settings, and if they are right, asks the service that uses their instance folder
    /// (`vault.instance_dir`) to read them too. Waits for its answer and prints what changed, and
    /// which changed settings take effect after a restart. Exit code 1: there is no such service,
    /// or it goes on with the settings of before. SIGHUP does the same for every process of
    /// `serve`.
    Reload,
    /// Migrate the database's schema to this version
    ///
    /// Programs of this release and of the previous one can use the database meanwhile. On
    /// PostgreSQL a migration waits less than a second for a table's lock, pauses so that other
    /// sessions can continue, and tries again. It names the sessions that hold the lock.
    Migrate(migrate::Args),
    /// Check the installation: settings, database, keys, clock, folders and hosts
    ///
    /// Changes nothing, spends no token and creates no order. Exit code 3: a check failed; with
    /// warnings alone it is 0.
    Doctor(doctor::Args),
    /// Make a copied or moved instance folder an instance of its own
    #[command(subcommand)]
    Instance(instance::Command),
    /// Create encryption keys and API keys; rotate encryption keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print the description of the HTTP API (OpenAPI 3.1)
    Openapi,
    /// Print the completion script for a shell
    Completions(documents::Completions),
    /// Print the man page, or write the man pages of all commands
    Man(documents::Man),
}

impl Command {
    fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Serve(args) => args.run(context),
            Self::Demo(args) => args.run(context),
            Self::Sandbox(args) => args.run(context),
            Self::Enqueue(args) => args.run(context),
            Self::Orders(command) => command.run(context),
            Self::Tokens(command) => command.run(context),
            Self::Users(command) => command.run(context),
            Self::Webhooks(command) => command.run(context),
            Self::Pause(args) => args.run(context),
            Self::Resume(args) => args.run(context),
            Self::Pauses => pauses::list(context),
            Self::Breakers(command) => command.run(context),
            Self::Audit(command) => command.run(context),
            Self::Refresh(args) => args.run(context),
            Self::Reload => reload::run(context),
            Self::Migrate(args) => args.run(context),
            Self::Doctor(args) => args.run(context),
            Self::Instance(command) => command.run(context),
            Self::Keys(command) => command.run(context),
            Self::Openapi => openapi::run(),
            Self::Completions(args) => args.run(),
            Self::Man(args) => args.run(context),
        }
    }

    /// Returns what the command leaves in the audit log. The service leaves rows of its own.
    /// `migrate` runs without keys, and the database keeps what it did and when.
    fn audited(&self) -> Option<Audited> {
        match self {
            Self::Enqueue(_) => Some(Audited::new(Action::OrdersSubmit)),
            Self::Orders(command) => command.audited(),
            Self::Tokens(command) => command.audited(),
            Self::Users(command) => Some(command.audited()),
            Self::Webhooks(command) => command.audited(),
            Self::Pause(args) => Some(args.audited()),
            Self::Resume(args) => Some(args.audited()),
            Self::Breakers(command) => command.audited(),
            Self::Audit(command) => command.audited(),
            Self::Refresh(args) => Some(args.audited()),
            Self::Keys(command) => command.audited(),
            Self::Serve(_)
            | Self::Demo(_)
            | Self::Sandbox(_)
            | Self::Reload
            | Self::Migrate(_)
            | Self::Doctor(_)
            | Self::Instance(_)
            | Self::Pauses
            | Self::Openapi
            | Self::Completions(_)
            | Self::Man(_) => None,
        }
    }

    /// Where the command sends its traces. Wrong settings are reported later, when the command
    /// itself reads them.
    fn traces(&self, context: &Context) -> Traces {
        match self {
            Self::Serve(_) | Self::Enqueue(_) | Self::Refresh(_) => {
                let settings = context.settings().ok();
                Traces::Of(settings.and_then(|settings| settings.telemetry.otlp_endpoint).map(String::from))
            }
            // It has settings of its own.
            Self::Demo(_) => Traces::Of(None),
            _ => Traces::None,
        }
    }

    /// How much to log without `-v` or `-q`. `serve` and `sandbox` log normally. Other commands
    /// print results, so they log only warnings; the demo provokes errors on purpose, so it logs
    /// only errors.
    fn verbosity(&self) -> Verbosity {
        match self {
            Self::Serve(_) | Self::Sandbox(_) => Verbosity::Normal,
            Self::Demo(_) => Verbosity::Quiet,
            _ => Verbosity::Warnings,
        }
    }
}

/// Runs the parsed command. An error is printed on standard error.
#[must_use]
pub fn run(cli: Cli, environment: context::Variables) -> ExitCode {
    // Before anything secret is read.
    dumps::forbid();
    let Global { config, format, verbose, quiet } = cli.global;
    let verbosity = match (quiet, verbose) {
        (true, _) => Verbosity::Quiet,
        (_, 0) => cli.command.verbosity(),
        (_, 1) => Verbosity::Debug,
        _ => Verbosity::Trace,
    };
    let context = Context::new(config, format, environment, cli.command.audited());
    let telemetry = Telemetry::init(verbosity, context.environment(), &cli.command.traces(&context));
    let (telemetry, exit) = match telemetry {
        Ok(telemetry) => (Some(telemetry), cli.command.run(&context)),
        Err(error) => (None, Err(error.into())),
    };
    let exit = exit.unwrap_or_else(|error| {
        output::print_error(format, &error);
        error.exit()
    });
    if let Some(telemetry) = telemetry {
        telemetry.end();
    }
    exit.into()
}
