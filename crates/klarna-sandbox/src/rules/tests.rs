//! Examples of bodies, as Klarna takes or refuses them.

use serde_json::{Value, json};

use super::{order_faults, session_faults};

fn order() -> Value {
    json!({"purchase_country": "SE", "purchase_currency": "SEK", "locale": "en-SE", "order_amount": 50_000,
        "order_tax_amount": 4_545, "order_lines": [{"type": "physical", "reference": "19-402",
        "name": "Yellow T-Shirt", "quantity": 5, "quantity_unit": "pcs", "unit_price": 10_000, "tax_rate": 1_000,
        "total_amount": 50_000, "total_discount_amount": 0, "total_tax_amount": 4_545}]})
}

fn faults(change: impl Fn(&mut Value)) -> Vec<String> {
    let mut order = order();
    change(&mut order);
    order_faults(&order.to_string(), true)
}

fn lenient(change: impl Fn(&mut Value)) -> Vec<String> {
    let mut order = order();
    change(&mut order);
    order_faults(&order.to_string(), false)
}

#[test]
fn klarnas_own_example_passes() {
    assert_eq!(faults(|_| ()), Vec::<String>::new());
}

#[test]
fn each_rule_is_told_by_its_field() {
    assert_eq!(order_faults("[1]", false), ["Malformed JSON"]);
    assert_eq!(faults(|order| order["order_tax_amount"] = json!(4_546)), ["Bad value: order_tax_amount"]);
    assert_eq!(faults(|order| order["order_amount"] = json!("50000")), ["Bad value: order_amount"]);
    assert_eq!(faults(|order| order["purchase_country"] = json!("AQ")), ["Bad value: purchase_country"]);
    assert_eq!(
        faults(|order| order["merchant_reference2"] = json!("x".repeat(256))),
        ["Bad value: merchant_reference2"]
    );
    assert_eq!(
        faults(|order| order["order_lines"][0]["quantity"] = json!(4)),
        ["Bad value: order_lines[0].total_amount"]
    );
    assert_eq!(
        faults(|order| order["merchant_urls"] =
            json!({"terms": "https://shop.example", "checkout": "", "push": "x"})),
        ["Bad value: merchant_urls.checkout", "Bad value: merchant_urls.confirmation"]
    );
    assert_eq!(
        faults(|order| order["order_lines"] = json!([])),
        ["Bad value: order_lines", "Bad value: order_amount", "Bad value: order_tax_amount"]
    );
}

#[test]
fn tax_may_be_rounded_either_way_and_no_further() {
    let taxed = |tax: i64| {
        faults(|order| {
            order["order_lines"][0]["total_tax_amount"] = json!(tax);
            order["order_tax_amount"] = json!(tax);
        })
    };
    // 50000 at 10 % holds a tax of 4545.45.
    assert!(taxed(4_545).is_empty() && taxed(4_546).is_empty());
    assert_eq!(taxed(4_544), ["Bad value: order_lines[0].total_tax_amount"]);
    assert_eq!(taxed(4_547), ["Bad value: order_lines[0].total_tax_amount"]);
}

