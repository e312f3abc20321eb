//! `pause`, `resume` and `pauses`

use std::fmt::{self, Display};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::audited::{self, Audited};
use super::context::check_merchant;
use super::table::printable;
use super::views::{or_dash, time};
use super::{CliError, Context, Exit, Table, confirm};
use crate::api::Pause;
use crate::app::App;
use crate::audit::Action;
use crate::clock::delta;
use crate::ids::MerchantName;
use crate::pauses::{self, PauseKind, check_reason};
use crate::store::NewPause;

/// The most queued orders of a merchant that are looked at, those that are due first.
const LOOKED_AT: u32 = 10_000;

/// Whose work.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct MerchantArgs {
    /// The merchant
    #[arg(long)]
    merchant: Option<MerchantName>,
    /// All merchants, those that are added later included
    #[arg(long)]
    all_merchants: bool,
}

/// Options of `pause`.
#[derive(Debug, clap::Args)]
pub(super) struct PauseArgs {
    /// What to pause; several with commas
    #[arg(value_enum, value_name = "KIND", value_delimiter = ',', required = true)]
    kinds: Vec<PauseKind>,
    #[command(flatten)]
    merchants: MerchantArgs,
    /// How long, such as 10m or 2h; without it, until `resume`
    #[arg(long = "for", value_name = "DURATION", value_parser = pauses::duration)]
    lasts: Option<Duration>,
    /// Why, for everybody who finds it paused
    #[arg(long)]
    reason: String,
}

/// Options of `resume`.
#[derive(Debug, clap::Args)]
pub(super) struct ResumeArgs {
    /// What to resume; several with commas. Without it, everything that is paused
    #[arg(value_enum, value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<PauseKind>,
    #[command(flatten)]
    merchants: MerchantArgs,
    /// Do not ask before orders that are past their deadline fail
    #[arg(long)]
    yes: bool,
}

impl MerchantArgs {
    /// The merchant; `None`: all merchants.
    fn merchant(&self) -> Option<&MerchantName> {
        self.merchant.as_ref().filter(|_| !self.all_merchants)
    }
}

fn words(kinds: &[PauseKind]) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

impl PauseArgs {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Audited {
        let lasts = self.lasts.map(|lasts| format!(" for {}", humantime::format_duration(lasts)));
        let object = format!("{}{}: {}", words(&self.kinds), lasts.unwrap_or_default(), self.reason);
        Audited::new(Action::Pause).merchant(self.merchants.merchant().cloned()).object(object)
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self { kinds, merchants, lasts, reason } = self;
        let merchant = merchants.merchant();
        check_reason(&reason).map_err(|wrong| CliError::Usage(format!("--reason: {wrong}")))?;
        let paused_by = audited::actor(context.environment().get("SUDO_USER")).to_string();
        context.block_on(async {
            let app = context.app().await?;
            if let Some(merchant) = merchant {
                check_merchant(&app, merchant)?;
            }
            if let (true, Some(lasts)) = (kinds.contains(&PauseKind::Orders), lasts)
                && let Some(until) = app.clock.now().checked_add_signed(delta(lasts))
                && let Some(overdue) = overdue(&app, merchant, until).await?
            {
                let by = "by the end of the pause, and then each of them fails with deadline_exceeded";
                context.output.hint(format!("{overdue} past the deadline {by}"));
            }
            for kind in kinds {
                let new = NewPause {
                    merchant: merchant.cloned(),
                    kind,
                    reason: reason.clone(),
                    paused_by: paused_by.clone(),
                    lasts,
                };
                let paused = app.store.pause(&new).await;
                let paused =
                    paused.map_err(|error| CliError::failed(format!("pause the {}", kind.named()), error))?;
                let human =
                    format!("The {} of {} are paused {}", kind.named(), describe(merchant), end(&paused));
                context.output.print(human, &Pause::from(paused))?;
            }
            Ok(Exit::Done)
        })
    }
}

impl ResumeArgs {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Audited {
        Audited::new(Action::Resume).merchant(self.merchants.merchant().cloned()).object(words(&self.kinds()))
    }

