//! `tokens vend`

use std::time::Duration;

use secrecy::ExposeSecret as _;

use crate::api::UserAccessToken;
use crate::app::{App, Ending, VendEnd, Vended};
use crate::audit::Action;
use crate::cli::audited::Audited;
use crate::cli::context::merchant_of;
use crate::cli::ended::exit_after;
use crate::cli::user_args::UserArgs;
use crate::cli::views::Fields;
use crate::cli::{CliError, Context, Exit};
use crate::lifecycle::Shutdown;
use crate::vault::Vend;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    user: UserArgs,
    /// Print a cached access token only if it is valid for at least this long [default:
    /// `vault.access_token_margin`]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    min_validity: Option<Duration>,
    /// Print the verified claims of the id_token, too
    #[arg(long)]
    claims: bool,
}

impl Args {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Audited {
        Audited::new(Action::TokenVend).about(self.user.key())
    }

    pub(in crate::cli) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut ending = Ending::default();
        let exit = context.block_on(async {
            let shutdown = Shutdown::install().map_err(|error| CliError::failed("handle signals", error))?;
            let app = context.app().await?;
            let (exit, ended) = self.vend(context, &app, &shutdown).await?;
            ending = ended;
            exit
        });
        exit_after(context, exit, ending)
    }

    /// The outer error is for what went wrong before anything was presented.
    async fn vend(
        &self,
        context: &Context,
        app: &App,
        shutdown: &Shutdown,
    ) -> Result<(Result<Exit, CliError>, Ending), CliError> {
        let doing = format!("get an access token of {}", self.user);
        let merchant = merchant_of(app, &self.user.merchant).map_err(CliError::Usage)?;
        let settings = &app.settings.vault;
        let vend = Vend {
            merchant: &merchant,
            user: &self.user.user,
            min_validity: self.min_validity.unwrap_or(settings.access_token_margin),
            patience: settings.token_patience,
        };
        let VendEnd { vended, ending } =
            app.vend(vend, self.claims, shutdown.soft(), shutdown.hard()).await?;
        let exit = match vended {
            None => Err(CliError::failed(doing, "it was interrupted")),
            Some(Err(why)) => Err(CliError::failed(doing, why)),
            Some(Ok(Vended { access, claims })) => print(context, &UserAccessToken::new(access, claims)),
        };
        Ok((exit.map(|()| Exit::of(ending)), ending))
    }
}

/// Prints an access token. This is the one place where a command shows one.
fn print(context: &Context, token: &UserAccessToken) -> Result<(), CliError> {
    let mut fields = Fields::default();
    fields.add("access_token", token.access_token.expose_secret());
    fields.add("expires_in", token.expires_in);
    if let Some(claims) = &token.claims {
        let claims = serde_json::to_string(claims).map_err(|error| CliError::failed("write JSON", error))?;
        fields.add("claims", claims);
    }
    context.output.print(fields, token)
}
