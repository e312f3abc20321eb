//! `orders`

mod change;
mod order_selection;
mod risks;
mod show;
mod update;
mod waits;
mod watch;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use self::change::{Change, OrderChoice, Verb};
use self::order_selection::OrderSelection;
use self::show::show;
use self::update::Update;
use super::audited::Audited;
use super::table::printable;
use super::views::{amount, or_dash, outcome, reference, time};
use super::{CliError, Context, Exit, Table};
use crate::api::Order;
use crate::app::App;
use crate::audit::Action;
use crate::ids::check_name;
use crate::order::{OrderId, Status, Target};
use crate::store::{OrderFilter, OrderName};

/// Why `orders find` finds nothing.
const NOT_FOUND: &str = "no order in this database has it as its id, idempotency key, reference, Klarna's id \
    or user, or as the beginning of one (3 characters or more, 8 of an order's id; capital and small letters \
    differ)";
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List orders, newest first
    ///
    /// With `--watch`, Ctrl-C ends the command with exit code 0.
    List(Filter),
    /// Find orders by what a shop or Klarna knows of them, newest first
    ///
    /// TEXT is an order's id, idempotency key, `merchant_reference1` or `merchant_reference2`,
    /// Klarna's id of the order or session, or the user. If it is the whole of none, those that
    /// begin with it are found: with 3 characters or more, or 8 of an order's id; of each kind at
    /// most 1000, the last ones in alphabetical order. Capital and small letters differ. Exit code
    /// 1: nothing was found.
    Find {
        /// An id, key, reference or user, or its beginning
        #[arg(value_parser = name)]
        text: String,
        #[command(flatten)]
        page: Page,
    },
    /// Show everything about an order except its body, and what happened to it
    Show {
        /// The order's id, or another whole name that `orders find` knows, if only one order has it
        #[arg(value_name = "ID", value_parser = name)]
        named: String,
        /// Also show what the shop gets for the shopper's browser; JSON output always has it
        #[arg(long)]
        result: bool,
        /// First read at Klarna what has become of it, if it is submitted
        #[arg(long)]
        refresh: bool,
    },
    /// Replace an order's body: while it is queued here, once it is submitted at Klarna
    Update(Update),
    /// Retry failed orders, as if they had just been accepted
    ///
    /// Name orders by id, or choose them by filters. Orders whose body is already deleted
    /// (retention.bodies) are skipped.
    Retry(OrderChoice),
    /// Cancel queued orders
    ///
    /// Name orders by id, or choose them by filters. An order that a worker is running cannot be
    /// cancelled.
    Cancel(OrderChoice),
    /// Retry the failing follow-ups of submitted orders at once
    ///
    /// Follow-ups are calls to Klarna about a submitted order that the service makes by itself,
    /// such as the read after a push. Those that fail are tried again by the workers, for two days,
    /// also those that were given up. No token is used. Name orders by id, or choose them by
    /// filters.
    RetryFollowUps(OrderChoice),
}

/// Which orders to list.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only orders in this state
    #[arg(long, value_parser = PossibleValuesParser::new(Status::ALL.map(Status::as_str))
        .try_map(|word| word.parse::<Status>()))]
    status: Option<Status>,
    /// Only orders for this target
    #[arg(long, value_parser = PossibleValuesParser::new(Target::ALL.map(Target::as_str))
        .try_map(|word| word.parse::<Target>()))]
    target: Option<Target>,
    #[command(flatten)]
    selection: OrderSelection,
    #[command(flatten)]
    page: Page,
    /// Redraw the list every 2 seconds, as far as it fits the terminal, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// Which part of a list.
#[derive(Debug, clap::Args)]
pub(super) struct Page {
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Only orders older than this one: the last id of the previous page
    #[arg(long, value_name = "ID")]
    cursor: Option<OrderId>,
}

/// Reads what an order is found by.
fn name(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    check_name(text).map(|()| text.to_owned())
}

impl Command {
    /// Returns what the command leaves in the audit log.
    pub(super) fn audited(&self) -> Option<Audited> {
        match self {
            Self::List(_) | Self::Find { .. } | Self::Show { .. } => None,
            Self::Update(update) => Some(update.audited()),
            Self::Retry(orders) => Some(orders.audited(Action::OrderRetry)),
            Self::Cancel(orders) => Some(orders.audited(Action::OrderCancel)),
            Self::RetryFollowUps(orders) => Some(orders.audited(Action::OrderRetryFollowUps)),
        }
    }

    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Self::List(filter) => context.block_on(list(context, filter)),
            Self::Find { text, page } => context.block_on(find(context, text, page)),
            Self::Show { named, result, refresh } => context.block_on(show(context, &named, result, refresh)),
            Self::Update(update) => context.block_on(update.run(context)),
            Self::Retry(orders) => Change { verb: Verb::Retry, orders }.run(context),
            Self::Cancel(orders) => Change { verb: Verb::Cancel, orders }.run(context),
            Self::RetryFollowUps(orders) => Change { verb: Verb::RetryFollowUps, orders }.run(context),
        }
    }
}

async fn list(context: &Context, filter: Filter) -> Result<Exit, CliError> {
    filter.selection.check(filter.status)?;
    if filter.watch {
        return watch::run(context, &filter).await;
    }
    let Filter { status, target, selection, page, watch: _ } = filter;
    let app = context.app_to_read().await?;
    let filter = OrderFilter { status, target, ..selection.filter(&app.clock) };
    let orders = read(&app, filter, &page, "list orders").await?;
    print(context, &orders, &page)
}

async fn find(context: &Context, text: String, page: Page) -> Result<Exit, CliError> {
    let app = context.app_to_read().await?;
    let doing = format!("find an order by {}", printable(&text));
    let name = OrderName::of(&*app.store, &text, &[None]).await;
    let name = Some(name.map_err(|error| CliError::failed(&doing, error))?);
    let filter = OrderFilter { name, ..OrderFilter::default() };
    let orders = read(&app, filter, &page, &doing).await?;
    if orders.is_empty() && page.cursor.is_none() {
        return Err(CliError::failed(doing, NOT_FOUND));
    }
    print(context, &orders, &page)
}

async fn read(app: &App, filter: OrderFilter, page: &Page, doing: &str) -> Result<Vec<Order>, CliError> {
    let filter = OrderFilter { before: page.cursor, limit: page.limit, ..filter };
    let orders = app.store.orders(&filter).await.map_err(|error| CliError::failed(doing, error))?;
    Ok(orders.into_iter().map(Order::from).collect())
}

fn print(context: &Context, orders: &[Order], page: &Page) -> Result<Exit, CliError> {
    context.output.table(orders, table)?;
    if let Some(last) = orders.last().filter(|_| orders.len() == page.limit as usize) {
        context.output.hint(format!("Next page: --cursor {}", last.id));
    }
    Ok(Exit::Done)
}

fn table(orders: &[Order]) -> Table {
    let table = Table::new([
        "id",
        "accepted",
        "merchant",
        "user",
        "reference",
        "amount",
        "status",
        "error",
        "at_klarna",
        "token",
        "result",
    ]);
    let first = ["id", "status", "error", "at_klarna", "result", "user", "reference", "token"];
    let mut table = table.above_all(&first);
    for order in orders {
        table.row([
            order.id.to_string(),
            time(order.accepted_at),
            order.merchant.clone(),
            order.user.clone(),
            reference(order).to_owned(),
            amount(order),
            order.status.to_string(),
            or_dash(order.error.as_ref().map(|error| &error.code)),
            or_dash(order.session.as_ref().map(|session| session.phase)),
            or_dash(order.token),
            outcome(order),
        ]);
    }
    table
}
