//! `orders retry`, `orders cancel` and `orders retry-follow-ups`

use std::collections::BTreeMap;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::order_selection::OrderSelection;
use super::risks;
use crate::api::Order;
use crate::app::App;
use crate::audit::Action;
use crate::cli::audited::Audited;
use crate::cli::progress::Progress;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::order::{FollowUpState, OrderId, Status};
use crate::store::{ChangedOrders, OrderAdminOutcome, OrderFilter, StoreError, Unchanged};

/// How many orders one transaction changes.
const CHUNK: u32 = 500;

/// Orders chosen by id or by filters.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct OrderChoice {
    /// The orders' ids
    #[arg(value_name = "ID", conflicts_with_all =
        ["status", "merchant", "user", "error", "follow_ups", "since", "until", "ended_since", "ended_until",
        "possible_duplicate", "all", "limit"])]
    orders: Vec<OrderId>,
    /// Only orders in this state; a retry changes failed orders alone, a cancel queued ones, and a
    /// retry of follow-ups submitted ones
    #[arg(long, value_parser = PossibleValuesParser::new(Status::ALL.map(Status::as_str))
        .try_map(|word| word.parse::<Status>()))]
    status: Option<Status>,
    #[command(flatten)]
    selection: OrderSelection,
    /// All orders, without any filter
    #[arg(long, conflicts_with_all =
        ["status", "merchant", "user", "error", "follow_ups", "since", "until", "ended_since", "ended_until",
        "possible_duplicate"])]
    all: bool,
    /// Look at no more than this many of the orders that match, newest first
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl OrderChoice {
    /// Returns what a change of these orders leaves in the audit log.
    pub(super) fn audited(&self, action: Action) -> Audited {
        let object = match &self.orders[..] {
            [] => "by filters".to_owned(),
            [order] => order.to_string(),
            orders => format!("{} orders", orders.len()),
        };
        Audited::new(action).object(object)
    }
}

/// The change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Retry,
    Cancel,
    RetryFollowUps,
}

/// What changed.
#[derive(Default)]
struct Changes {
    done: u64,
    /// Those of them that may be at Klarna twice.
    duplicates: u64,
    /// The orders that did not change, by why.
    left: BTreeMap<Unchanged, u64>,
}

impl Verb {
    /// The verb after "cannot".
    fn infinitive(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::RetryFollowUps => "retry the follow-ups of",
        }
    }

    /// The verb that begins a question.
    fn imperative(self) -> &'static str {
        match self {
            Self::Retry => "Retry",
            Self::Cancel => "Cancel",
            Self::RetryFollowUps => "Retry the follow-ups of",
        }
    }

    fn participle(self) -> &'static str {
        match self {
            Self::Retry | Self::RetryFollowUps => "retried",
            Self::Cancel => "cancelled",
        }
    }

    /// The status that an order must have.
    fn needs(self) -> Status {
        match self {
            Self::Retry => Status::Failed,
            Self::Cancel => Status::Queued,
            Self::RetryFollowUps => Status::Submitted,
        }
    }
}

/// A change and its orders.
pub(super) struct Change {
    pub(super) verb: Verb,
    pub(super) orders: OrderChoice,
}

impl Change {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        let Self { verb, orders: choice } = self;
        if choice.orders.is_empty() && choice.selection.is_all() && choice.status.is_none() && !choice.all {
            let wrong = "no orders named: give their ids, filter by --status, --merchant, --user, --error, \
                 --follow-ups, --ended-since, --ended-until, --since, --until or --possible-duplicate, or add --all";
            return Err(CliError::Usage(wrong.to_owned()));
        }
        if let Some(status) = choice.status.filter(|status| *status != verb.needs()) {
            let (verb, needs) = (verb.infinitive(), verb.needs());
            let wrong = format!("cannot {verb} {status} orders: write --status {needs}, or leave it out");
            return Err(CliError::Usage(wrong));
        }
        choice.selection.check(Some(verb.needs()))?;
        if verb == Verb::Cancel && !choice.orders.is_empty() {
            let what = these(choice.orders.len());
            let question = format!("Cancel {what}? It cannot be undone.");
            confirm::ask(choice.yes, &format!("cancel {what}"), question)?;
        }
        context.block_on(async {
            let app = context.app().await?;
            if verb == Verb::Retry && !choice.orders.is_empty() {
                let risks = risks::of_named(&app, &choice.orders).await?.join("\n");
                let what = these(choice.orders.len());
                if choice.yes && !risks.is_empty() {
                    context.output.hint(&risks);
                } else if !risks.is_empty() {
                    let question = format!("{risks}\nRetry {what}?");
                    confirm::ask(choice.yes, "retry what may be a duplicate or fail again", question)?;
                } else if choice.orders.len() > 1 {
                    confirm::ask(choice.yes, &format!("retry {what}"), format!("Retry {what}?"))?;
                }
            }
            if choice.orders.is_empty() {
                verb.by_filter(context, &app, &choice).await
            } else {
                verb.by_name(context, &app, &choice.orders).await
            }
        })
    }
}

