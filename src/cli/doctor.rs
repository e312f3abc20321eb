//! `doctor`

use console::style;

use super::table::printable;
use super::{CliError, Context, Exit};
use crate::clock::Clock;
use crate::ops::doctor::{self, CheckStatus, Finding};

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Compare the addresses of all merchants with those that the provider's OpenID documents list,
    /// not only of merchants with `discovery = true`
    #[arg(long)]
    online: bool,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let settings = context.settings()?;
        let findings = context.block_on(async {
            Ok(doctor::examine(&settings, context.environment(), self.online, &Clock::system()).await)
        })?;
        for finding in &findings {
            context.output.print(line(finding), finding)?;
        }
        let failed = findings.iter().any(|finding| finding.status == CheckStatus::Failed);
        Ok(if failed { Exit::SomeFailed } else { Exit::Done })
    }
}

fn line(finding: &Finding) -> String {
    let Finding { check, status, found, advice } = finding;
    let status = match status {
        CheckStatus::Ok => style("ok     ").green(),
        CheckStatus::Warning => style("warning").yellow(),
        CheckStatus::Failed => style("failed ").red().bold(),
    };
    let advice = advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
    // What was found may repeat what another host sent.
    format!("{status}  {}", printable(&format!("{check}: {found}{advice}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_changes_nothing_in_the_terminal() {
        let found = "the documents list https://a.example/\u{1b}[2J\nok  all is well".to_owned();
        let finding =
            Finding { check: "discovery".to_owned(), status: CheckStatus::Warning, found, advice: None };
        let line = line(&finding);
        let told = line.split_once("discovery").unwrap().1;
        assert!(!told.chars().any(char::is_control), "{told:?}");
    }
}
