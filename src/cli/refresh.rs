//! `refresh`: one run of the keeper.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::watch;

use super::audited::Audited;
use super::context::check_merchant;
use super::ended::exit_after;
use super::progress::Progress;
use super::table::printable;
use super::views::time;
use super::{CliError, Context, Exit, Format, risks};
use crate::app::{App, AppError, Ending, RefreshEnd};
use crate::audit::Action;
use crate::clock::delta;
use crate::ids::{MerchantName, TokenId, UserId, UserKey};
use crate::keeper::{RefreshOutcome, Run, Scope, Summary, TokenReport};
use crate::lifecycle::Shutdown;
use crate::store::{DueFilter, DueToken, PlanFilter, StoreError, UndatedToken};
use crate::vault::DueDates as _;

/// How many rows one query reads.
const PAGE: u32 = 1000;
/// Without a visible bar, a line is printed after this many tokens.
const LINE_EVERY: u64 = 1000;

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
    /// Start although this machine is new and the last process on the database did not stop in order
    ///
    /// Only if it is the same database, not a restored backup, and the old machine is gone for good: what
    /// lay in its spool is lost. Without effect in an instance folder that was used before.
    #[arg(long)]
    new_machine: bool,
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
                return self.look(context, &app).await;
            }
            let (exit, ended) = self.sweep(context, &app, &shutdown).await?;
            ending = ended;
            exit
        });
        exit_after(context, exit, ending)
    }

    /// Sweeps. The outer error is for what went wrong before the process began.
    async fn sweep(
        &self,
        context: &Context,
        app: &App,
        shutdown: &Shutdown,
    ) -> Result<(Result<Exit, CliError>, Ending), CliError> {
        let failed = |error| CliError::failed("refresh tokens", error);
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
        let told = &mut |told: &TokenReport, summary: &Summary| telling.hear(told, summary);
        let RefreshEnd { run, ending } = app.refresh(&scope, stopping, cut, told).await?;
        let broken = telling.broken.take();
        drop(progress);
        let exit = match run {
            None => Ok(Exit::of(ending)),
            Some(Ok(Run::Swept(summary))) => {
                let printed = context.output.print(&summary, &summary).and(broken.map_or(Ok(()), Err));
                printed.map(|()| match Exit::of(ending) {
                    Exit::Done if !summary.all_well() => Exit::SomeFailed,
                    exit => exit,
                })
            }
            Some(Ok(Run::Elsewhere(who))) => {
                let who = who.map(|who| format!(" ({})", printable(&who))).unwrap_or_default();
                let because = format!("another process is sweeping{who}; wait for it to end, or use --force");
                Err(CliError::failed("refresh tokens", because))
            }
            Some(Err(error)) => {
                // A migration may be the reason, even if this process has not noticed it yet.
                if let Err(newer @ StoreError::NeedsNewerProgram { .. }) = app.store.health().await {
                    let _ = outdated.set(newer);
                }
                Err(failed(error))
            }
        };
        let exit = match outdated.into_inner() {
            Some(error) => Err(AppError::from(error).into()),
            None => exit,
        };
        Ok((exit, ending))
    }

    /// Lists the due tokens: first those without a due date, then the others in the order in which
    /// a sweep presents them.
    async fn look(&self, context: &Context, app: &App) -> Result<Exit, CliError> {
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

/// A token as it is printed.
#[derive(Serialize)]
struct Line<'a> {
    merchant: &'a MerchantName,
    user: &'a UserId,
    due_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<RefreshOutcome>,
}

impl<'a> Line<'a> {
    fn new(token: &'a DueToken, result: Option<RefreshOutcome>) -> Self {
        let DueToken { merchant, user, due_at, expires_at, failures, .. } = token;
        Self { merchant, user, due_at: *due_at, expires_at: *expires_at, failures: *failures, result }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (merchant, user) = (printable(self.merchant.as_str()), printable(self.user.as_str()));
        match self.result {
            None => {
                write!(
                    f,
                    "{merchant}  {user}  due {}  expires {}",
                    time(self.due_at),
                    time(self.expires_at)
                )?;
                if self.failures > 0 {
                    write!(f, "  after {} failures", self.failures)?;
                }
                Ok(())
            }
            Some(RefreshOutcome::NeedsSignIn) => write!(f, "{merchant}  {user}  must sign in again"),
            Some(RefreshOutcome::Failed(note)) => {
                write!(f, "{merchant}  {user}  not refreshed: {}", reason(note.as_str()))
            }
            Some(_) => write!(f, "{merchant}  {user}"),
        }
    }
}

