//! The `klarna-order-worker` program.

use std::process::ExitCode;

use clap::Parser;
use klarna_order_worker::cli::{Cli, environment, run};

fn main() -> ExitCode {
    run(Cli::parse(), environment())
}
