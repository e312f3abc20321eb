//! `orders`

mod change;
mod risks;
mod update;
mod waits;
mod watch;
mod which;

use chrono::SecondsFormat;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use self::change::{Change, OrderChoice, Verb};
use self::update::Update;
use self::which::Which;
use super::audited::Audited;
use super::table::printable;
use super::views::{Fields, amount, or_dash, outcome, reference, time};
use super::{CliError, Context, Exit, Table};
use crate::api::Order;
use crate::app::App;
use crate::audit::Action;
use crate::history::{History, OrderEvent, Sources};
use crate::ids::check_name;
use crate::order::{OrderId, OrderView, Status, Target};
use crate::sessions::Refreshed;
use crate::store::{OrderFilter, OrderName, StoreError};

/// Why `orders find` finds nothing.
const NOT_FOUND: &str = "no order in this database has it as its id, idempotency key, reference, Klarna's id or user, or as the beginning \
     of one (3 characters or more, 8 of an order's id; capital and small letters differ)";
/// Why `orders show` shows nothing.
const UNKNOWN: &str = "no order in this database has it as its id, idempotency key, reference, Klarna's id or user; orders find also \
     finds those that begin with it";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List orders, newest first
    ///
    /// With `--watch`, Ctrl-C ends the command with exit code 0.
    List(Filter),
    /// Find orders by what a shop or Klarna knows of them, newest first
    ///
    /// TEXT is an order's id, idempotency key, `merchant_reference1` or `merchant_reference2`, Klarna's id of the
    /// order or session, or the user. If it is the whole of none, those that begin with it are found: with 3
    /// characters or more, or 8 of an order's id; of each kind at most 1000, the last ones in alphabetical order.
    /// Capital and small letters differ. Exit code 1: nothing was found.
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
    /// Name orders by id, or choose them by filters. An order that a worker is running cannot be cancelled.
    Cancel(OrderChoice),
    /// Retry the failing follow-ups of submitted orders at once
    ///
    /// Follow-ups are calls to Klarna about a submitted order that the service makes by itself, such as the read
    /// after a push. Those that fail are tried again by the workers, for two days, also those that were given up.
    /// No token is used. Name orders by id, or choose them by filters.
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
    which: Which,
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
        let change = match self {
            Self::List(filter) => return context.block_on(list(context, filter)),
            Self::Find { text, page } => return context.block_on(find(context, text, page)),
            Self::Show { named, result, refresh } => {
                return context.block_on(show(context, &named, result, refresh));
            }
            Self::Update(update) => return context.block_on(update.run(context)),
            Self::Retry(orders) => Change { verb: Verb::Retry, orders },
            Self::Cancel(orders) => Change { verb: Verb::Cancel, orders },
            Self::RetryFollowUps(orders) => Change { verb: Verb::RetryFollowUps, orders },
        };
        change.run(context)
    }
}

async fn show(context: &Context, named: &str, result: bool, refresh: bool) -> Result<Exit, CliError> {
    let doing = format!("show the order {}", printable(named));
    let failed = |error: StoreError| CliError::failed(&doing, error);
    let app = context.app_to_read().await?;
    let order = the_one(&app, named).await.map_err(failed)?;
    let order = order.map_err(|why| CliError::failed(&doing, why))?;
    let registry = app.registry();
    let from = Sources {
        dashboard: &*app.store,
        registry: Some(&registry),
        webhooks: &*app.store,
        who_paused: true,
    };
    let order = if refresh {
        let sessions = app.sessions().map_err(|error| CliError::failed(&doing, error))?;
        sessions.refresh(order).await
    } else {
        Refreshed { order, error: None }
    };
    let history = History::read(&from, &order.order, app.clock.now()).await.map_err(failed)?;
    let order = Order::from(order);
    let mut fields = fields(&order, history.token_cause.as_deref(), result);
    waits::add(&mut fields, &order, &waits::of(&app, &order).await.map_err(failed)?, app.clock.now());
    let human = format!("{fields}\n\nhistory{}", lines(&history.events));
    context.output.print(human, &Order { history: Some(history.events), ..order })?;
    Ok(Exit::Done)
}

