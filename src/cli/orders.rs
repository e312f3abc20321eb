//! `orders`

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::views::{Fields, or_dash, outcome, time};
use super::{CliError, Context, Exit, Table};
use crate::api::Order;
use crate::order::{OrderId, Status};
use crate::store::OrderFilter;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List orders, newest first
    List(Filter),
    /// Show all about an order but its body
    Show {
        /// The order's id
        id: OrderId,
        /// Show the HTML that the shop renders too; JSON has it always
        #[arg(long)]
        html_snippet: bool,
    },
}

/// Which orders.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only orders in this state
    #[arg(long, value_parser = PossibleValuesParser::new(Status::ALL.map(Status::as_str))
        .try_map(|word| word.parse::<Status>()))]
    status: Option<Status>,
    /// Only this merchant's
    #[arg(long)]
    merchant: Option<String>,
    /// Only this user's
    #[arg(long)]
    user: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Only orders older than this one: the last id of the page before
    #[arg(long, value_name = "ID")]
    cursor: Option<OrderId>,
}

impl Command {
    pub(super) fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.block_on(async {
            let store = context.app().await?.store;
            match self {
                Self::List(filter) => {
                    let filter = filter.into();
                    let orders = store.orders(&filter).await.map_err(|error| CliError::failed("list orders", error))?;
                    let orders: Vec<Order> = orders.into_iter().map(Order::from).collect();
                    list(context, &orders, filter.limit)
                }
                Self::Show { id, html_snippet } => {
                    let doing = format!("show the order {id}");
                    match store.order(id).await {
                        Ok(Some(order)) => {
                            let order = Order::from(order);
                            context.output.print(fields(&order, html_snippet), &order)?;
                            Ok(Exit::Done)
                        }
                        Ok(None) => Err(CliError::failed(doing, "there is none in this database")),
                        Err(error) => Err(CliError::failed(doing, error)),
                    }
                }
            }
        })
    }
}

impl From<Filter> for OrderFilter {
    fn from(Filter { status, merchant, user, limit, cursor }: Filter) -> Self {
        Self { status, merchant, user, before: cursor, limit }
    }
}

fn list(context: &Context, orders: &[Order], limit: u32) -> Result<Exit, CliError> {
    context.output.table(orders, table)?;
    if let Some(last) = orders.last().filter(|_| orders.len() == limit as usize) {
        context.output.hint(format!("Older ones: --cursor {}", last.id));
    }
    Ok(Exit::Done)
}

fn table(orders: &[Order]) -> Table {
    let mut table = Table::new(["id", "accepted", "merchant", "user", "status", "token", "result"]);
    for order in orders {
        table.row([
            order.id.to_string(),
            or_dash(order.accepted_at.map(time)),
            order.merchant.clone(),
            order.user.clone(),
            order.status.to_string(),
            or_dash(order.token),
            outcome(order),
        ]);
    }
    table
}

fn fields(order: &Order, html_snippet: bool) -> Fields {
    let mut fields = Fields::default();
    fields.add("id", order.id);
    fields.add("merchant", &order.merchant);
    fields.add("user", &order.user);
    fields.add("status", order.status);
    fields.add("token", or_dash(order.token));
    fields.add("klarna_order_id", or_dash(order.klarna_order_id.as_deref()));
    fields.add("prefilled", or_dash((!order.prefilled.is_empty()).then(|| order.prefilled.join(" "))));
    fields.add("possible_duplicate", order.possible_duplicate);
    fields.add("attempts", order.attempts);
    if let Some(error) = &order.error {
        fields.add("error", format!("{}: {}", error.code, error.message));
        for fault in &error.faults {
            fields.add("fault", fault);
        }
    }
    fields.add("correlation_id", or_dash(order.correlation_id.as_deref()));
    fields.add("accepted_at", or_dash(order.accepted_at.map(time)));
    if let Some(due_at) = order.due_at {
        fields.add("due_at", time(due_at));
    }
    fields.add("deadline_at", or_dash(order.deadline_at.map(time)));
    fields.add("ended_at", or_dash(order.ended_at.map(time)));
    if html_snippet {
        fields.add("html_snippet", or_dash(order.html_snippet.as_deref()));
    }
    fields
}
