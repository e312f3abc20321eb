//! What an order must fulfil, whichever door it comes through.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;
use serde_json::value::RawValue;

use crate::config::Merchant;
use crate::order::{self, Fault, NewOrder, Rejection};
use crate::store::ClaimedOrder;

/// Everything that is wrong with an order by Klarna's rules and these settings.
pub(super) fn faults(merchants: &BTreeMap<String, Arc<Merchant>>, order: &NewOrder, now: DateTime<Utc>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !merchants.contains_key(&order.merchant) {
        let known: Vec<&str> = merchants.keys().map(String::as_str).collect();
        let message = format!("the settings have no such merchant; they have: {}", known.join(", "));
        faults.push(Fault::new("/merchant", message));
    }
    if order.deadline.is_some_and(|deadline| deadline <= now) {
        faults.push(Fault::new("/deadline", "is past: write a later time, or leave it out"));
    }
    faults.extend(order::check(&order.body).into_iter().map(|fault| fault.under("/order")));
    faults
}

/// Checks an order that is a row already: it is read as the envelope that every other door receives.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check_row(merchants: &BTreeMap<String, Arc<Merchant>>, row: &ClaimedOrder) -> Result<(), Rejection> {
    let not_json = || Rejection::Faults(vec![Fault::new("/order", "is not JSON as every reader takes it")]);
    let body: &RawValue = serde_json::from_str(&row.body).map_err(|_| not_json())?;
    let (merchant, user) = (json!(row.merchant), json!(row.user));
    let order = NewOrder::parse(&format!(r#"{{"merchant":{merchant},"user":{user},"order":{body}}}"#))?;
    let faults = faults(merchants, &order, row.claimed_at);
    if faults.is_empty() { Ok(()) } else { Err(Rejection::Faults(faults)) }
}