/// Returns the order with this id, or else the only one with this name. Or why there is none.
async fn the_one(app: &App, named: &str) -> Result<Result<OrderView, &'static str>, StoreError> {
    if let Ok(id) = named.parse::<OrderId>()
        && let Some(order) = app.store.order(id).await?
    {
        return Ok(Ok(order));
    }
    let filter = OrderFilter { name: Some(named.into()), limit: 2, ..OrderFilter::default() };
    let mut orders = app.store.orders(&filter).await?;
    Ok(match (orders.pop(), orders.is_empty()) {
        (None, _) => Err(UNKNOWN),
        (Some(order), true) => Ok(order),
        (Some(_), false) => {
            Err("several orders have it as a name: list them with orders find, and name one by its id")
        }
    })
}

/// Returns a line for each event.
fn lines(events: &[OrderEvent]) -> String {
    let line = |event: &OrderEvent| {
        let at = event.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        format!("\n  {at}  {}", printable(&event.what))
    };
    events.iter().map(line).collect()
}

async fn list(context: &Context, filter: Filter) -> Result<Exit, CliError> {
    filter.which.check(filter.status)?;
    if filter.watch {
        return watch::run(context, &filter).await;
    }
    let Filter { status, target, which, page, watch: _ } = filter;
    let app = context.app_to_read().await?;
    let filter = OrderFilter { status, target, ..which.filter(&app.clock) };
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

fn fields(order: &Order, token_cause: Option<&str>, result: bool) -> Fields {
    let mut fields = Fields::default();
    fields.add("id", order.id);
    fields.add("merchant", &order.merchant);
    fields.add("user", &order.user);
    fields.add("target", or_dash(order.target));
    let summary = [
        ("idempotency_key", &order.idempotency_key),
        ("merchant_reference1", &order.merchant_reference1),
        ("merchant_reference2", &order.merchant_reference2),
    ];
    for (name, value) in summary {
        if let Some(value) = value {
            fields.add(name, value);
        }
    }
    if order.order_amount.is_some() {
        fields.add("amount", amount(order));
    }
    fields.add("version", order.version);
    for (name, other) in [("supersedes", order.supersedes), ("superseded_by", order.superseded_by)] {
        if let Some(other) = other {
            fields.add(name, other);
        }
    }
    fields.add("status", order.status);
    let token_cause = token_cause.map(|cause| format!("  {cause}")).unwrap_or_default();
    fields.add("token", format!("{}{token_cause}", or_dash(order.token)));
    match &order.session_id {
        Some(id) => fields.add("session_id", id),
        None => fields.add("klarna_order_id", or_dash(order.klarna_order_id.as_deref())),
    }
    if let Some(session) = &order.session {
        fields.add(
            "at_klarna",
            format!("{} ({}), read {}", session.phase, session.status, time(session.read_at)),
        );
    }
    if let Some(error) = &order.refresh_error {
        fields.add("refresh_error", format!("{}: {}", error.code, error.message));
    }
    fields.add("prefilled", or_dash((!order.prefilled.is_empty()).then(|| order.prefilled.join(" "))));
    if !order.prefill_withdrawn.is_empty() {
        fields.add("prefill_withdrawn", order.prefill_withdrawn.join(" "));
    }
    let why = if order.possible_duplicate {
        "  an attempt got no answer or one such as HTTP 503, which does not say whether Klarna created the order"
    } else {
        ""
    };
    fields.add("possible_duplicate", format!("{}{why}", order.possible_duplicate));
    fields.add("attempts", order.attempts);
    if let Some(error) = &order.error {
        fields.add("error", format!("{}: {}", error.code, error.message));
        for fault in &error.faults {
            fields.add("fault", fault);
        }
    }
    let of_error = order.error.as_ref().and_then(|error| error.correlation_id.as_deref());
    fields.add("correlation_id", or_dash(order.correlation_id.as_deref().or(of_error)));
    fields.add("accepted_at", time(order.accepted_at));
    if let Some(due_at) = order.due_at {
        fields.add("due_at", time(due_at));
    }
    fields.add("deadline_at", time(order.deadline_at));
    fields.add("ended_at", or_dash(order.ended_at.map(time)));
    if result {
        let categories = order.payment_method_categories.as_ref().map(ToString::to_string);
        let members = [
            ("html_snippet", &order.html_snippet),
            ("client_token", &order.client_token),
            ("payment_method_categories", &categories),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                fields.add(name, value);
            }
        }
    }
    fields
}
