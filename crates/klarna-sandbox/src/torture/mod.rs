//! Drives a client through a list of faults, and judges from the sandbox's record what it did with
//! its tokens and orders.
//!
//! The client under test is anything that can be driven by two commands: one registers a user's
//! refresh token, one submits an order. `docs/sandbox.md` has the contract.

mod cases;
mod client;
mod drive;
mod judge;
mod report;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use self::cases::{CASES, Case};
use self::client::Client;
use self::drive::Driver;
pub use self::report::{CaseReport, Findings, Report};
use crate::command::Addresses;
use crate::faults::Endpoint;
use crate::{Clock, Sandbox, SandboxError, SandboxOptions};

/// Drive a client through a list of faults, and report lost tokens, spent tokens that it presents
/// again, and doubled orders
#[derive(Debug, Args)]
pub struct Torture {
    /// Command that starts the client, if it is a service; it is killed and started again where a
    /// case asks for that
    #[arg(long, value_name = "COMMAND")]
    start: Option<String>,
    /// Command that gives the client the refresh token of a user who has signed in
    #[arg(long, value_name = "COMMAND", required_unless_present = "list")]
    register: Option<String>,
    /// Command that submits one order and waits for its end
    #[arg(long, value_name = "COMMAND", required_unless_present = "list")]
    order: Option<String>,
    /// Where the client creates orders
    #[arg(long, value_enum, default_value = "checkout")]
    target: Target,
    /// The merchant's name in the input of the commands
    #[arg(long, default_value = "shop")]
    merchant: String,

    /// Run only these cases, separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    case: Vec<String>,
    /// Leave these cases out, separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    skip: Vec<String>,
    /// List the cases, and what a right client does in each
    #[arg(long)]
    list: bool,

    /// How often an order is submitted until its command ends with 0
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    attempts: u32,
    /// The wait before an order is submitted again
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    pause: Duration,
    /// A command that takes longer is killed, and counts as failed
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// How late the answers and requests of the cases about lateness are
    #[arg(long, default_value = "15s", value_parser = humantime::parse_duration)]
    late: Duration,
    /// Lifetime of access tokens. Each case waits for its end, so that a later order needs the
    /// refresh token
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    access_token_lifetime: Duration,

    /// Address of the sandbox; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8090")]
    bind: SocketAddr,
    /// Base URL of the sandbox, if the client does not reach it at --bind
    #[arg(long)]
    public_url: Option<Url>,
    /// File to which the output of the commands is appended
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// The product whose orders the client creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Orders of Checkout
    Checkout,
    /// Sessions of Klarna Payments
    Payments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Why a client could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum TortureError {
    /// The sandbox could not start.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// There is no case with this name.
    #[error("there is no case {0:?}; --list shows their names")]
    UnknownCase(String),
    /// A command could not be started, or its log not be written.
    #[error("cannot run {command}: {source}")]
    Command {
        /// The option that names the command.
        command: &'static str,
        /// The operating system's error.
        source: io::Error,
    },
    /// The client does not even work without a fault.
    #[error("the client cannot be judged: {0} (--log FILE keeps what its commands print)")]
    Setup(String),
}

impl Torture {
    /// Returns whether only the list of cases was asked for.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.list
    }

    /// Returns whether the report was asked for as JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Returns the list of cases, a line each.
    #[must_use]
    pub fn cases() -> String {
        CASES.iter().fold(String::new(), |text, case| text + &report::listed(case) + "\n")
    }

    /// Runs the cases, and calls `told` after each.
    ///
    /// # Errors
    /// If the sandbox or a command cannot be started, or the client does not work without a fault.
    pub async fn run(self, mut told: impl FnMut(&CaseReport)) -> Result<Report, TortureError> {
        let cases = self.chosen()?;
        let options = SandboxOptions {
            bind: self.bind,
            public_url: self.public_url.clone(),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::start(options, Clock::system()).await?;
        let client = self.client(&sandbox);
        let mut driver = Driver::new(sandbox, client, &self);
        driver.start().await?;
        let mut report = Report::default();
        for case in cases {
            let judged = driver.run(case).await?;
            told(&judged);
            if case.name == CASES[0].name && !judged.passed {
                return Err(TortureError::Setup(format!("without any fault, {}", judged.notes.join("; "))));
            }
            report.add(judged);
        }
        driver.end().await?;
        Ok(report)
    }

    /// Returns the cases to run, the one without a fault first.
    fn chosen(&self) -> Result<Vec<&'static Case>, TortureError> {
        for name in self.case.iter().chain(&self.skip) {
            if !CASES.iter().any(|case| case.name == name) {
                return Err(TortureError::UnknownCase(name.clone()));
            }
        }
        let wanted = |name: &&str| {
            let named = |names: &[String]| names.iter().any(|given| given == name);
            *name == CASES[0].name || ((self.case.is_empty() || named(&self.case)) && !named(&self.skip))
        };
        Ok(CASES.iter().filter(|case| wanted(&case.name)).collect())
    }

    fn client(&self, sandbox: &Sandbox) -> Client {
        let addresses = Addresses::new(sandbox.url(), None);
        Client {
            start: self.start.clone(),
            register: self.register.clone().unwrap_or_default(),
            order: self.order.clone().unwrap_or_default(),
            log: self.log.clone(),
            addresses: vec![
                ("KLARNA_SANDBOX_URL", addresses.sandbox),
                ("KLARNA_TOKEN_URL", addresses.token_url),
                ("KLARNA_JWKS_URL", addresses.jwks_url),
                ("KLARNA_CHECKOUT_URL", addresses.checkout_url),
                ("KLARNA_PAYMENTS_URL", addresses.payments_url),
            ],
            service: None,
        }
    }

    fn endpoint(&self) -> Endpoint {
        match self.target {
            Target::Checkout => Endpoint::Checkout,
            Target::Payments => Endpoint::Payments,
        }
    }
}
