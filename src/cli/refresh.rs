//! `refresh`: one run of the keeper.

mod printed;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use self::printed::{Line, ProgressReport};
use super::audited::Audited;
use super::context::check_merchant;
use super::ended::exit_after;
use super::progress::Progress;
use super::table::printable;
use super::{CliError, Context, Exit, Format, risks};
use crate::app::{App, AppError, Ending, RefreshEnd};
use crate::audit::Action;
use crate::clock::delta;
use crate::ids::{MerchantName, TokenId, UserKey};
use crate::keeper::{Run, Scope, Summary, TokenReport};
use crate::lifecycle::Shutdown;
use crate::store::{DueFilter, PlanFilter, StoreError, UndatedToken};
use crate::vault::DueDates as _;

/// How many rows one query reads.
const PAGE: u32 = 1000;

/// Options of `refresh`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show what is due and since when; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Only this merchant's tokens
    #[arg(long)]
    merchant: Option<MerchantName>,
    /// Also refresh tokens that become due within this time
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "0s")]
    within: Duration,
    /// At most this many tokens
    #[arg(long)]
    limit: Option<u64>,
    /// Run even while another process is sweeping; no token is refreshed twice
    #[arg(long)]
    force: bool,
    /// Start although this machine is new and the last process on the database did not stop in
    /// order
    ///
    /// Only if it is the same database, not a restored backup, and the old machine is gone for
    /// good: what lay in its spool is lost. Without effect in an instance folder that was used
    /// before.
    #[arg(long)]
    new_machine: bool,
}

fn failed(error: StoreError) -> CliError {
    CliError::failed("refresh tokens", error)
}

/// Prints the sums of a sweep, and returns the command's exit code. `broken`: why its lines could
/// not be printed.
fn exit_of(context: &Context, ended: RefreshEnd, broken: Option<CliError>) -> Result<Exit, CliError> {
    match ended.run {
        None => Ok(Exit::of(ended.ending)),
        Some(Ok(Run::Swept(summary))) => {
            context.output.print(&summary, &summary).and(broken.map_or(Ok(()), Err))?;
            Ok(match Exit::of(ended.ending) {
                Exit::Done if !summary.all_well() => Exit::SomeFailed,
                exit => exit,
            })
        }
        Some(Ok(Run::Elsewhere(who))) => {
            let who = who.map(|who| format!(" ({})", printable(&who))).unwrap_or_default();
            let because = format!("another process is sweeping{who}; wait for it to end, or use --force");
            Err(CliError::failed("refresh tokens", because))
        }
        Some(Err(error)) => Err(failed(error)),
    }
}

impl Args {
    pub(super) fn audited(&self) -> Audited {
        let of = if self.dry_run { Action::TokensList } else { Action::TokensRefresh };
        Audited::new(of).merchant(self.merchant.clone())
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut ending = Ending::default();
        let exit = context.block_on(async {
            let shutdown = Shutdown::install().map_err(|error| CliError::failed("handle signals", error))?;
            let app = if self.dry_run { context.app_to_read().await? } else { context.app().await? };
            let app = App { new_machine: self.new_machine, ..app };
            risks::warn(&app.settings)?;
            if let Some(merchant) = &self.merchant {
                check_merchant(&app, merchant)?;
            }
            if self.dry_run {
                return self.dry_run(context, &app).await;
            }
            self.sweep(context, &app, &shutdown, &mut ending).await
        });
        exit_after(context, exit, ending)
    }

    /// Sweeps. `ending` becomes how the process ended, if it began.
    async fn sweep(
        &self,
        context: &Context,
        app: &App,
        shutdown: &Shutdown,
        ending: &mut Ending,
    ) -> Result<Exit, CliError> {
        let due = app.store.time().await.map(|now| now + delta(self.within));
        let due = app.store.count_due(due.map_err(failed)?).await.map_err(failed)?;
        let total = due.min(self.limit.unwrap_or(u64::MAX));
        let progress = Progress::new(&context.output, Some(total));
        let mut telling = ProgressReport {
            context,
            progress: &progress,
            begun: Instant::now(),
            done: 0,
            total,
            broken: None,
        };
        let scope = Scope {
            within: self.within,
            merchant: self.merchant.clone(),
            limit: self.limit,
            force: self.force,
            ..Scope::default()
        };
        let (stop, stopping) = watch::channel(false);
        let outdated = OnceLock::new();
        let cut = async {
            tokio::select! {
                () = shutdown.soft() => {}
                // Set once.
                error = app.outdated() => drop(outdated.set(error)),
            }
            stop.send_replace(true);
            shutdown.hard().await;
        };
        let on_token = &mut |report: &TokenReport, summary: &Summary| telling.hear(report, summary);
        let ended = app.refresh(&scope, stopping, cut, on_token).await?;
        *ending = ended.ending;
        let broken = telling.broken.take();
        drop(progress);
        if let Some(Err(_)) = &ended.run
            && let Err(newer @ StoreError::NeedsNewerProgram { .. }) = app.store.health().await
        {
            // A migration may be the reason, even if this process has not noticed it yet.
            let _ = outdated.set(newer);
        }
        let exit = exit_of(context, ended, broken);
        outdated.into_inner().map_or(exit, |error| Err(AppError::from(error).into()))
    }

    /// Lists the due tokens: first those without a due date, then the others in the order in which
    /// a sweep presents them.
    async fn dry_run(&self, context: &Context, app: &App) -> Result<Exit, CliError> {
        let failed = |error: StoreError| CliError::failed("list what is due", error);
        let by = app.store.time().await.map_err(failed)? + delta(self.within);
        let limit = self.limit.unwrap_or(u64::MAX);
        context.audit_read().await?;
        let mut listed = self.look_at_undated(context, app, by, limit).await?;
        let mut filter =
            DueFilter { by, merchant: self.merchant.clone(), except: Vec::new(), after: None, limit: PAGE };
        while listed < limit {
            let page = app.store.due_tokens(&filter).await.map_err(failed)?;
            for token in page.tokens.iter().take(usize::try_from(limit - listed).unwrap_or(usize::MAX)) {
                let line = Line::new(token, None);
                context.output.print(&line, &line)?;
                listed += 1;
            }
            if page.next.is_none() {
                break;
            }
            filter.after = page.next;
        }
        if context.output.format() == Format::Human {
            context.output.print(format!("{listed} tokens are due; nothing was changed"), &())?;
        }
        Ok(Exit::Done)
    }

    async fn look_at_undated(
        &self,
        context: &Context,
        app: &App,
        by: DateTime<Utc>,
        limit: u64,
    ) -> Result<u64, CliError> {
        let (due, mut after, mut listed) = (app.due(), TokenId::START, 0);
        loop {
            let page = app.store.plannable_tokens(PlanFilter::Undated, after, PAGE).await;
            let page = page.map_err(|error| CliError::failed("list what is due", error))?;
            let Some(last) = page.last() else { return Ok(listed) };
            after = last.version.token;
            let ours = |token: &&UndatedToken| {
                self.merchant.as_ref().is_none_or(|name| *name == token.owner.merchant)
            };
            for token in page.iter().filter(ours) {
                let due_at = due.due_at(&token.owner, token.expires_at);
                if due_at > by {
                    continue;
                }
                if listed == limit {
                    return Ok(listed);
                }
                let UserKey { merchant, user } = &token.owner;
                let line =
                    Line { merchant, user, due_at, expires_at: token.expires_at, failures: 0, result: None };
                context.output.print(&line, &line)?;
                listed += 1;
            }
        }
    }
}
