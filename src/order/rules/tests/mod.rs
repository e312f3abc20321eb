//! Tests of the rules with examples and generated orders, and what they share.

mod members;
mod payments;
mod properties;
mod sums;

use serde_json::{Value, json};

use super::*;

fn found(order: &Value) -> Vec<(String, String)> {
    found_in(&order.to_string())
}

fn found_in(text: &str) -> Vec<(String, String)> {
    let body = Body::parse(text).unwrap();
    check(Target::Checkout, &body).into_iter().map(|fault| (fault.pointer, fault.message)).collect()
}

fn pointers(order: &Value) -> Vec<String> {
    found(order).into_iter().map(|(pointer, _)| pointer).collect()
}

/// Klarna's own example of an order.
fn lawful() -> Value {
    json!({
        "purchase_country": "SE", "purchase_currency": "SEK", "locale": "en-SE",
        "order_amount": 50_000, "order_tax_amount": 4545,
        "order_lines": [{
            "type": "physical", "reference": "19-402", "name": "Yellow T-Shirt", "quantity": 5, "quantity_unit": "pcs",
            "unit_price": 10_000, "tax_rate": 1000, "total_amount": 50_000, "total_discount_amount": 0,
            "total_tax_amount": 4545
        }],
        "merchant_urls": {
            "terms": "https://shop.example/terms", "checkout": "https://shop.example/checkout?o={checkout.order.id}",
            "confirmation": "https://shop.example/thanks", "push": "https://shop.example/push"
        }
    })
}

/// Returns the example with `value` at `pointer`; the last step may be a new member.
fn with(pointer: &str, value: Value) -> Value {
    let mut order = lawful();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = order.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        parent => parent[key] = value,
    }
    order
}

#[test]
fn klarnas_sample_is_lawful() {
    assert_eq!(found(&lawful()), []);
}