/// Why a token could not be refreshed, in words.
fn reason(note: &str) -> &str {
    match note {
        "not_sent" => "the token endpoint could not be reached",
        "refused" => "the token endpoint refused the request",
        "no_answer" => "no answer came, so it is unknown whether the token was used",
        "unavailable" => "the token cannot be decrypted, or needs an operator's decision",
        other => other,
    }
}

/// Shows the progress: a bar on a terminal, lines elsewhere.
struct ProgressReport<'a> {
    context: &'a Context,
    progress: &'a Progress,
    begun: Instant,
    done: u64,
    total: u64,
    /// Set when standard output cannot be written. The sweep continues.
    broken: Option<CliError>,
}

impl ProgressReport<'_> {
    fn hear(&mut self, told: &TokenReport, _: &Summary) {
        self.done += 1;
        if matches!(told.outcome, RefreshOutcome::Failed(_) | RefreshOutcome::NeedsSignIn) {
            let line = Line::new(&told.token, Some(told.outcome));
            self.print(&line, &line);
        }
        let pace = SweepProgress::new(self.done, self.total, self.begun.elapsed());
        if self.progress.is_hidden() && self.done.is_multiple_of(LINE_EVERY) {
            self.print(&pace, &pace);
        }
        self.progress.at(self.done, pace.to_string());
    }

    fn print(&mut self, human: impl fmt::Display, json: &impl Serialize) {
        if self.broken.is_none() {
            self.broken = self.progress.aside(|| self.context.output.print(human, json)).err();
        }
    }
}

/// How many tokens are done, how fast, and how long the rest will take.
#[derive(Debug, PartialEq, Serialize)]
struct SweepProgress {
    done: u64,
    due: u64,
    per_second: f64,
    left_seconds: u64,
}

impl SweepProgress {
    fn new(done: u64, due: u64, elapsed: Duration) -> Self {
        let done_exactly = f64::from(u32::try_from(done).unwrap_or(u32::MAX));
        let per_second = done_exactly / elapsed.as_secs_f64().max(0.001);
        let due = due.max(done);
        let left = f64::from(u32::try_from(due - done).unwrap_or(u32::MAX)) / per_second;
        Self {
            done,
            due,
            per_second,
            left_seconds: Duration::try_from_secs_f64(left).unwrap_or_default().as_secs(),
        }
    }
}

impl fmt::Display for SweepProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = humantime::format_duration(Duration::from_secs(self.left_seconds));
        write!(f, "{} of {} tokens, {:.1}/s, {left} left", self.done, self.due, self.per_second)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            refreshed,
            already_fresh,
            needs_sign_in,
            failed,
            in_use,
            breaker_open,
            paused,
            unknown_merchant,
            idle,
            forgotten,
            ..
        } = self;
        write!(
            f,
            "{refreshed} refreshed, {already_fresh} already fresh, {needs_sign_in} need a new sign-in"
        )?;
        for (note, tokens) in failed {
            write!(f, "\n{tokens} not refreshed: {}", reason(note))?;
        }
        let more = [
            (breaker_open, "not refreshed: the circuit breaker of the merchant's token endpoint is open"),
            (paused, "not refreshed: an operator has paused their merchant (see `pauses`)"),
            (unknown_merchant, "skipped: their merchant is not in the settings"),
            (in_use, "skipped: another exchange uses them"),
            (idle, "not refreshed on purpose: their users have not been seen for keeper.stop_after_idle"),
            (forgotten, "forgotten: their users have not been seen for keeper.forget_after_idle"),
        ];
        for (tokens, what) in more.into_iter().filter(|(tokens, _)| **tokens > 0) {
            write!(f, "\n{tokens} {what}")?;
        }
        if self.interrupted {
            f.write_str("\nInterrupted: the remaining tokens stay due")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_tells_what_is_left() {
        let pace = SweepProgress::new(50, 300, Duration::from_secs(10));
        assert_eq!(pace.to_string(), "50 of 300 tokens, 5.0/s, 50s left");
        assert_eq!(
            SweepProgress::new(7, 3, Duration::from_secs(1)).to_string(),
            "7 of 7 tokens, 7.0/s, 0s left"
        );
    }

    #[test]
    fn only_what_an_operator_can_mend_is_a_failure() {
        let well = Summary { refreshed: 3, needs_sign_in: 2, in_use: 1, idle: 1, ..Summary::default() };
        assert!(well.all_well());
        let failed = Summary { failed: [("refused", 1)].into(), ..well.clone() };
        assert!(!failed.all_well() && !Summary { breaker_open: 1, ..well }.all_well());
        assert!(failed.to_string().ends_with(
            "1 not refreshed on purpose: their users have not been seen for \
            keeper.stop_after_idle"
        ));
        assert!(failed.to_string().contains("\n1 not refreshed: the token endpoint refused the request\n"));
    }
}
