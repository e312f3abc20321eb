//! Rules of Klarna Payments.

use serde_json::{Value, json};

use super::lawful;
use crate::order::{Body, Target, check};

pub(super) fn found(change: impl Fn(&mut Value)) -> Vec<(String, String)> {
    let mut order = lawful();
    change(&mut order);
    let faults = check(Target::Payments, &Body::parse(&order.to_string()).unwrap());
    faults.into_iter().map(|fault| (fault.pointer, fault.message)).collect()
}

fn pointers(change: impl Fn(&mut Value)) -> Vec<String> {
    found(change).into_iter().map(|(pointer, _)| pointer).collect()
}

fn without(object: &mut Value, names: &[&str]) {
    for name in names {
        object.as_object_mut().unwrap().remove(*name);
    }
}

#[test]
fn what_klarna_requires_is_told_and_nothing_else() {
    let least = |order: &mut Value| {
        without(order, &["order_tax_amount", "merchant_urls"]);
        without(
            &mut order["order_lines"][0],
            &["tax_rate", "total_tax_amount", "total_discount_amount", "type"],
        );
    };
    assert_eq!(found(least), []);
    assert_eq!(
        pointers(|order| *order = json!({"order_lines": [{}]})),
        [
            "/purchase_currency",
            "/locale",
            "/purchase_country",
            "/order_amount",
            "/order_lines/0/name",
            "/order_lines/0/quantity",
            "/order_lines/0/unit_price",
            "/order_lines/0/total_amount"
        ]
    );
    assert_eq!(pointers(|order| order["order_lines"] = json!([])), ["/order_lines"]);
    // A session has no use for Checkout's addresses.
    assert_eq!(
        pointers(|order| order["merchant_urls"] = json!({"confirmation": "https://shop.example"})),
        [""; 0]
    );
    assert_eq!(
        pointers(|order| order["customer"] = json!({"klarna_access_token": "x"})),
        ["/customer/klarna_access_token"]
    );
}

#[test]
fn sums_may_be_off_by_the_number_of_items() {
    // Five items of 10000 on one line.
    for (amount, off) in [(49_995, false), (50_005, false), (49_994, true), (50_006, true)] {
        let faults = pointers(|order| order["order_amount"] = json!(amount));
        assert_eq!(faults, if off { vec!["/order_amount"] } else { vec![] }, "{amount}");
        let faults = pointers(|order| {
            order["order_lines"][0]["total_amount"] = json!(amount);
            order["order_amount"] = json!(amount);
        });
        assert_eq!(faults, if off { vec!["/order_lines/0/total_amount"] } else { vec![] }, "{amount}");
    }
    assert_eq!(
        found(|order| order["order_tax_amount"] = json!(4551)),
        [(
            "/order_tax_amount".into(),
            "is 4551, expected 4545 (±5): the sum of the lines' total_tax_amount".into()
        )]
    );
    assert_eq!(pointers(|order| order["order_tax_amount"] = json!(4540)), [""; 0]);
}

#[test]
fn what_klarna_may_take_passes() {
    // Fractions: no sum is compared with them.
    assert_eq!(found(|order| order["order_lines"][0]["unit_price"] = json!(9998.6666)), []);
    assert_eq!(found(|order| order["order_amount"] = json!(50_000.0)), []);
    // Tax as lines of its own, and twice as much as Checkout takes.
    let us = |order: &mut Value| {
        order["purchase_country"] = json!("US");
        without(&mut order["order_lines"][0], &["tax_rate", "total_tax_amount"]);
        let tax = json!({"type": "sales_tax", "name": "Tax", "quantity": 1, "unit_price": 4000, "total_amount": 4000});
        order["order_lines"].as_array_mut().unwrap().push(tax);
        order["order_amount"] = json!(54_000);
        order["order_tax_amount"] = json!(4000);
    };
    assert_eq!(found(us), []);
    let dear = |amount: i64| {
        move |order: &mut Value| {
            order["order_lines"][0]["quantity"] = json!(1);
            order["order_lines"][0]["unit_price"] = json!(amount);
            order["order_lines"][0]["total_amount"] = json!(amount);
            order["order_amount"] = json!(amount);
        }
    };
    assert_eq!(found(dear(200_000_000)), []);
    let high = "is 200000001, expected an integer of at most 200000000";
    for member in ["unit_price", "total_amount"] {
        assert!(found(dear(200_000_001)).contains(&(format!("/order_lines/0/{member}"), high.into())));
    }
}
