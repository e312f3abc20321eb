//! `keys status`

use std::collections::BTreeSet;

use serde::Serialize;

use crate::app::App;
use crate::cli::table::Table;
use crate::cli::{CliError, Context, Exit};
use crate::store::{Sealed, StoreError};
use crate::vault::sealing::Cipher;

/// A key that the settings or the database have, or that a spool file needs.
#[derive(Serialize)]
struct Key {
    #[serde(rename = "key")]
    name: String,
    /// Whether new secrets are encrypted with it.
    active: bool,
    /// Whether the settings have it.
    configured: bool,
    #[serde(flatten)]
    sealed: Sealed,
    /// How many files in this machine's spools need it.
    spool_files: usize,
    /// Whether nothing on this machine or in the database needs it.
    may_be_retired: bool,
}

pub(super) fn run(context: &Context) -> Result<Exit, CliError> {
    context.block_on(async {
        let app = context.app_to_read().await?;
        let failed = |error: StoreError| CliError::failed("count what each key encrypts", error);
        let keys = keys(&app).await.map_err(failed)?;
        context.output.table(&keys, table)?;
        if keys.iter().any(|key| key.may_be_retired) {
            context.output.hint(
                "Spool files are counted only on this machine: check every machine before you \
                remove a key",
            );
        }
        Ok(Exit::Done)
    })
}

async fn keys(app: &App) -> Result<Vec<Key>, StoreError> {
    let cipher = app.secrets.cipher();
    let spooled = app.spooled_keys();
    let known = app.store.known_keys().await?.into_iter().map(|(name, _)| name);
    let names: BTreeSet<String> =
        known.chain(cipher.fingerprints().keys().chain(spooled.keys()).cloned()).collect();
    let mut keys = Vec::new();
    for name in names {
        let sealed = app.store.sealed(&Cipher::beginning(&name)).await?;
        let spool_files = spooled.get(&name).copied().unwrap_or_default();
        let active = name == cipher.active();
        keys.push(Key {
            active,
            configured: cipher.fingerprints().contains_key(&name),
            sealed,
            spool_files,
            may_be_retired: !active && sealed.is_none() && spool_files == 0,
            name,
        });
    }
    // Keys that were removed long ago are not listed.
    keys.retain(|key| key.configured || !key.may_be_retired);
    Ok(keys)
}

fn table(keys: &[Key]) -> Table {
    let mut table =
        Table::new(["key", "state", "refresh tokens", "cached tokens", "hash key", "spool files", ""]);
    for key in keys {
        let is = match key {
            Key { configured: false, .. } => "missing",
            Key { active: true, .. } => "active",
            Key { .. } => "old",
        };
        let note = match key {
            Key { may_be_retired: true, .. } => "can be removed from vault.keys",
            Key { configured: false, .. } => {
                "add it to vault.keys again: no other key decrypts these secrets"
            }
            Key { active: false, .. } => "needed until `keys rotate` is done and the spool is empty",
            Key { .. } => "",
        };
        table.row([
            key.name.clone(),
            is.to_owned(),
            key.sealed.tokens.to_string(),
            key.sealed.cached.to_string(),
            key.sealed.hash_key.to_string(),
            key.spool_files.to_string(),
            note.to_owned(),
        ]);
    }
    table
}
