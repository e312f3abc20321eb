//! `orders show`

use chrono::SecondsFormat;

use super::waits;
use crate::api::Order;
use crate::app::App;
use crate::cli::table::printable;
use crate::cli::views::{Fields, amount, or_dash, time};
use crate::cli::{CliError, Context, Exit};
use crate::history::{History, OrderEvent, Sources};
use crate::order::{OrderId, OrderView};
use crate::sessions::Refreshed;
use crate::store::{OrderFilter, StoreError};

/// Why `orders show` shows nothing.
const UNKNOWN: &str = "no order in this database has it as its id, idempotency key, reference, Klarna's id \
    or user; orders find also finds those that begin with it";

/// Prints everything about the order with this id or name. `result`: also what the shop gets for
/// the browser; `refresh`: as Klarna tells it now.
pub(super) async fn show(
    context: &Context,
    named: &str,
    result: bool,
    refresh: bool,
) -> Result<Exit, CliError> {
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
    let mut fields = fields(&order, history.token_cause.as_deref());
    if result {
        add_result(&mut fields, &order);
    }
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

fn fields(order: &Order, token_cause: Option<&str>) -> Fields {
    let mut fields = Fields::default();
    add_names(&mut fields, order);
    fields.add("status", order.status);
    let token_cause = token_cause.map(|cause| format!("  {cause}")).unwrap_or_default();
    fields.add("token", format!("{}{token_cause}", or_dash(order.token)));
    add_klarna(&mut fields, order);
    fields.add("prefilled", or_dash((!order.prefilled.is_empty()).then(|| order.prefilled.join(" "))));
    if !order.prefill_withdrawn.is_empty() {
        fields.add("prefill_withdrawn", order.prefill_withdrawn.join(" "));
    }
    add_attempts(&mut fields, order);
    fields.add("accepted_at", time(order.accepted_at));
    if let Some(due_at) = order.due_at {
        fields.add("due_at", time(due_at));
    }
    fields.add("deadline_at", time(order.deadline_at));
    fields.add("ended_at", or_dash(order.ended_at.map(time)));
    fields
}

/// Adds what the shop knows the order by.
fn add_names(fields: &mut Fields, order: &Order) {
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
}

/// Adds Klarna's id of it, and what Klarna said of it.
fn add_klarna(fields: &mut Fields, order: &Order) {
    match &order.session_id {
        Some(id) => fields.add("session_id", id),
        None => fields.add("klarna_order_id", or_dash(order.klarna_order_id.as_deref())),
    }
    if let Some(session) = &order.session {
        let read_at = time(session.read_at);
        fields.add("at_klarna", format!("{} ({}), read {read_at}", session.phase, session.status));
    }
    if let Some(error) = &order.refresh_error {
        fields.add("refresh_error", format!("{}: {}", error.code, error.message));
    }
}

/// Adds how its attempts went.
fn add_attempts(fields: &mut Fields, order: &Order) {
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
}

/// Adds what the shop gets for the shopper's browser.
fn add_result(fields: &mut Fields, order: &Order) {
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
