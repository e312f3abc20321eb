//! The checkout in the shopper's browser: the script that the snippet loads, and the page with the
//! button that pays.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use crate::Shared;
use crate::admin::Admin;
use crate::create::Shopper;
use crate::html::{escape, page};
use crate::stats::Recognition;

/// `GET /sandbox/checkout.js`
pub(super) async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("checkout.js")).into_response()
}

/// `GET /sandbox/checkout/{id}`: the content of the frame.
pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let now = shared.now();
    let world = shared.world();
    match world.orders.get(&id) {
        Some(order) if order.is_paid() => {
            page(StatusCode::OK, "Thank you", &format!("<p>Paid: {}</p>", amount(&order.body)))
        }
        Some(order) if order.is_known(now) => {
            let (shopper, lines) = (shopper(&order.shopper, &order.body), lines(&order.body));
            let form = "<form method=\"post\" target=\"_top\"><p><button>Pay</button></p></form>";
            page(StatusCode::OK, "Klarna Checkout", &format!("{shopper}{lines}{form}"))
        }
        _ => page(StatusCode::NOT_FOUND, "No such order", "<p>It was aborted, or can no longer be paid.</p>"),
    }
}

/// `POST /sandbox/checkout/{id}`: the button. Pays, and sends the shopper to the shop's
/// confirmation.
pub(super) async fn pay(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    if !Admin(Arc::clone(&shared)).pay(&id) {
        let text = "<p>It can no longer be paid. Go back to the shop, and open the checkout again.</p>";
        return page(StatusCode::NOT_FOUND, "No such order", text);
    }
    let world = shared.world();
    let confirmation = world.orders.get(&id).and_then(|order| order.merchant_url("confirmation", &id));
    match confirmation {
        Some(url) => Redirect::to(&url).into_response(),
        None => page(StatusCode::OK, "Paid", "<p>The order has no merchant_urls.confirmation.</p>"),
    }
}

/// Says whether Klarna recognises the shopper, and shows what the order has of the shopper.
pub(super) fn shopper(shopper: &Shopper, order: &Value) -> String {
    let known = match shopper.recognition {
        Recognition::Recognised => format!("Recognised as <b>{}</b>.", escape(&shopper.name)),
        Recognition::NotRecognised => {
            "Klarna does not know this shopper: the order's access token is not valid.".to_owned()
        }
        Recognition::WithoutToken => {
            "Klarna does not know this shopper: the order has no access token.".to_owned()
        }
    };
    let address = &order["billing_address"];
    let lines = [
        vec![&address["given_name"], &address["family_name"]],
        vec![&address["street_address"]],
        vec![&address["postal_code"], &address["city"]],
        vec![&address["country"]],
        vec![&address["email"]],
        vec![&address["phone"]],
        vec![&order["customer"]["date_of_birth"]],
    ];
    let lines = lines
        .map(|line| line.into_iter().filter_map(Value::as_str).map(escape).collect::<Vec<_>>().join(" "));
    let lines: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    format!("<p>{known}</p><address>{}</address>", lines.join("<br>"))
}

/// Returns the lines of an order as a table.
pub(super) fn lines(order: &Value) -> String {
    let lines = order["order_lines"].as_array().map_or(&[][..], Vec::as_slice);
    let mut table = String::new();
    for line in lines {
        let name = escape(line["name"].as_str().unwrap_or_default());
        let cell = |member: &str| escape(&plain(&line[member]));
        table.extend(["<tr><td>", &cell("quantity"), " × ", &name, "<td>", &money(&line["total_amount"])]);
    }
    format!("<table>{table}<tr><td><b>Total</b><td><b>{}</b></table>", amount(order))
}

fn amount(order: &Value) -> String {
    let currency = escape(order["purchase_currency"].as_str().unwrap_or_default());
    format!("{} {currency}", money(&order["order_amount"]))
}

/// Returns an amount with its decimals. Klarna counts in hundredths, whatever the currency.
fn money(minor: &Value) -> String {
    match minor.as_i64() {
        Some(minor) => {
            let sign = if minor < 0 { "-" } else { "" };
            format!("{sign}{}.{:02}", minor.unsigned_abs() / 100, minor.unsigned_abs() % 100)
        }
        None => escape(&plain(minor)),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
