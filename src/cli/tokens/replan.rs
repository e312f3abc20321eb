//! `tokens replan`

use serde_json::json;

use crate::cli::progress::Progress;
use crate::cli::{CliError, Context, Exit};
use crate::keeper;
use crate::store::PlanFilter;

/// `tokens replan` has no options.
#[derive(Debug, clap::Args)]
pub struct Args {}

impl Args {
    #[expect(clippy::unused_self, reason = "every command runs alike")]
    pub(super) fn run(&self, context: &Context) -> Result<Exit, CliError> {
        context.block_on(async {
            let app = context.app().await?;
            let failed = |error| {
                let doing = "set the due dates; when the cause is fixed, run the command again";
                CliError::failed(doing, error)
            };
            let counts = app.store.token_counts(None).await.map_err(failed)?;
            let active = counts.iter().filter(|count| count.days.is_some()).map(|count| count.tokens).sum();
            let progress = Progress::new(&context.output, Some(active));
            let told = |seen| progress.at(seen, format!("{seen} tokens"));
            let due = app.due();
            let mut planned =
                keeper::replan(&*app.store, &due, PlanFilter::Undated, told).await.map_err(failed)?;
            planned =
                planned.max(keeper::replan(&*app.store, &due, PlanFilter::All, told).await.map_err(failed)?);
            drop(progress);
            let human = format!(
                "{planned} due dates set; {} tokens keep theirs, because they wait after a failure or their \
                 age is unknown",
                active.saturating_sub(planned)
            );
            context
                .output
                .print(human, &json!({ "planned": planned, "unchanged": active.saturating_sub(planned) }))?;
            Ok(Exit::Done)
        })
    }
}
