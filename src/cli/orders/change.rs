//! `orders retry` and `orders cancel`

use serde_json::json;

use super::which::Which;
use crate::api::Order;
use crate::app::App;
use crate::audit::Action;
use crate::cli::audited::Audited;
use crate::cli::progress::Progress;
use crate::cli::{CliError, Context, Exit, confirm};
use crate::order::{OrderId, Status};
use crate::store::{ChangedOrders, OrderAdminOutcome, OrderFilter, StoreError};

/// How many orders one transaction changes.
const CHUNK: u32 = 500;

/// Orders chosen by id or by filters.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct OrderChoice {
    /// The orders' ids
    #[arg(value_name = "ID", conflicts_with_all = ["merchant", "user", "error", "since", "until", "all", "limit"])]
    orders: Vec<OrderId>,
    #[command(flatten)]
    which: Which,
    /// All orders, without any filter
    #[arg(long, conflicts_with_all = ["merchant", "user", "error", "since", "until"])]
    all: bool,
    /// At most this many of the orders that match, newest first
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
}

impl Verb {
    /// The verb after "cannot".
    fn infinitive(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
        }
    }

    fn participle(self) -> &'static str {
        match self {
            Self::Retry => "retried",
            Self::Cancel => "cancelled",
        }
    }

    /// The status that an order must have.
    fn needs(self) -> Status {
        match self {
            Self::Retry => Status::Failed,
            Self::Cancel => Status::Queued,
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
        if choice.orders.is_empty() && choice.which.is_all() && !choice.all {
            let wrong = "no orders named: give their ids, filter by --merchant, --user, --error, --since or --until, \
                 or add --all";
            return Err(CliError::Usage(wrong.to_owned()));
        }
        context.block_on(async {
            let app = context.app().await?;
            if choice.orders.is_empty() {
                verb.by_filter(context, &app, &choice).await
            } else {
                verb.by_name(context, &app, &choice.orders).await
            }
        })
    }
}

impl Verb {
    async fn by_name(self, context: &Context, app: &App, orders: &[OrderId]) -> Result<Exit, CliError> {
        let mut exit = Exit::Done;
        for &order in orders {
            let doing = format!("{} the order {order}", self.infinitive());
            match self.one(app, order).await.map_err(|error| CliError::failed(&doing, error))? {
                Ok(order) => {
                    let order = Order::from(order);
                    context.output.print(format!("{}  {}", order.id, order.status), &order)?;
                }
                Err(why) if orders.len() == 1 => return Err(CliError::failed(doing, why)),
                Err(why) => {
                    context.output.print(
                        format!("{order}  {why}"),
                        &json!({ "id": order, "error": why.to_string() }),
                    )?;
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
        }
    }

    async fn by_filter(self, context: &Context, app: &App, choice: &OrderChoice) -> Result<Exit, CliError> {
        let (verb, needs) = (self.infinitive(), self.needs());
        let failed = |error: StoreError| CliError::failed(format!("{verb} orders"), error);
        let filter = OrderFilter { status: Some(needs), ..choice.which.filter(&app.clock) };
        let found = app.store.count_orders(&filter).await.map_err(failed)?;
        let wanted = choice.limit.map_or(found, |limit| found.min(limit.into()));
        let count =
            |orders: u64| format!("{orders} {needs} {}", if orders == 1 { "order" } else { "orders" });
        if wanted > 0 {
            let question =
                format!("{} {}?", if self == Self::Retry { "Retry" } else { "Cancel" }, count(wanted));
            confirm::ask(choice.yes, &format!("{verb} {}", count(wanted)), question)?;
        }
        let progress = Progress::new(&context.output, Some(wanted));
        let (mut done, mut seen, mut before) = (0, 0, None);
        while seen < wanted {
            let limit = u32::try_from(wanted - seen).unwrap_or(CHUNK).min(CHUNK);
            let ChangedOrders { orders, next } =
                self.many(app, &OrderFilter { before, limit, ..filter.clone() }).await.map_err(failed)?;
            done += orders.len() as u64;
            seen += u64::from(limit);
            progress.at(done, format!("{done} {}", self.participle()));
            if next.is_none() {
                break;
            }
            before = next;
        }
        drop(progress);
        let human = format!("{} {}", count(done), self.participle());
        context.output.print(human, &json!({ self.participle(): done }))?;
        Ok(Exit::Done)
    }

    async fn many(self, app: &App, filter: &OrderFilter) -> Result<ChangedOrders, StoreError> {
        match self {
            Self::Retry => app.intake().retry_all(filter).await,
            Self::Cancel => app.store.cancel_orders(filter).await,
        }
    }
}