#[test]
fn minus_zero_is_an_integer() {
    let priced =
        |price: &str| order_faults(&order().to_string().replace(r#""total_discount_amount":0"#, price), true);
    assert_eq!(priced(r#""total_discount_amount":-0"#), Vec::<String>::new());
    assert_eq!(
        priced(r#""total_discount_amount":0.0"#),
        [
            "Bad value: order_lines[0].total_discount_amount",
            "Bad value: order_amount",
            "Bad value: order_tax_amount"
        ]
    );
}

#[test]
fn in_the_us_tax_is_a_line_of_its_own() {
    let us = |line_tax: i64| {
        faults(|order| {
            order["purchase_country"] = json!("US");
            order["order_lines"][0]["tax_rate"] = json!(0);
            order["order_lines"][0]["total_tax_amount"] = json!(line_tax);
            let tax = json!({"type": "sales_tax", "name": "Tax", "quantity": 1, "unit_price": 4_000, "tax_rate": 0,
                "total_amount": 4_000, "total_tax_amount": 0});
            order["order_lines"].as_array_mut().unwrap().push(tax);
            order["order_amount"] = json!(54_000);
            order["order_tax_amount"] = json!(4_000);
        })
    };
    assert!(us(0).is_empty());
    assert_eq!(us(1), ["Bad value: order_lines[0].total_tax_amount"]);
}

#[test]
fn unless_strict_what_shops_send_passes() {
    let set = |pointer: &str, value: Value| {
        let change = |order: &mut Value| *order.pointer_mut(pointer).unwrap() = value.clone();
        (faults(change).len(), lenient(change))
    };
    for (pointer, value) in [
        ("/order_lines/0/unit_price", json!(10_001)),
        ("/order_lines/0/unit_price", json!(9999.666)),
        ("/order_lines/0/quantity", json!("5")),
        ("/order_lines/0/total_tax_amount", json!(4545.4545)),
        ("/order_lines/0/reference", json!(1001)),
        ("/order_amount", json!(50_000.0)),
        ("/order_lines/0/total_discount_amount", json!(null)),
    ] {
        let (strict, lenient) = set(pointer, value);
        assert!(strict > 0 && lenient.is_empty(), "{pointer}: {lenient:?}");
    }
    assert_eq!(set("/order_lines/0/unit_price", json!(10_002)).1, ["Bad value: order_lines[0].total_amount"]);
    assert_eq!(set("/order_lines/0/tax_rate", json!(10_000.5)).1, ["Bad value: order_lines[0].tax_rate"]);
    assert_eq!(set("/order_amount", json!("many")).1, ["Bad value: order_amount"]);
    assert_eq!(set("/purchase_country", json!("US")), (2, vec![]));
}

#[test]
fn empty_arrays_and_texts_count_as_absent_unless_strict() {
    for name in ["billing_address", "shipping_address", "customer", "merchant_urls"] {
        for (value, of_the_letter) in [(json!([]), 1), (json!(""), 1), (json!(null), 0)] {
            let set = |order: &mut Value| order[name] = value.clone();
            assert_eq!((lenient(set).len(), faults(set).len()), (0, of_the_letter), "{name}: {value}");
        }
        assert_eq!(lenient(|order| order[name] = json!("x")), [format!("Bad value: {name}")]);
    }
    let address = |order: &mut Value| order["billing_address"] = json!({"city": [], "postal_code": 11460});
    assert_eq!(lenient(address), Vec::<String>::new());
    assert_eq!(
        faults(address),
        ["Bad value: billing_address.postal_code", "Bad value: billing_address.city"]
    );
    assert_eq!(
        lenient(|order| order["customer"] = json!({"date_of_birth": "21.09.1984"})),
        ["Bad value: customer.date_of_birth"]
    );
}

fn session(strict: bool, change: impl Fn(&mut Value)) -> Vec<String> {
    let mut order = order();
    change(&mut order);
    session_faults(&order.to_string(), strict)
}

#[test]
fn a_session_may_be_off_by_its_items_and_leave_tax_out() {
    assert_eq!(session(true, |_| ()), Vec::<String>::new());
    let untaxed = |order: &mut Value| {
        order.as_object_mut().unwrap().remove("order_tax_amount");
        let line = order["order_lines"][0].as_object_mut().unwrap();
        line.retain(|name, _| {
            !["tax_rate", "total_tax_amount", "total_discount_amount"].contains(&name.as_str())
        });
    };
    assert_eq!(session(true, untaxed), Vec::<String>::new());
    for (pointer, value, fault) in [
        ("/order_amount", json!(50_005), "order_amount"),
        ("/order_amount", json!("50000"), "order_amount"),
        ("/order_tax_amount", json!(4_550), "order_tax_amount"),
        ("/order_lines/0/unit_price", json!(10_001), "order_lines[0].total_amount"),
        ("/order_lines/0/unit_price", json!(9_998.666_6), "order_lines[0].unit_price"),
        ("/order_lines/0/name", json!(7), "order_lines[0].name"),
    ] {
        let change = |order: &mut Value| *order.pointer_mut(pointer).unwrap() = value.clone();
        let strict = session(true, change);
        assert_eq!((session(false, change).len(), strict.len()), (0, 1), "{pointer}: {strict:?}");
        assert_eq!(strict, [format!("Bad value: {fault}")]);
    }
    for (pointer, value) in [
        ("/order_amount", json!(50_006)),
        ("/order_tax_amount", json!(4_551)),
        ("/order_lines/0/tax_rate", json!(10_001)),
        ("/order_lines", json!([])),
        ("/purchase_country", json!("AQ")),
    ] {
        let change = |order: &mut Value| *order.pointer_mut(pointer).unwrap() = value.clone();
        assert_ne!(session(false, change), Vec::<String>::new(), "{pointer}");
    }
    assert_eq!(session_faults("[]", false), ["Malformed JSON"]);
}
