//! How commands print orders and tokens as text. JSON output uses the API's [`crate::api::Order`]
//! and [`crate::api::Token`].

use std::fmt::{self, Display};

use chrono::{DateTime, SecondsFormat, Utc};

use super::table::printable;
use crate::api::Order;
use crate::order::shown_amount;

/// The result of an order: Klarna's id of the order or session, or the error.
pub(super) fn outcome(order: &Order) -> String {
    match (order.klarna_order_id.as_ref().or(order.session_id.as_ref()), &order.error) {
        (Some(id), _) => id.clone(),
        (None, Some(error)) => error.message.clone(),
        (None, None) => String::new(),
    }
}

/// What the shop knows the order by: its first reference, or the idempotency key.
pub(super) fn reference(order: &Order) -> &str {
    let names = [&order.merchant_reference1, &order.merchant_reference2, &order.idempotency_key];
    names.into_iter().flatten().next().map_or("", String::as_str)
}

/// The amount of an order.
pub(super) fn amount(order: &Order) -> String {
    order
        .order_amount
        .map_or_else(String::new, |amount| shown_amount(amount, order.purchase_currency.as_deref()))
}

/// A time for people, to the second.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A value that may be absent, for people.
pub(super) fn or_dash<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Names and values, one pair a line.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, String)>);

impl Fields {
    pub(super) fn add(&mut self, name: &'static str, value: impl Display) {
        self.0.push((name, value.to_string()));
    }
}

impl Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (index, (name, value)) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{name:width$}  {}", printable(value))?;
        }
        Ok(())
    }
}
