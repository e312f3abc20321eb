//! The checks for every order, whichever way it was submitted.

use chrono::{DateTime, Utc};
use serde_json::json;
use serde_json::value::RawValue;

use crate::config::Merchants;
use crate::ids::MerchantName;
use crate::order::{self, Fault, NewOrder, Rejection};
use crate::store::ClaimedOrder;

/// Returns everything that is wrong with an order by Klarna's rules and the settings.
pub(super) fn faults(merchants: &Merchants, order: &NewOrder, now: DateTime<Utc>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !merchants.contains_key(&order.merchant) {
        let known: Vec<&str> = merchants.keys().map(MerchantName::as_str).collect();
        let message = format!("the settings have no merchant with this name; they have: {}", known.join(", "));
        faults.push(Fault::new("/merchant", message));
    }
    if order.deadline.is_some_and(|deadline| deadline <= now) {
        faults.push(Fault::new("/deadline", "is in the past: write a later time, or leave it out"));
    }
    faults.extend(order::check(&order.body).into_iter().map(|fault| fault.under("/order")));
    faults
}

/// Checks an order that is already a row, because it was submitted by SQL. It is read like every
/// other order.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check_row(merchants: &Merchants, row: &ClaimedOrder) -> Result<(), Rejection> {
    let not_json = || Rejection::Faults(vec![Fault::new("/order", "is not JSON that every reader understands alike")]);
    let body: &RawValue = serde_json::from_str(&row.body).map_err(|_| not_json())?;
    let (merchant, user) = (json!(row.merchant), json!(row.user));
    let order = NewOrder::parse(&format!(r#"{{"merchant":{merchant},"user":{user},"order":{body}}}"#))?;
    let faults = faults(merchants, &order, row.claimed_at);
    if faults.is_empty() { Ok(()) } else { Err(Rejection::Faults(faults)) }
}
