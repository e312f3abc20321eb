//! `doctor`

use console::style;

use super::{CliError, Context, Exit};
use crate::clock::Clock;
use crate::ops::doctor::{self, CheckStatus, Finding};

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Compare the addresses of all merchants with those that the provider's OpenID documents list, not
    /// only of merchants with `discovery = true`
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
    format!("{status}  {check}: {found}{advice}")
}
