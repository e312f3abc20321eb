//! `keys rotate`

use std::fmt;

use serde::Serialize;

use crate::cli::progress::Progress;
use crate::cli::{CliError, Context, Exit};
use crate::store::StoreError;
use crate::vault::sealing::{self, Cipher, Resealed};

/// The result of a rotation.
#[derive(Serialize)]
struct RotationSummary {
    /// The key that everything is encrypted with now.
    key: String,
    #[serde(flatten)]
    resealed: Resealed,
}

pub(super) fn run(context: &Context) -> Result<Exit, CliError> {
    context.block_on(async {
        let app = context.app().await?;
        let failed = |error: StoreError| {
            CliError::failed(
                "encrypt everything with the active key; run the command again to continue",
                error,
            )
        };
        let key = app.secrets.cipher().active().to_owned();
        let all = app.store.sealed(&[]).await.map_err(failed)?;
        let done = app.store.sealed(&Cipher::beginning(&key)).await.map_err(failed)?;
        let total = (all.tokens + all.cached).saturating_sub(done.tokens + done.cached);
        let progress = Progress::new(&context.output, Some(total));
        let told = |secrets| progress.at(secrets, format!("{secrets} of {total} secrets"));
        let resealed = sealing::reseal(&*app.store, &app.secrets, told).await.map_err(failed)?;
        drop(progress);
        let exit = if resealed.left.is_empty() { Exit::Done } else { Exit::SomeFailed };
        let told = RotationSummary { key, resealed };
        context.output.print(&told, &told)?;
        Ok(exit)
    })
}

impl fmt::Display for RotationSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, resealed: Resealed { tokens, cached, left, .. } } = self;
        write!(f, "{tokens} refresh tokens and {cached} cached access tokens are now encrypted with {key}")?;
        for (key, secrets) in left {
            let key = if key.is_empty() { "no key at all" } else { key };
            write!(
                f,
                "\n{secrets} secrets encrypted with {key} were not changed: no key in the settings can \
                decrypt them"
            )?;
        }
        f.write_str("\n`keys status` shows which keys can be removed")
    }
}
