//! `tokens adopt`

use std::time::Duration;

use serde_json::json;

use super::resolve::tokens;
use crate::app::App;
use crate::cli::context::check_merchant;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::ids::{MerchantName, Provider, TokenId};
use crate::store::StoreError;

/// How many tokens one transaction changes, so that other writers do not wait long.
const BATCH: u32 = 500;
/// The pause between two transactions, in which a running service can write.
const BREATH: Duration = Duration::from_millis(5);

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
            let adopted = self.adopt(&app).await.map_err(failed)?;
            context.output.print(format!("{} adopted", tokens(adopted)), &json!({ "adopted": adopted, "left": 0 }))?;
            Ok(Exit::Done)
        })
    }

    async fn adopt(&self, app: &App) -> Result<u64, StoreError> {
        let Some(merchant) = app.settings.merchants.get(&self.merchant) else { return Ok(0) };
        let (to, mut adopted, mut last) = (merchant.provider(), 0, TokenId::START);
        if to == self.from {
            return Ok(0);
        }
        while let Some((count, id)) = app.store.adopt_tokens(&self.merchant, self.from, to, last, BATCH).await? {
            (adopted, last) = (adopted + count, id);
            tokio::time::sleep(BREATH).await;
        }
        Ok(adopted)
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