fn these(count: usize) -> String {
    if count == 1 { "this order".to_owned() } else { format!("these {count} orders") }
}

impl Verb {
    async fn by_name(self, context: &Context, app: &App, orders: &[OrderId]) -> Result<Exit, CliError> {
        let mut changed = Vec::new();
        let done = self.each(context, app, orders, &mut changed).await;
        if orders.len() > 1 {
            // The command's own row names a single order. Those that were changed before an error
            // have rows too.
            context.audit_each(&changed).await;
        }
        done
    }

    /// Changes one order after the other. Those that were changed are added to `changed`.
    async fn each(
        self,
        context: &Context,
        app: &App,
        orders: &[OrderId],
        changed: &mut Vec<OrderId>,
    ) -> Result<Exit, CliError> {
        let mut exit = Exit::Done;
        for &id in orders {
            let doing = format!("{} the order {id}", self.infinitive());
            match self.one(app, id).await.map_err(|error| CliError::failed(&doing, error))? {
                Ok(order) => {
                    changed.push(id);
                    let order = Order::from(order);
                    let twice = self == Self::Retry && order.possible_duplicate;
                    let note = if twice { "  possible duplicate: Klarna may already have it" } else { "" };
                    context.output.print(format!("{}  {}{note}", order.id, order.status), &order)?;
                }
                Err(why) if orders.len() == 1 => return Err(CliError::failed(doing, why)),
                Err(why) => {
                    context
                        .output
                        .print(format!("{id}  {why}"), &json!({ "id": id, "error": why.to_string() }))?;
                    exit = Exit::SomeFailed;
                }
            }
        }
        Ok(exit)
    }

    async fn one(self, app: &App, order: OrderId) -> Result<OrderAdminOutcome, StoreError> {
        match self {
            Self::Retry => app.intake().retry(order).await,
            Self::Cancel => app.store.cancel_order(order).await,
            Self::RetryFollowUps => app.store.retry_follow_ups_of(order).await,
        }
    }

    async fn by_filter(self, context: &Context, app: &App, choice: &OrderChoice) -> Result<Exit, CliError> {
        let failed = |error: StoreError| self.failed(error);
        let mut filter = OrderFilter { status: Some(self.needs()), ..choice.selection.filter(&app.clock) };
        if self == Self::RetryFollowUps {
            filter.follow_ups.get_or_insert(FollowUpState::Failing);
        }
        let mut found = app.store.count_orders(&filter).await.map_err(failed)?;
        if self != Self::Retry {
            // Only a retry needs the body.
            found.with_body = found.orders;
        }
        let limit = choice.limit.map_or(u64::MAX, u64::from);
        let wanted = found.with_body.min(limit);
        let mut changes = Changes::default();
        if wanted > 0 {
            let is_part = wanted < found.with_body;
            self.confirm(context, app, choice.yes, &filter, wanted, is_part).await?;
            let to_see = found.orders.min(limit);
            changes = self.change_all(context, app, &filter, wanted, to_see).await.map_err(failed)?;
        } else if found.orders > 0 {
            changes.left.insert(Unchanged::BodyDeleted, found.orders);
        }
        self.report(context, &changes)
    }

    fn failed(self, error: StoreError) -> CliError {
        CliError::failed(format!("{} orders", self.infinitive()), error)
    }

    /// Returns a number of orders in words.
    fn count(self, orders: u64) -> String {
        format!("{orders} {} {}", self.needs(), if orders == 1 { "order" } else { "orders" })
    }

