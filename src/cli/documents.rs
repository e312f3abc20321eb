//! `completions` and `man`, generated from the definition of the command line.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, CliError, Context, Exit};

/// Options of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Options of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// Write a page for each command into this folder (created if missing) instead of printing the
    /// main page
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Returns the definition of the command line, with all help texts.
fn described() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

impl Completions {
    pub(super) fn run(&self) -> Result<Exit, CliError> {
        let mut command = Cli::command();
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        printed(&script)
    }
}

impl Man {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, CliError> {
        let Some(folder) = &self.out else {
            let mut page = Vec::new();
            clap_mangen::Man::new(described())
                .render(&mut page)
                .map_err(|error| CliError::failed("write a page", error))?;
            return printed(&page);
        };
        let written =
            std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
        written.map_err(|error| CliError::failed(format!("write pages to {}", folder.display()), error))?;
        let human = format!("Wrote the pages to {}", folder.display());
        context.output.print(human, &serde_json::json!({ "folder": folder }))?;
        Ok(Exit::Done)
    }
}

/// Prints a document as it is, whatever the format.
fn printed(document: &[u8]) -> Result<Exit, CliError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(document).and_then(|()| stdout.flush()).map_err(CliError::Output)?;
    Ok(Exit::Done)
}
