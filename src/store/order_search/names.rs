//! Searches by the names of orders: their ids, and what a shop or Klarna calls them.

use std::fmt::Write;

use uuid::Uuid;

use super::Search;
use crate::ids::MerchantName;
use crate::order::{OrderId, Status};
use crate::store::engine::{Engine, Param};
use crate::store::{BEGINNING, Beginning, OrderFilter, OrderName};

/// The columns that may have the name that a search asks for. An order's id is another one.
const NAMES: [&str; 5] =
    ["user_id", "idempotency_key", "merchant_reference1", "merchant_reference2", "klarna_id"];

/// From how many hexadecimal digits on a text is looked for as the beginning of an order's id. They
/// are the time of its acceptance, which fewer would not tell apart.
const FEWEST_DIGITS: usize = 8;

/// A column that must have this name.
#[derive(Clone, Copy)]
struct Named<'f> {
    column: &'static str,
    name: Param<'f>,
}

impl<'f> Search<'f> {
    /// Adds a query of the ids of a filter, newest first. With a whole name it is several queries,
    /// each of at most `limit` ids: one for each column that may have the name.
    pub(super) fn ids<E: Engine>(
        &mut self,
        filter: &'f OrderFilter,
        status: Option<Status>,
        limit: Option<u32>,
    ) {
        let Some(OrderName::Whole(name)) = &filter.name else {
            self.ids_where::<E>(filter, status, None, limit);
            return;
        };
        let named = NAMES.into_iter().map(|column| Named { column, name: Param::from(name) });
        let id = name.parse::<OrderId>().ok().map(|id| Named { column: "id", name: Param::from(id) });
        for (number, named) in named.chain(id).enumerate() {
            self.sql.push_str(if number > 0 { " UNION SELECT id FROM (" } else { "SELECT id FROM (" });
            self.ids_where::<E>(filter, status, Some(named), limit);
            // PostgreSQL 15 and earlier require a name.
            let _ = write!(self.sql, ") AS named_{number}");
        }
    }

    fn ids_where<E: Engine>(
        &mut self,
        filter: &'f OrderFilter,
        status: Option<Status>,
        named: Option<Named<'f>>,
        limit: Option<u32>,
    ) {
        self.sql.push_str(E::STATEMENTS.orders.order_ids);
        self.sql.push_str(" WHERE true");
        let is_key = named.is_some_and(|named| named.column == KEY);
        if let Some(Named { column, name }) = named {
            self.compare(format_args!("{column} ="), name);
        }
        self.conditions::<E>(filter, status);
        // A merchant has a key once, so those few need no order, which their index does not have.
        if is_key {
            self.condition(HAS_KEY);
        }
        if let Some(limit) = limit.filter(|_| !is_key) {
            self.newest(limit);
        }
    }

    /// Adds the condition that a name begins with the text: a range of the index of each column
    /// that may have it, from its end. All orders of these ranges are found before another
    /// condition is looked at.
    pub(super) fn begins<E: Engine>(
        &mut self,
        Beginning { text, end }: &'f Beginning,
        merchant: Option<&'f MerchantName>,
    ) {
        let (before, after) = E::STATEMENTS.id_in.split_once('$').unwrap_or_default();
        self.condition(before);
        for (number, column) in NAMES.into_iter().enumerate() {
            self.sql.push_str(if number > 0 { " UNION SELECT id FROM (" } else { "SELECT id FROM (" });
            self.sql.push_str(E::STATEMENTS.orders.order_ids);
            self.sql.push_str(" WHERE true");
            self.compare(format_args!("{column} >="), text);
            if let Some(end) = end {
                self.compare(format_args!("{column} <"), end);
            }
            let by = if column == KEY {
                self.condition(HAS_KEY);
                column.to_owned()
            } else {
                format!("{column} DESC, id")
            };
            self.last_of(merchant, &by);
            let _ = write!(self.sql, ") AS beginning_{number}");
        }
        if let Some((first, last)) = ids_of(text) {
            self.sql.push_str(" UNION SELECT id FROM (");
            self.sql.push_str(E::STATEMENTS.orders.order_ids);
            self.sql.push_str(" WHERE true");
            self.compare("id >=", first);
            self.compare("id <=", last);
            self.last_of(merchant, "id");
            self.sql.push_str(") AS beginning_id");
        }
        self.sql.push_str(after);
    }

    fn last_of(&mut self, merchant: Option<&'f MerchantName>, by: &str) {
        if let Some(merchant) = merchant {
            self.compare("merchant =", merchant);
        }
        // Writing to a string cannot fail.
        let _ = write!(self.sql, " ORDER BY {by} DESC LIMIT {BEGINNING}");
    }
}

const KEY: &str = "idempotency_key";
/// Only the order that has the key now.
const HAS_KEY: &str = "superseded_by IS NULL";

/// Returns the first and the last id that begin with a text, if it is the beginning of an id, and
/// long enough.
fn ids_of(text: &str) -> Option<(OrderId, OrderId)> {
    let digits: String = text.chars().filter(|char| *char != '-').collect();
    let rest = 32_usize.checked_sub(digits.len())?;
    if digits.len() < FEWEST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let filled = |with: &str| Uuid::try_parse(&(digits.clone() + &with.repeat(rest))).map(OrderId::from);
    let (first, last) = (filled("0").ok()?, filled("f").ok()?);
    // The hyphens are where an id has them.
    first.to_string().starts_with(&text.to_ascii_lowercase()).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_id_is_a_range_of_ids() {
        let range = |text| ids_of(text).map(|(first, last)| (first.to_string(), last.to_string()));
        let bounds = |first: &str, last: &str| Some((first.to_owned(), last.to_owned()));
        let minute = bounds("01a20f9f-0000-0000-0000-000000000000", "01a20f9f-ffff-ffff-ffff-ffffffffffff");
        assert_eq!(range("01a20f9f"), minute);
        assert_eq!(range("01A20F9F-"), minute);
        assert_eq!(
            range("01a20f9f-b40c-78be-b"),
            bounds("01a20f9f-b40c-78be-b000-000000000000", "01a20f9f-b40c-78be-bfff-ffffffffffff")
        );
        for none in ["01a20f9", "01a20f9g", "01a2-0f9f", "01a20f9f-b40c-78be-b5af-c230af7164b01", "ö1a20f9f"]
        {
            assert_eq!(range(none), None, "{none}");
        }
    }
}
