//! `keys generate --wrap`

use serde_json::json;

use super::not_written;
use crate::cli::{CliError, Context, Exit};
use crate::config::{KeySource, WrappedKey, key_file};
use crate::vault::sealing::wrapping;

/// Makes a key, has it wrapped, and writes it to the file that the settings name for it. Nothing is
/// written before the key service has given the same key back.
pub(super) fn run(context: &Context, name: &str) -> Result<Exit, CliError> {
    let settings = context.settings()?;
    let usage = |wrong: String| CliError::Usage(format!("--wrap: {wrong}"));
    let Some(KeySource::Wrapped(WrappedKey { file, unwrap, wrap })) = settings.vault.keys.get(name) else {
        return Err(usage(format!("the settings have no [vault.keys.{name}] with wrapped_by")));
    };
    let Some(wrap) = wrap else {
        return Err(usage(format!("vault.keys.{name}.wrap is missing: the program that wraps a new key")));
    };
    if file.exists() {
        return Err(not_written(file, std::io::ErrorKind::AlreadyExists.into()));
    }
    context.block_on(async {
        let environment = context.environment();
        let failed = |setting: &str, error: String| {
            CliError::failed(format!("make the key {name}"), format!("vault.keys.{name}.{setting}: {error}"))
        };
        let key = key_file::random();
        let wrapped = wrapping::wrap(wrap, &key, environment);
        let wrapped = wrapped.await.map_err(|error| failed("wrap", error.to_string()))?;
        if wrapping::key(&wrapped).as_ref() == Some(&key) {
            return Err(failed("wrap", "it printed the key as it is".to_owned()));
        }
        let unwrapped = wrapping::unwrap(unwrap, &wrapped, environment);
        if unwrapped.await.map_err(|error| failed("unwrap", error.to_string()))? != key {
            return Err(failed("unwrap", "it printed another key than the one that was wrapped".to_owned()));
        }
        key_file::write(file, &wrapped).map_err(|error| not_written(file, error))?;
        let human = format!(
            "Wrote a new wrapped key to {}. Keep a copy of it elsewhere, and keep the key of the key service that \
             wraps it.",
            file.display()
        );
        context.output.print(human, &json!({ "key": name, "file": file }))?;
        Ok(Exit::Done)
    })
}
