//! `users revoke`

use serde_json::json;

use crate::audit::Action;
use crate::cli::audited::Audited;
use crate::cli::table::printable;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::ids::{MerchantName, UserId, UserKey};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The merchant's name in the settings
    merchant: MerchantName,
    /// The shop's name for the user
    user: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Args {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Audited {
        Audited::new(Action::UserRevoke).about(UserKey::new(self.merchant.as_str(), self.user.as_str()))
    }

    pub(in crate::cli) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self { merchant, user, yes } = self;
        let user = UserId::parse(&user).map_err(|wrong| CliError::Usage(format!("the user {wrong}")))?;
        let key = UserKey { merchant, user };
        let whose = format!("{} of {}", printable(key.user.as_str()), printable(key.merchant.as_str()));
        let question =
            format!("Sign {whose} out at Klarna? The user's token is revoked there, and forgotten here.");
        confirm::ask(yes, &format!("sign {whose} out"), question)?;
        let doing = format!("sign {whose} out");
        context.block_on(async {
            let registry = context.app().await?.registry();
            if !registry.can_revoke(&key.merchant) {
                let because =
                    "the settings have no merchant with this name and a revocation endpoint (revoke_url)";
                return Err(CliError::failed(doing, because));
            }
            let forgotten = registry.forget_as(&key, true).await;
            if !forgotten.map_err(|error| CliError::failed(&doing, error))? {
                return Err(CliError::failed(doing, "the user has no refresh token"));
            }
            let human = "The token is forgotten. A worker revokes it at Klarna now, and tries for a day.";
            context
                .output
                .print(human, &json!({ "merchant": key.merchant, "user": key.user, "revoking": true }))?;
            Ok(Exit::Done)
        })
    }
}
