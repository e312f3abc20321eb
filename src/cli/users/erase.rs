//! `users erase`

use serde_json::json;

use super::UserChoice;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::store::Erased;

pub(super) fn run(choice: UserChoice, context: &Context) -> Result<Exit, CliError> {
    let UserChoice { user, yes } = choice;
    let key = user.key();
    confirm::ask(yes, &format!("erase {user}"), format!("Erase all data of {user}? It cannot be undone."))?;
    context.block_on(async {
        let app = context.app().await?;
        let failed = |error| CliError::failed(format!("erase {user}"), error);
        // This first, because erasing leaves nothing that could be revoked.
        app.registry().forget(&key).await.map_err(failed)?;
        let erased = app.store.erase_user(&key).await.map_err(failed)?;
        // A misspelt name must not look like an erasure.
        if erased == Erased::default() {
            return Err(CliError::failed(format!("erase {user}"), "no data is stored for this user"));
        }
        let Erased { token, orders, cancelled, webhooks } = erased;
        let human = format!(
            "Erased: {}, {orders} orders ({cancelled} of them cancelled), {webhooks} webhooks.",
            if token { "the token" } else { "no token" }
        );
        let json = json!({ "token": token, "orders": orders, "cancelled": cancelled, "webhooks": webhooks });
        context.output.print(human, &json)?;
        Ok(Exit::Done)
    })
}
