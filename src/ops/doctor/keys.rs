//! Checks the encryption keys: readable or unwrapped, and those of this database.

use std::collections::BTreeMap;

use super::Findings;
use super::database::Found;
use crate::config::{KeySource, Settings, WrappedKey};
use crate::vault::sealing::{Secrets, keys, wrapping};

pub(super) async fn check(
    settings: &Settings,
    environment: &BTreeMap<String, String>,
    database: Found,
    findings: &mut Findings,
) {
    let active = settings.vault.keys.get(&settings.vault.active_key);
    if let (Found::New, Some(KeySource::File(path))) = (&database, active)
        && !path.exists()
    {
        findings.ok("keys", format!("none yet; the first start creates {}", path.display()));
        return;
    }
    let cipher = match keys::load(settings, environment, false).await {
        Ok(cipher) => cipher,
        Err(error) => {
            findings.fail_with("keys", &error);
            return;
        }
    };
    for (name, source) in &settings.vault.keys {
        if let KeySource::Wrapped(WrappedKey { unwrap: program, .. }) = source {
            let found = format!(
                "{} unwraps it, with {} argument(s) and the variables {}",
                program.path.display(),
                program.arguments.len(),
                wrapping::variables(program, environment).join(", ")
            );
            findings.ok(&format!("vault.keys.{name}"), found);
        }
    }
    let active = &settings.vault.active_key;
    match database {
        Found::Founded(installation) => match Secrets::open(cipher, &installation.hash_key) {
            Ok(_) => findings.ok("keys", format!("the keys open this database; {active} is active")),
            Err(error) => findings.fail(
                "keys",
                format!("the keys do not belong to this database: {error}"),
                "restore the keys of this database",
            ),
        },
        Found::New => findings.ok("keys", format!("the keys can be read; {active} is active")),
        Found::Unknown => {
            findings.ok(
                "keys",
                format!(
                    "the keys can be read; {active} is active; there is no database to \
                try them on"
                ),
            );
        }
    }
}
