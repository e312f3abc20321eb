//! `tokens`

mod adopt;
mod after_restore;
mod import;
pub(crate) mod record;
mod replan;
mod resolve;
mod source;
mod stats;
pub(crate) mod systems;
mod vend;

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::audited::Audited;
use super::table::printable;
use super::user_args::UserArgs;
use super::views::{Fields, or_dash, time};
use super::{CliError, Context, Exit, Table, confirm};
use crate::api::Token;
use crate::audit::Action;
use crate::ids::{MerchantName, UserKey};
use crate::store::TokenFilter;
use crate::token::{DeadReason, Note, TokenState};
use crate::vault::Registry;

const STATES: [TokenState; 4] =
    [TokenState::Active, TokenState::ReauthRequired, TokenState::Uncertain, TokenState::Forgotten];

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Register refresh tokens from a file
    ///
    /// A token that is already known changes nothing, and a newer token is never replaced: you can
    /// import the same file again.
    Import(import::Args),
    /// List tokens by merchant and user
    List(Filter),
    /// Show a token's state and times, never the token itself
    Show(UserArgs),
    /// Print an access token of a user, for a call to Klarna
    ///
    /// If no cached access token is valid for long enough, the user's refresh token is exchanged,
    /// under the same rules as for an order. `serve` may run at the same time, but not `refresh`.
    /// Whoever has the access token can act for the user: do not write it to a log.
    Vend(vend::Args),
    /// Decide about tokens whose state is uncertain
    ///
    /// A token is uncertain if it is not known whether it was used: its last exchange got no answer
    /// with `vault.lost_answer = "hold"`, or the database was restored from a backup. If it is used
    /// again, Klarna rejects it if it was used before; otherwise it works as usual. If the command
    /// is interrupted, run it again to continue.
    Resolve(resolve::Args),
    /// Present tokens of another provider to the token endpoint of the settings
    ///
    /// A token is presented only to the provider that issued it: its token endpoint (scheme, host,
    /// path) and client id. After the same provider got a new address, this moves its tokens there.
    Adopt(adopt::Args),
    /// Count tokens by state and by the days until they expire
    Stats(stats::Args),
    /// Recalculate every token's due date after a change of the keeper's settings
    Replan(replan::Args),
    /// Prepare a restored database: mark what may have happened since the backup
    ///
    /// Active tokens become uncertain, because they may have been used after the backup was made;
    /// decide about them with `tokens resolve`. Orders that have not ended fail as possible
    /// duplicates, because they may have been submitted. Tokens in this machine's spool are stored.
    /// Stop every process first.
    AfterRestore(after_restore::Args),
    /// Delete a user's token and everything stored with it
    Forget {
        #[command(flatten)]
        user: UserArgs,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

/// Options of `tokens list`.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only tokens in this state; forgotten tokens are listed only with `--state forgotten`
    #[arg(long, value_parser = PossibleValuesParser::new(STATES.map(TokenState::as_str)).try_map(|word| state(&word)))]
    state: Option<TokenState>,
    /// Only this merchant's
    #[arg(long)]
    merchant: Option<MerchantName>,
    /// Only active tokens that have expired, or will within this time
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, conflicts_with = "state")]
    expiring: Option<Duration>,
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Only tokens after this merchant and user: the last one of the previous page
    #[arg(long, num_args = 2, value_names = ["MERCHANT", "USER"])]
    after: Option<Vec<String>>,
}

fn state(word: &str) -> Result<TokenState, String> {
    STATES.into_iter().find(|state| state.as_str() == word).ok_or_else(|| "unknown state".to_owned())
}

impl From<Filter> for TokenFilter {
    fn from(Filter { state, merchant, expiring, limit, after }: Filter) -> Self {
        let after = after.and_then(|pair| <[String; 2]>::try_from(pair).ok());
        let after = after.map(|[merchant, user]| UserKey::new(merchant, user));
        Self { state, merchant, expiring_within: expiring, after, limit }
    }
}

