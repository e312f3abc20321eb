//! Counts the orders of a filter.

use super::Search;
use crate::store::columns::Columns;
use crate::store::engine::{Connection, Engine};
use crate::store::{OrderFilter, StoreError, sql};

/// How many orders match a filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCount {
    /// All of them.
    pub orders: u64,
    /// Those that still have their body.
    pub with_body: u64,
}

/// How many orders failed with the same error code and still have their body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedOrders {
    /// The code.
    pub code: String,
    /// All of them.
    pub orders: u64,
    /// Those that are possible duplicates.
    pub duplicates: u64,
}

/// Counts the orders of a filter. Its `before` and `limit` are ignored.
pub(in crate::store) async fn count<E: Engine>(
    c: &mut Connection<'_, E>,
    filter: &OrderFilter,
) -> Result<OrderCount, StoreError> {
    let filter = OrderFilter { before: None, ..filter.clone() };
    let row = counting::<E>(&filter).on(c).fetch_one().await?;
    Ok(OrderCount { orders: row.count("orders")?, with_body: row.count("with_body")? })
}

fn counting<E: Engine>(filter: &OrderFilter) -> Search<'_> {
    let mut search = Search::default();
    search.sql.push_str(E::STATEMENTS.orders.count_orders);
    search.all_of::<E>(filter);
    search
}

/// Returns the statement of a count, for tests of its plan.
#[cfg(test)]
pub(in crate::store) fn text<E: Engine>(filter: &OrderFilter) -> String {
    counting::<E>(filter).sql
}

/// Counts the orders of a filter that still have their body, by error code, the most frequent code
/// first. Its `before` and `limit` are ignored.
pub(in crate::store) async fn by_code<E: Engine>(
    c: &mut Connection<'_, E>,
    filter: &OrderFilter,
) -> Result<Vec<FailedOrders>, StoreError> {
    let filter = OrderFilter { before: None, ..filter.clone() };
    let mut search = Search::default();
    search.sql.push_str(E::STATEMENTS.orders.order_codes);
    search.all_of::<E>(&filter);
    search.condition("body IS NOT NULL");
    search.sql = sql::filled(sql::ORDERS_BY_CODE, [&search.sql]);
    let rows = search.on(c).fetch_all().await?;
    rows.iter().map(failed_orders).collect()
}

fn failed_orders(row: &impl Columns) -> Result<FailedOrders, StoreError> {
    Ok(FailedOrders {
        code: row.text("code")?,
        orders: row.count("orders")?,
        duplicates: row.count("duplicates")?,
    })
}

/// Counts the orders of a filter, but not beyond `most`. Its `before` and `limit` are ignored.
pub(in crate::store) async fn count_up_to<E: Engine>(
    c: &mut Connection<'_, E>,
    filter: &OrderFilter,
    most: u32,
) -> Result<u64, StoreError> {
    let filter = OrderFilter { before: None, ..filter.clone() };
    let mut search = Search::default();
    search.ids::<E>(&filter, filter.status, Some(most));
    search.sql = sql::filled(sql::ORDERS_UP_TO, [&search.sql, &most.to_string()]);
    Ok(search.on(c).fetch_one().await?.count("orders")?)
}
