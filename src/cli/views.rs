//! How commands print orders and tokens as text. JSON output uses the API's [`crate::api::Order`]
//! and [`crate::api::Token`].

use std::fmt::{self, Display};

use chrono::{DateTime, SecondsFormat, Utc};

use super::table::printable;
use crate::api::Order;

/// The result of an order: Klarna's id of the order or session, or the error.
pub(super) fn outcome(order: &Order) -> String {
    match (order.klarna_order_id.as_ref().or(order.session_id.as_ref()), &order.error) {
        (Some(id), _) => id.clone(),
        (None, Some(error)) => error.message.clone(),
        (None, None) => String::new(),
    }
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