impl Command {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Option<Audited> {
        let of = |action| Some(Audited::new(action));
        match self {
            Self::Import(_) => of(Action::TokensImport),
            Self::List(filter) => Some(Audited::new(Action::TokensList).merchant(filter.merchant.clone())),
            Self::Show(user) => Some(Audited::new(Action::TokenRead).about(user.key())),
            Self::Vend(args) => Some(args.audited()),
            Self::Resolve(args) => Some(args.audited()),
            Self::Adopt(_) => of(Action::TokensAdopt),
            // It counts, and tells of no single token.
            Self::Stats(_) => None,
            Self::Replan(_) => of(Action::TokensReplan),
            Self::AfterRestore(_) => of(Action::TokensAfterRestore),
            Self::Forget { user, .. } => Some(Audited::new(Action::TokenForget).about(user.key())),
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::Import(args) => args.run(context),
            Self::List(filter) => context.block_on(async {
                list(context, &context.app_to_read().await?.registry(), &filter.into()).await
            }),
            Self::Show(user) => context
                .block_on(async { show(context, &context.app_to_read().await?.registry(), &user).await }),
            Self::Vend(args) => args.run(context),
            Self::Resolve(args) => args.run(context),
            Self::Adopt(args) => args.run(context),
            Self::Stats(args) => args.run(context),
            Self::Replan(args) => args.run(context),
            Self::AfterRestore(args) => args.run(context),
            Self::Forget { user, yes } => {
                let question = format!(
                    "Forget the token of {user}? Orders of this user are submitted without a token \
                        until the user signs in again."
                );
                confirm::ask(yes, &format!("forget the token of {user}"), question)?;
                context.block_on(async { forget(context, &context.app().await?.registry(), &user).await })
            }
        }
    }
}

async fn list(context: &Context, registry: &Registry, filter: &TokenFilter) -> Result<Exit, CliError> {
    let tokens = registry.list(filter).await.map_err(|error| CliError::failed("list tokens", error))?;
    let tokens: Vec<Token> = tokens.into_iter().map(Token::from).collect();
    context.audit_read().await?;
    context.output.table(&tokens, table)?;
    if let Some(last) = tokens.last().filter(|_| tokens.len() == filter.limit as usize) {
        context.output.hint(format!("Next page: --after {} {}", last.merchant, printable(&last.user)));
    }
    Ok(Exit::Done)
}

fn table(tokens: &[Token]) -> Table {
    let table = Table::new(["merchant", "user", "state", "reason", "generation", "issued", "expires"]);
    let mut table = table.above_all(&["user", "state", "expires", "merchant", "reason"]);
    for token in tokens {
        table.row([
            token.merchant.clone(),
            token.user.clone(),
            token.state.as_str().to_owned(),
            or_dash(token.reason.map(DeadReason::as_str)),
            token.generation.to_string(),
            or_dash(token.issued_at.map(time)),
            or_dash(token.expires_at.map(time)),
        ]);
    }
    table
}

async fn show(context: &Context, registry: &Registry, user: &UserArgs) -> Result<Exit, CliError> {
    let doing = format!("show the token of {user}");
    let found = registry.view(&user.key()).await;
    let Some(token) = found.map_err(|error| CliError::failed(&doing, error))? else {
        return Err(CliError::failed(doing, NO_TOKEN));
    };
    context.audit_read().await?;
    let token = Token::from(token);
    let mut fields = Fields::default();
    fields.add("merchant", &token.merchant);
    fields.add("user", &token.user);
    fields.add("state", token.state.as_str());
    fields.add("reason", or_dash(token.reason.map(DeadReason::as_str)));
    fields.add("generation", token.generation);
    fields.add("issued_at", or_dash(token.issued_at.map(time)));
    fields.add("expires_at", or_dash(token.expires_at.map(time)));
    fields.add("refresh_due_at", or_dash(token.refresh_due_at.map(time)));
    fields.add("refresh_failures", token.refresh_failures);
    fields.add("refresh_note", or_dash(token.refresh_note.map(Note::as_str)));
    fields.add("signed_in_at", or_dash(token.signed_in_at.map(time)));
    fields.add("last_seen_at", or_dash(token.last_seen_at.map(time)));
    fields.add("updated_at", time(token.updated_at));
    context.output.print(fields, &token)?;
    Ok(Exit::Done)
}

const NO_TOKEN: &str = "no token is registered for this merchant and user; `tokens list` shows the registered \
    ones";

async fn forget(context: &Context, registry: &Registry, user: &UserArgs) -> Result<Exit, CliError> {
    let key = user.key();
    let doing = format!("forget the token of {user}");
    let forgotten = registry.forget(&key).await.map_err(|error| CliError::failed(&doing, error))?;
    if !forgotten {
        // A misspelt name must not look like a deletion.
        let found = registry.view(&key).await.map_err(|error| CliError::failed(&doing, error))?;
        found.ok_or_else(|| CliError::failed(doing, NO_TOKEN))?;
    }
    let human = if forgotten { "The token is forgotten." } else { "The token had already been forgotten." };
    context
        .output
        .print(human, &json!({ "merchant": key.merchant, "user": key.user, "forgotten": forgotten }))?;
    Ok(Exit::Done)
}
