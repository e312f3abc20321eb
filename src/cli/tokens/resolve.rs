//! `tokens resolve`

use std::time::Duration;

use serde_json::json;

use super::NO_TOKEN;
use crate::api::Token;
use crate::app::App;
use crate::audit::Action;
use crate::cli::audited::Audited;
use crate::cli::context::check_merchant;
use crate::cli::progress::Progress;
use crate::cli::user_args::UserArgs;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::ids::{MerchantName, TokenId, UserId, UserKey};
use crate::store::{Doubtful, RejectedTokens, StoreError};
use crate::token::{Resolution, Resolved};
use crate::when::When;

/// How many tokens one transaction changes, so that other writers do not wait long.
const BATCH: u32 = 500;
/// The pause between two transactions, in which the service can write.
const BREATH: Duration = Duration::from_millis(5);

/// Options of `tokens resolve`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Args {
    /// The merchant's name in the settings
    #[arg(required_unless_present_any = ["all", "rejected"], requires = "user",
        conflicts_with_all = ["all", "rejected"])]
    merchant: Option<MerchantName>,
    /// The shop's name for the user
    #[arg(required_unless_present_any = ["all", "rejected"])]
    user: Option<UserId>,
    #[command(flatten)]
    decision: Decision,
    /// Decide about every uncertain token that the filters match, in small transactions
    #[arg(long)]
    all: bool,
    /// With --retry: make every rejected token active again that the filters match, for example
    /// after wrong settings had them all rejected
    #[arg(long, conflicts_with_all = ["all", "before", "present", "dead"])]
    rejected: bool,
    /// With --rejected: only tokens that were rejected at this time or later, such as
    /// 2026-01-31T12:00:00Z, or this long ago, such as 2h
    #[arg(long, value_name = "WHEN", value_parser = When::parse, requires = "rejected")]
    since: Option<When>,
    /// With --all or --rejected: only this merchant's tokens
    #[arg(long = "merchant", value_name = "MERCHANT", conflicts_with = "merchant")]
    only: Option<MerchantName>,
    /// With --all: only tokens that became uncertain before this time, such as
    /// 2026-01-31T12:00:00Z, or this long ago, such as 2h
    #[arg(long, value_name = "WHEN", value_parser = When::parse, conflicts_with = "merchant")]
    before: Option<When>,
    /// Only count the tokens; change nothing
    #[arg(long, conflicts_with = "merchant")]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, conflicts_with = "merchant")]
    yes: bool,
    /// Decide although refresh tokens wait in the spool of this machine, or files in that of
    /// another process
    #[arg(long)]
    ignore_spool: bool,
}

/// The decision: exactly one of these.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Decision {
    /// Make it active again; the user's next order uses it, or the keeper at its usual date
    #[arg(long)]
    retry: bool,
    /// Make it active and due now; the keeper's next sweep uses it, at `keeper.rate_per_second`
    #[arg(long)]
    present: bool,
    /// Never use it again; the shopper has to sign in
    #[arg(long)]
    dead: bool,
}