    /// Asks before so many orders are changed. `is_part`: more match, and are left as they are.
    async fn confirm(
        self,
        context: &Context,
        app: &App,
        yes: bool,
        filter: &OrderFilter,
        wanted: u64,
        is_part: bool,
    ) -> Result<(), CliError> {
        let mut question = format!("{} {}?", self.imperative(), self.count(wanted));
        if self == Self::Retry {
            let codes = app.store.orders_by_code(filter).await.map_err(|error| self.failed(error))?;
            let risks = risks::of_many(&codes).join("\n");
            if yes && !risks.is_empty() {
                context.output.hint(&risks);
            }
            let of = if is_part && !risks.is_empty() { "Of all that match:\n" } else { "" };
            let told = format!("{of}{risks}\n{question}");
            question = told.trim_start().into();
        }
        confirm::ask(yes, &format!("{} {}", self.infinitive(), self.count(wanted)), question)
    }

    /// Changes the orders of a filter, newest first, after looking at `to_see` of them at most.
    /// `wanted` of them are expected to change.
    async fn change_all(
        self,
        context: &Context,
        app: &App,
        filter: &OrderFilter,
        wanted: u64,
        mut to_see: u64,
    ) -> Result<Changes, StoreError> {
        let progress = Progress::new(&context.output, Some(wanted));
        let (mut changes, mut before) = (Changes::default(), None);
        while to_see > 0 {
            let limit = u32::try_from(to_see).unwrap_or(CHUNK).min(CHUNK);
            let ChangedOrders { orders, unchanged, next } =
                self.many(app, &OrderFilter { before, limit, ..filter.clone() }).await?;
            context.audit_each(&orders).await;
            changes.done += orders.len() as u64;
            if self == Self::Retry {
                let duplicates =
                    OrderFilter { ids: Some(orders), duplicates: Some(true), ..OrderFilter::default() };
                changes.duplicates += app.store.count_orders(&duplicates).await?.orders;
            }
            to_see -= u64::from(limit);
            for (why, orders) in unchanged {
                *changes.left.entry(why).or_insert(0) += orders;
            }
            progress.at(changes.done, format!("{} {}", changes.done, self.participle()));
            if next.is_none() {
                break;
            }
            before = next;
        }
        Ok(changes)
    }

    fn report(self, context: &Context, changes: &Changes) -> Result<Exit, CliError> {
        let Changes { done, duplicates, left } = changes;
        let of = if self == Self::RetryFollowUps { "follow-ups of " } else { "" };
        let (count, participle) = (self.count(*done), self.participle());
        let duplicates_told =
            if *duplicates > 0 { format!("; possible duplicates: {duplicates}") } else { String::new() };
        let human = format!("{of}{count} {participle}{duplicates_told}{}", why_left(left));
        let mut json = json!({ participle: done });
        if *duplicates > 0 {
            json["possible_duplicates"] = json!(duplicates);
        }
        if !left.is_empty() {
            json["unchanged"] = left.iter().map(|(why, orders)| (why.as_str(), *orders)).collect();
        }
        context.output.print(human, &json)?;
        Ok(Exit::Done)
    }

    async fn many(self, app: &App, filter: &OrderFilter) -> Result<ChangedOrders, StoreError> {
        match self {
            Self::Retry => app.intake().retry_all(filter).await,
            Self::Cancel => app.store.cancel_orders(filter).await,
            Self::RetryFollowUps => app.store.retry_follow_ups(filter).await,
        }
    }
}

/// Says how many orders were left as they are, and why.
fn why_left(left: &BTreeMap<Unchanged, u64>) -> String {
    let reasons = left.iter().map(|(why, orders)| match why {
        Unchanged::NotFound => format!("{orders} not found"),
        Unchanged::BodyDeleted => format!("{orders} without a body (retention.bodies)"),
        Unchanged::NoFollowUp => format!("{orders} without a failing follow-up by then"),
        Unchanged::Status(status) => format!("{orders} {status} by then"),
    });
    let reasons: Vec<String> = reasons.collect();
    if reasons.is_empty() { String::new() } else { format!("; not changed: {}", reasons.join(", ")) }
}
