//! The checks for every order, whichever way it was submitted.

use chrono::{DateTime, Utc};
use serde_json::json;
use serde_json::value::RawValue;

use crate::config::Merchants;
use crate::ids::MerchantName;
use crate::order::{self, Fault, NewOrder, Rejection, Target};
use crate::store::ClaimedOrder;

/// Returns the target of a merchant's orders that name none. A merchant that is not in the settings
/// has Checkout's rules; its orders are refused anyway.
pub(super) fn default_target(merchants: &Merchants, merchant: &MerchantName) -> Target {
    merchants.get(merchant).map_or(Target::Checkout, |merchant| merchant.target)
}

/// Returns everything that is wrong with an order by Klarna's rules and the settings.
pub(super) fn faults(merchants: &Merchants, order: &NewOrder, now: DateTime<Utc>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !merchants.contains_key(&order.merchant) {
        let known: Vec<&str> = merchants.keys().map(MerchantName::as_str).collect();
        let message =
            format!("the settings have no merchant with this name; they have: {}", known.join(", "));
        faults.push(Fault::new("/merchant", message));
    }
    if order.deadline.is_some_and(|deadline| deadline <= now) {
        faults.push(Fault::new("/deadline", "is in the past: write a later time, or leave it out"));
    }
    let target = order.target.unwrap_or_else(|| default_target(merchants, &order.merchant));
    if merchants.get(&order.merchant).is_some_and(|merchant| merchant.url(target).is_none()) {
        let message = format!(
            "is {target}, but the settings of the merchant do not say who runs it: name another target"
        );
        faults.push(Fault::new("/target", message));
    }
    faults.extend(order::check(target, &order.body).into_iter().map(|fault| fault.under("/order")));
    faults
}

/// Checks an order that is already a row, because it was submitted by SQL. It is read like every
/// other order.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check_row(merchants: &Merchants, row: &ClaimedOrder) -> Result<(), Rejection> {
    let not_json =
        || Rejection::Faults(vec![Fault::new("/order", "is not JSON that every reader understands alike")]);
    let body: &RawValue = serde_json::from_str(&row.body).map_err(|_| not_json())?;
    let (merchant, user, target) = (json!(row.merchant), json!(row.user), json!(row.target));
    let envelope = format!(r#"{{"merchant":{merchant},"user":{user},"order":{body},"target":{target}}}"#);
    let order = NewOrder::parse(&envelope, |merchant| default_target(merchants, merchant))?;
    let faults = faults(merchants, &order, row.claimed_at);
    if faults.is_empty() { Ok(()) } else { Err(Rejection::Faults(faults)) }
}
