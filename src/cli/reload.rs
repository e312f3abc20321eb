//! `reload`: asks the running service to read its settings again.

use super::{CliError, Context, Exit};
use crate::app::ask_for_reload;

pub(super) fn run(context: &Context) -> Result<Exit, CliError> {
    // Wrong settings are told here, before the service is asked.
    let settings = context.settings()?;
    let folder = &settings.vault.instance_dir;
    let user = context.user();
    context.block_on(async {
        let asked = ask_for_reload(folder, user).await;
        let asked = asked.map_err(|error| CliError::failed("reload the settings of the service", error))?;
        let Some(answer) = asked else {
            let why = format!(
                "no service uses the instance folder {} (vault.instance_dir); a process with the role api alone \
                 has none: send it SIGHUP",
                folder.display()
            );
            return Err(CliError::failed("reload the settings of the service", why));
        };
        if let Some(error) = answer.error {
            return Err(CliError::failed("reload the settings; the service goes on with those of before", error));
        }
        let changes = answer.changes.unwrap_or_default();
        let first = if changes.is_empty() {
            "The settings were read again; nothing that is in force has changed"
        } else {
            "The settings were reloaded"
        };
        let lines = changes.lines();
        let told: Vec<&str> = std::iter::once(first).chain(lines.iter().map(String::as_str)).collect();
        context.output.print(told.join("\n"), &changes)?;
        Ok(Exit::Done)
    })
}