    fn kinds(&self) -> Vec<PauseKind> {
        if self.kinds.is_empty() { PauseKind::ALL.into() } else { self.kinds.clone() }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let kinds = self.kinds();
        let merchant = self.merchants.merchant();
        context.block_on(async {
            let app = context.app().await?;
            let paused = app.store.pauses().await.map_err(|error| CliError::failed("list pauses", error))?;
            let orders_of = |of: Option<&MerchantName>| {
                paused.iter().any(|pause| pause.kind == PauseKind::Orders && pause.merchant.as_ref() == of)
            };
            // A pause of all merchants goes on to hold those of each.
            let lets_go = orders_of(merchant) && (merchant.is_none() || !orders_of(None));
            let overdue = if kinds.contains(&PauseKind::Orders) && lets_go {
                overdue(&app, merchant, app.clock.now()).await?
            } else {
                None
            };
            if let Some(overdue) = &overdue {
                let fail = format!(
                    "{overdue} past the deadline. When the orders of {} are resumed, this lets each of them fail with \
                     deadline_exceeded",
                    describe(merchant)
                );
                confirm::ask(self.yes, "resume them", format!("{fail}. Resume them?"))?;
                context.output.hint(fail);
            }
            for &kind in &kinds {
                let doing = |error| CliError::failed(format!("resume the {}", kind.named()), error);
                let resumed = app.store.resume(merchant, kind).await.map_err(doing)?;
                let done = if resumed { "are resumed" } else { "were not paused" };
                let human = format!("The {} of {} {done}", kind.named(), describe(merchant));
                let mut json = json!({ "merchant": merchant, "kind": kind, "resumed": resumed });
                if let Some(Overdue { orders, .. }) = overdue.as_ref().filter(|_| kind == PauseKind::Orders) {
                    json["past_deadline"] = json!(orders);
                }
                context.output.print(human, &json)?;
            }
            let left = app.store.pauses().await.map_err(|error| CliError::failed("list pauses", error))?;
            for pause in left.iter().filter(|pause| pause.merchant.is_none() && merchant.is_some()) {
                if kinds.contains(&pause.kind) {
                    let kind = pause.kind.as_str();
                    context.output.hint(format!(
                        "The {} of all merchants are paused. To end that: resume {kind} --all-merchants",
                        pause.kind.named()
                    ));
                }
            }
            Ok(Exit::Done)
        })
    }
}

/// Orders that are past their deadline.
struct Overdue {
    orders: u64,
    /// Whether there may be more.
    more: bool,
}

impl Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, more } = self;
        match (orders, more) {
            (1, false) => f.write_str("1 queued order is"),
            (_, false) => write!(f, "{orders} queued orders are"),
            (_, true) => write!(f, "At least {orders} queued orders are"),
        }
    }
}

/// Counts the queued orders of a merchant, or of all merchants, whose deadline lies before a time;
/// `None` if there is none.
async fn overdue(
    app: &App,
    merchant: Option<&MerchantName>,
    before: DateTime<Utc>,
) -> Result<Option<Overdue>, CliError> {
    let failed = |error| CliError::failed("count the orders past their deadline", error);
    let (mut orders, mut more) = (0, false);
    for of in app.store.deadlines(merchant, &[before], LOOKED_AT).await.map_err(failed)? {
        orders += of.before.first().copied().unwrap_or_default();
        more |= of.more;
    }
    Ok((orders > 0).then_some(Overdue { orders, more }))
}

/// Lists the pauses.
pub(super) fn list(context: &Context) -> Result<Exit, CliError> {
    context.block_on(async {
        let pauses = context.app_to_read().await?.store.pauses().await;
        let pauses = pauses.map_err(|error| CliError::failed("list pauses", error))?;
        let pauses: Vec<Pause> = pauses.into_iter().map(Pause::from).collect();
        context.output.table(&pauses, table)?;
        Ok(Exit::Done)
    })
}

fn table(pauses: &[Pause]) -> Table {
    let mut table = Table::new(["merchant", "kind", "since", "until", "by", "reason"]);
    for pause in pauses {
        table.row([
            pause.merchant.clone().unwrap_or_else(|| "(all merchants)".to_owned()),
            pause.kind.as_str().to_owned(),
            time(pause.since),
            or_dash(pause.until.map(time)),
            pause.paused_by.clone(),
            pause.reason.clone(),
        ]);
    }
    table
}

fn describe(merchant: Option<&MerchantName>) -> String {
    merchant.map_or_else(|| "all merchants".to_owned(), |name| printable(name.as_str()))
}

fn end(pause: &pauses::Pause) -> String {
    pause.until.map_or_else(|| "until they are resumed".to_owned(), |until| format!("until {}", time(until)))
}
