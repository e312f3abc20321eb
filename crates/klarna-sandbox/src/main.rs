//! The `klarna-sandbox` program.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use klarna_sandbox::{Command, Torture};

/// A client under test was found to lose tokens or to double orders.
const FOUND: u8 = 3;

/// A stand-in for Klarna's token, Checkout and Payments endpoints
#[derive(Parser)]
#[command(version, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    command: Command,
    /// Print the addresses as a line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Task {
    Torture(Torture),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { task, serve } = Cli::parse();
    let done = match task {
        None => run(serve).await.map(|()| ExitCode::SUCCESS),
        Some(Task::Torture(torture)) => drive(torture).await,
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Serve { command, json }: Serve) -> Result<(), Box<dyn Error>> {
    let mut stop = Stop::listen()?;
    let (sandbox, addresses) = command.start().await?;
    let addresses = if json { serde_json::to_string(&addresses)? } else { addresses.to_string() };
    writeln!(io::stdout(), "{addresses}")?;
    stop.asked().await;
    sandbox.shutdown().await;
    Ok(())
}

/// Drives a client, and prints what was found.
async fn drive(torture: Torture) -> Result<ExitCode, Box<dyn Error>> {
    let mut out = io::stdout();
    if torture.is_list() {
        write!(out, "{}", Torture::cases())?;
        return Ok(ExitCode::SUCCESS);
    }
    let (mut stop, json) = (Stop::listen()?, torture.is_json());
    let cases = torture.run(|case| {
        if !json {
            // If nobody reads, the exit code still tells the result.
            let _ = writeln!(io::stdout(), "{case}");
        }
    });
    // A stop drops the client's processes, which ends them.
    let report = tokio::select! {
        report = cases => report?,
        () = stop.asked() => return Err("stopped before the last case".into()),
    };
    let text = if json { serde_json::to_string_pretty(&report)? } else { report.to_string() };
    writeln!(out, "{text}")?;
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// The signals that stop the program. They are handled before anything else, because process 1 of a
/// container ignores SIGTERM without a handler.
#[cfg(unix)]
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Stop(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Stop {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn asked(&mut self) {
        self.0.recv().await;
    }
}
