//! `users revoke`

use serde_json::json;

use super::UserChoice;
use crate::cli::context::merchant_of;
use crate::cli::{CliError, Context, Exit, confirm};

pub(super) fn run(choice: UserChoice, context: &Context) -> Result<Exit, CliError> {
    let UserChoice { user, yes } = choice;
    let key = user.key();
    let doing = format!("sign {user} out");
    context.block_on(async {
        let app = context.app().await?;
        merchant_of(&app, &key.merchant).map_err(CliError::Usage)?;
        let registry = app.registry();
        if !registry.can_revoke(&key.merchant) {
            let because = "the settings have no revocation endpoint for this merchant (revoke_url)";
            return Err(CliError::failed(doing, because));
        }
        let question =
            format!("Sign {user} out at Klarna? The user's token is revoked there, and forgotten here.");
        confirm::ask(yes, &doing, question)?;
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
