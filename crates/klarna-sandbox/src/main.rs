//! The `klarna-sandbox` program.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use klarna_sandbox::Command;

/// A stand-in for Klarna's token, Checkout and Payments endpoints
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    command: Command,
    /// Print the addresses as a line of JSON
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Cli { command, json }: Cli) -> Result<(), Box<dyn Error>> {
    let mut stop = Stop::listen()?;
    let (sandbox, addresses) = command.start().await?;
    let addresses = if json { serde_json::to_string(&addresses)? } else { addresses.to_string() };
    writeln!(io::stdout(), "{addresses}")?;
    stop.asked().await;
    sandbox.shutdown().await;
    Ok(())
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
