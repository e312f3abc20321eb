//! `migrate`

use serde_json::json;

use super::{CliError, Context, Exit};
use crate::app::{AppError, open_database};
use crate::clock::Clock;
use crate::config::{Engine, Settings};

/// Options of `migrate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Change nothing. Exit code 0: no migration is missing; 3: migrations are missing, and their
    /// names are printed; 4: the database needs a newer program; 1: the state could not be
    /// determined
    #[arg(long)]
    check: bool,
}

impl Args {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, CliError> {
        let settings = context.settings()?;
        context.block_on(async {
            if self.check { check(context, &settings).await } else { migrate(context, &settings).await }
        })
    }
}

async fn migrate(context: &Context, settings: &Settings) -> Result<Exit, CliError> {
    let store = open_database(settings, &Clock::system()).await?;
    let ran = store.migrate().await.map_err(AppError::from)?;
    store.close().await;
    let human = match ran {
        0 => "The database is up to date; there was nothing to do.".to_owned(),
        ran => format!("The database is up to date; migrations run: {ran}."),
    };
    context.output.print(human, &json!({ "ran": ran }))?;
    Ok(Exit::Done)
}

async fn check(context: &Context, settings: &Settings) -> Result<Exit, CliError> {
    // Opening a SQLite database would create it.
    if let Engine::Sqlite { path } = &settings.database.engine
        && !path.exists()
    {
        let human = format!(
            "There is no database yet; {} is created and migrated at the first start.",
            path.display()
        );
        context.output.print(human, &json!({ "missing": null }))?;
        return Ok(Exit::SomeFailed);
    }
    let store = open_database(settings, &Clock::system()).await?;
    let names = store.missing_migrations().await.map_err(AppError::from)?;
    store.close().await;
    let missing = names.len();
    let human = match missing {
        0 => "The database is up to date.".to_owned(),
        _ => format!(
            "Migrations missing: {missing} ({}). Run `klarna-order-worker migrate`.",
            names.join(", ")
        ),
    };
    context.output.print(human, &json!({ "missing": missing, "names": names }))?;
    Ok(if missing == 0 { Exit::Done } else { Exit::SomeFailed })
}