impl Args {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Audited {
        let audited = Audited::new(Action::TokenResolve);
        match (&self.merchant, &self.user) {
            (Some(merchant), Some(user)) => {
                audited.about(UserKey { merchant: merchant.clone(), user: user.clone() })
            }
            _ => audited.merchant(self.only.clone()).object("by filters"),
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self {
            merchant, user, decision, rejected, since, only, before, dry_run, yes, ignore_spool, ..
        } = self;
        let resolution = decision.resolution();
        context.block_on(async {
            let app = context.app().await?;
            if !ignore_spool && !dry_run {
                nothing_waits(&app).await?;
            }
            if let (Some(merchant), Some(user)) = (merchant, user) {
                return one(context, &app, &UserArgs { merchant, user }, resolution).await;
            }
            if rejected {
                let which =
                    RejectedTokens { merchant: only, since: since.map(|when| when.by(app.clock.now())) };
                return retry(context, &app, &which, Consent { dry_run, yes }).await;
            }
            let which = Doubtful { merchant: only, before: before.map(|when| when.by(app.clock.now())) };
            all(context, &app, &which, resolution, Consent { dry_run, yes }).await
        })
    }
}

impl Decision {
    fn resolution(&self) -> Resolution {
        match self {
            Self { retry: true, .. } => Resolution::Retry,
            Self { present: true, .. } => Resolution::Present,
            _ => Resolution::Dead,
        }
    }
}

/// Refuses while this machine's spool has refresh tokens, or another process told of files in its
/// spool: one may be the successor of the token in question, which would be presented although it
/// is spent.
async fn nothing_waits(app: &App) -> Result<(), CliError> {
    match app.successors_waiting() {
        0 => nothing_waits_elsewhere(app).await,
        waiting => {
            let because = format!(
                "{waiting} refresh {} in the spool of this machine ({}/spool) and may be the successor of \
                 such a token; start the service, so that it stores what waits, then run this again, or use \
                 --ignore-spool",
                if waiting == 1 { "token waits" } else { "tokens wait" },
                app.settings.vault.instance_dir.display()
            );
            Err(CliError::failed("resolve tokens", because))
        }
    }
}

/// A process that is lost may have told it, too. A service in this machine's folder tells of
/// results as well.
async fn nothing_waits_elsewhere(app: &App) -> Result<(), CliError> {
    let told = app.store.workers(app.settings.queue.worker_lost_after).await;
    let workers = told.map_err(|error| CliError::failed("resolve tokens", error))?;
    let with = workers.iter().filter(|worker| worker.facts.spool_files > 0);
    let names: Vec<&str> = with.map(|worker| worker.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let because = format!(
        "files wait in the spool of {} and may hold the successor of such a token; wait until the database has stored \
         them, or start the process there again, then run this again, or use --ignore-spool",
        names.join(", ")
    );
    Err(CliError::failed("resolve tokens", because))
}

async fn one(
    context: &Context,
    app: &App,
    user: &UserArgs,
    resolution: Resolution,
) -> Result<Exit, CliError> {
    let doing = format!("resolve the token of {user}");
    let resolved = app.registry().resolve(&user.key(), resolution).await;
    match resolved.map_err(|error| CliError::failed(&doing, error))? {
        Resolved::Done(token) => {
            let human = match resolution {
                Resolution::Retry => "The token is active. The user's next order uses it once more.",
                Resolution::Present => "The token is active and due. The keeper uses it once more.",
                Resolution::Dead => "The token will not be used again. The shopper has to sign in.",
            };
            context.output.print(human, &Token::from(token))?;
            Ok(Exit::Done)
        }
        Resolved::NotUncertain(token) => {
            let state = token.state.as_str();
            Err(CliError::failed(doing, format!("it is {state}; only an uncertain token needs a decision")))
        }
        Resolved::Missing => Err(CliError::failed(doing, NO_TOKEN)),
    }
}

/// Whether anything is changed, and whether a question comes first.
struct Consent {
    dry_run: bool,
    yes: bool,
}

async fn all(
    context: &Context,
    app: &App,
    which: &Doubtful,
    resolution: Resolution,
    Consent { dry_run, yes }: Consent,
) -> Result<Exit, CliError> {
    let failed = |error: StoreError| {
        CliError::failed("resolve uncertain tokens; when the cause is fixed, run the command again", error)
    };
    let found = app.store.count_uncertain(which).await.map_err(failed)?;
    if let (0, Some(merchant)) = (found, &which.merchant) {
        check_merchant(app, merchant)?;
    }
    if dry_run {
        let human = format!("{} would be resolved; nothing was changed", tokens(found));
        context.output.print(human, &json!({ "resolved": 0, "left": found }))?;
        return Ok(Exit::Done);
    }
    if found > 0 {
        let (doing, question) = asked(resolution, found);
        confirm::ask(yes, &doing, question)?;
    }
    let progress = Progress::new(&context.output, Some(found));
    let (mut done, mut last) = (0, TokenId::START);
    while let Some((count, id)) =
        app.store.resolve_tokens(which, resolution, last, BATCH).await.map_err(failed)?
    {
        (done, last) = (done + count, id);
        progress.at(done, format!("{done} resolved"));
        tokio::time::sleep(BREATH).await;
    }
    drop(progress);
    let left = app.store.count_uncertain(which).await.map_err(failed)?;
    context.output.print(
        describe(resolution, done, app.settings.keeper.rate_per_second),
        &json!({ "resolved": done, "left": left }),
    )?;
    Ok(Exit::Done)
}

/// Makes rejected tokens active again, and has the next one presented at once.
async fn retry(
    context: &Context,
    app: &App,
    which: &RejectedTokens,
    Consent { dry_run, yes }: Consent,
) -> Result<Exit, CliError> {
    let failed = |error: StoreError| {
        CliError::failed("resolve rejected tokens; when the cause is fixed, run the command again", error)
    };
    if let Some(merchant) = &which.merchant {
        check_merchant(app, merchant)?;
    }
    let found = app.store.count_rejected(which).await.map_err(failed)?;
    if dry_run {
        let human = format!("{} would be resolved; nothing was changed", tokens(found));
        context.output.print(human, &json!({ "resolved": 0, "left": found }))?;
        return Ok(Exit::Done);
    }
    if found > 0 {
        let rejected = format!("{found} rejected {}", if found == 1 { "token" } else { "tokens" });
        confirm::ask(
            yes,
            &format!("make {rejected} active again"),
            format!("Make {rejected} active again?"),
        )?;
    }
    let progress = Progress::new(&context.output, Some(found));
    let (mut done, mut last) = (0, TokenId::START);
    while let Some((count, id)) = app.store.retry_rejected(which, last, BATCH).await.map_err(failed)? {
        (done, last) = (done + count, id);
        progress.at(done, format!("{done} resolved"));
        tokio::time::sleep(BREATH).await;
    }
    drop(progress);
    app.store.probe_now(which.merchant.as_ref()).await.map_err(failed)?;
    let left = app.store.count_rejected(which).await.map_err(failed)?;
    context
        .output
        .print(describe(Resolution::Retry, done, 1.0), &json!({ "resolved": done, "left": left }))?;
    Ok(Exit::Done)
}

/// Returns what is to be done, and the question to confirm it.
fn asked(resolution: Resolution, found: u64) -> (String, String) {
    let found = format!("{} uncertain {}", found, if found == 1 { "token" } else { "tokens" });
    match resolution {
        Resolution::Retry => (format!("make {found} active again"), format!("Make {found} active again?")),
        Resolution::Present => (
            format!("let the keeper use {found} once more"),
            format!("Let the keeper use {found} once more?"),
        ),
        Resolution::Dead => (
            format!("give up {found}"),
            format!("Give up {found}? Their users have to sign in again. This cannot be undone."),
        ),
    }
}

fn describe(resolution: Resolution, done: u64, rate_per_second: f64) -> String {
    let tokens = tokens(done);
    match resolution {
        Resolution::Retry => {
            format!("{tokens} resolved: active again; their users' next orders use them once more")
        }
        Resolution::Present => {
            let seconds = f64::from(u32::try_from(done).unwrap_or(u32::MAX)) / rate_per_second;
            let seconds = Duration::try_from_secs_f64(seconds.ceil()).unwrap_or_default();
            let took = humantime::format_duration(seconds);
            format!(
                "{tokens} resolved: active again and due; at keeper.rate_per_second the keeper needs {took}"
            )
        }
        Resolution::Dead => format!("{tokens} resolved: not used again; their shoppers have to sign in"),
    }
}

pub(super) fn tokens(count: u64) -> String {
    format!("{count} {}", if count == 1 { "token" } else { "tokens" })
}
