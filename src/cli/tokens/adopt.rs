//! `tokens adopt`

use std::fmt;

use serde_json::json;

use super::resolve::tokens;
use crate::app::App;
use crate::cli::context::check_merchant;
use crate::cli::progress::Progress;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::ids::{MerchantName, Provider};
use crate::store::StoreError;
use crate::vault::sealing::{AdoptedTokens, adopt};

/// Whose tokens, and which provider issued them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The merchant's name in the settings
    #[arg(long)]
    merchant: MerchantName,
    /// The provider that issued the tokens, as `doctor` shows it
    #[arg(long, value_name = "FINGERPRINT")]
    from: Provider,
    /// Only count the tokens; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.block_on(async {
            let app = context.app().await?;
            check_merchant(&app, &self.merchant)?;
            let found = count(&app, &self.merchant, self.from).await.map_err(failed)?;
            if self.dry_run {
                let human = format!(
                    "{} would be presented to the provider of the settings; nothing was changed",
                    tokens(found)
                );
                context.output.print(human, &json!({ "adopted": 0, "left": found }))?;
                return Ok(Exit::Done);
            }
            if found > 0 {
                let question = format!(
                    "Present {} of {} to the token endpoint of the settings from now on? Do this only if it is \
                     the same provider at a new address: another one rejects them all.",
                    tokens(found),
                    self.merchant,
                );
                confirm::ask(self.yes, &format!("adopt {}", tokens(found)), question)?;
            }
            let adopted = self.adopt(context, &app, found).await.map_err(failed)?;
            let left = adopted.held_elsewhere + adopted.unreadable;
            context.output.print(Summary(adopted), &json!({ "adopted": adopted.adopted, "left": left }))?;
            Ok(if left == 0 { Exit::Done } else { Exit::SomeFailed })
        })
    }

    async fn adopt(&self, context: &Context, app: &App, found: u64) -> Result<AdoptedTokens, StoreError> {
        let Some(merchant) = app.settings.merchants.get(&self.merchant) else {
            return Ok(AdoptedTokens::default());
        };
        let progress = Progress::new(&context.output, Some(found));
        let told = |done| progress.at(done, format!("{done} of {found} tokens"));
        adopt(&*app.store, &app.secrets, &self.merchant, self.from, merchant.provider(), told).await
    }
}

/// The result for people.
struct Summary(AdoptedTokens);

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AdoptedTokens { adopted, held_elsewhere, unreadable } = self.0;
        write!(f, "{} adopted", tokens(adopted))?;
        if held_elsewhere > 0 {
            write!(f, "; {} left, registered for other users under the new address", tokens(held_elsewhere))?;
        }
        if unreadable > 0 {
            write!(f, "; {} left that cannot be decrypted: see the log", tokens(unreadable))?;
        }
        Ok(())
    }
}

fn failed(error: StoreError) -> CliError {
    CliError::failed("adopt tokens; when the cause is fixed, run the command again", error)
}

async fn count(app: &App, merchant: &MerchantName, from: Provider) -> Result<u64, StoreError> {
    let counted = app.store.tokens_by_provider().await?;
    let ours = counted.iter().find(|counted| counted.merchant == *merchant && counted.provider == from);
    Ok(ours.map_or(0, |counted| counted.tokens))
}
