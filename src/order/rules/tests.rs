use proptest::prelude::*;
use serde_json::{Value, json};

use super::amounts::nearest_tax;
use super::*;

fn found(order: &Value) -> Vec<(String, String)> {
    found_in(&order.to_string())
}

fn found_in(text: &str) -> Vec<(String, String)> {
    let body = Body::parse(text).unwrap();
    check(&body).into_iter().map(|fault| (fault.pointer, fault.message)).collect()
}

fn pointers(order: &Value) -> Vec<String> {
    found(order).into_iter().map(|(pointer, _)| pointer).collect()
}

/// Klarna's own sample.
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

/// The sample with `value` at `pointer`, whose last step may be new.
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

#[test]
fn an_empty_order_lacks_all_that_is_required() {
    let mut missing = pointers(&json!({}));
    missing.sort();
    assert_eq!(
        missing,
        ["/locale", "/order_amount", "/order_lines", "/order_tax_amount", "/purchase_country", "/purchase_currency"]
    );
    let line = pointers(&with("/order_lines/0", json!({})));
    assert_eq!(
        line,
        ["name", "quantity", "unit_price", "total_amount", "tax_rate", "total_tax_amount"]
            .map(|name| format!("/order_lines/0/{name}"))
    );
    assert_eq!(
        pointers(&with("/merchant_urls", json!({}))),
        ["terms", "checkout", "confirmation", "push"].map(|name| format!("/merchant_urls/{name}"))
    );
}

#[test]
fn each_broken_rule_is_told_at_its_place() {
    let long = |count: usize| Value::from("ä".repeat(count));
    let cases = [
        ("/purchase_country", json!("SWE"), "is \"SWE\", expected an ISO 3166 alpha-2 code such as \"SE\""),
        ("/purchase_currency", json!("kr"), "is \"kr\", expected an ISO 4217 code such as \"SEK\""),
        ("/locale", json!("en_SE"), "is \"en_SE\", expected a language, and mostly a country, such as \"en-SE\""),
        ("/locale", json!(null), "is null, expected a string"),
        ("/order_amount", json!("50000"), "is a string, expected an integer of 0 or more"),
        ("/order_amount", json!(-1), "is -1, expected an integer of 0 or more"),
        ("/order_lines", json!({}), "is an object, expected an array of 1 to 1000 lines"),
        ("/order_lines", json!([]), "has 0 lines, expected 1 to 1000"),
        ("/order_lines/0/name", json!(""), "is empty, expected a string of 1 to 255 characters"),
        ("/order_lines/0/name", long(256), "has 256 characters, expected a string of 1 to 255 characters"),
        ("/order_lines/0/reference", long(256), "has 256 characters, expected a string of at most 255 characters"),
        ("/order_lines/0/type", json!(1), "is a number, expected a string"),
        ("/order_lines/0/quantity", json!(-5), "is -5, expected an integer of 0 or more"),
        ("/order_lines/0/tax_rate", json!(10_001), "is 10001, expected an integer from 0 to 10000"),
        ("/order_lines/0/unit_price", json!(100_000_001), "is 100000001, expected an integer of at most 100000000"),
        ("/order_lines/0/total_discount_amount", json!(-1), "is -1, expected an integer of 0 or more"),
        ("/order_lines/0/product_url", long(1025), "has 1025 characters, expected a string of at most 1024 characters"),
        ("/merchant_reference1", long(256), "has 256 characters, expected a string of at most 255 characters"),
        ("/merchant_reference2", long(256), "has 256 characters, expected a string of at most 255 characters"),
        ("/merchant_data", long(6001), "has 6001 characters, expected a string of at most 6000 characters"),
        ("/merchant_urls", json!("https://shop.example"), "is a string, expected an object"),
        ("/merchant_urls/push", json!(""), "is empty, expected a string of 1 to 2000 characters"),
        ("/merchant_urls/terms", long(2001), "has 2001 characters, expected a string of 1 to 2000 characters"),
        (
            "/merchant_urls/validation",
            json!("http://shop.example/v"),
            "does not begin with https://, and Klarna calls no other URL here",
        ),
        ("/billing_address", json!("Karlaplan 3"), "is a string, expected an object"),
        ("/billing_address", json!([]), "is an array, expected an object"),
        ("/customer", json!(7), "is a number, expected an object"),
    ];
    for (pointer, value, message) in cases {
        assert_eq!(found(&with(pointer, value)), [(pointer.to_owned(), message.to_owned())]);
    }
    assert_eq!(
        found(&with("/billing_address", json!({ "postal_code": 11460 }))),
        [("/billing_address/postal_code".to_owned(), "is a number, expected a string".to_owned())]
    );
    assert_eq!(
        found(&with("/customer", json!({ "date_of_birth": "21.09.1984" }))),
        [("/customer/date_of_birth".to_owned(), "is no date, expected yyyy-mm-dd".to_owned())]
    );
}

#[test]
fn limits_count_characters_and_include_their_ends() {
    for (pointer, value) in [
        ("/order_lines/0/name", Value::from("ä".repeat(255))),
        ("/merchant_data", Value::from("ä".repeat(6000))),
        ("/merchant_urls/terms", Value::from("ä".repeat(2000))),
        ("/merchant_reference2", json!("")),
        ("/merchant_reference2", json!(null)),
        ("/order_lines/0/total_discount_amount", json!(null)),
        ("/merchant_urls", json!(null)),
        ("/purchase_country", json!("se")),
        ("/locale", json!("sv")),
        ("/something_new", json!({ "of": [1, { "any": "kind" }] })),
    ] {
        assert_eq!(found(&with(pointer, value)), [], "{pointer}");
    }
    let line = &lawful()["order_lines"][0];
    let mut order = lawful();
    order["order_lines"] = Value::from(vec![line.clone(); 1000]);
    order["order_amount"] = json!(50_000_000);
    order["order_tax_amount"] = json!(4_545_000);
    assert_eq!(found(&order), []);
    order["order_lines"] = Value::from(vec![line.clone(); 1001]);
    assert_eq!(pointers(&order), ["/order_lines"]);
}

#[test]
fn numbers_must_be_written_as_integers() {
    let text = lawful().to_string();
    for (number, shown, hint) in [
        ("5e4", "5e4", ", in plain digits"),
        ("50000.0", "50000.0", ", in plain digits"),
        ("5E+4", "5E+4", ", in plain digits"),
        ("9223372036854775808", "9223372036854775808", ", of 64 bits"),
        ("123456789012345678901234567890", "123456789012345678901234…", ", of 64 bits"),
    ] {
        let text = text.replacen("\"order_amount\":50000", &format!("\"order_amount\":{number}"), 1);
        let message = format!("is {shown}, expected an integer of 0 or more{hint}");
        assert_eq!(found_in(&text), [("/order_amount".to_owned(), message)]);
    }
}

#[test]
fn an_access_token_in_the_order_is_refused_without_quoting_it() {
    for token in [json!("secret-token"), json!(""), json!(null), json!({})] {
        let faults = found(&with("/customer", json!({ "klarna_access_token": token })));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].0, "/customer/klarna_access_token");
        assert!(faults[0].1.starts_with("must not be given") && !faults[0].1.contains("secret"));
    }
}

#[test]
fn every_fault_is_told_in_the_order_of_the_document() {
    let order = r#"{"order_lines":[{"name":"","quantity":1,"unit_price":10,"tax_rate":0,"total_amount":11,"total_tax_amount":0}],
        "locale":"","order_amount":12,"order_tax_amount":1,"purchase_currency":"SEK"}"#;
    let pointers: Vec<_> = found_in(order).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(
        pointers,
        ["/purchase_country", "/order_lines/0/name", "/order_lines/0/total_amount", "/locale", "/order_amount", "/order_tax_amount"]
    );
}

#[test]
fn an_unreadable_amount_breaks_no_sum() {
    assert_eq!(pointers(&with("/order_lines/0/total_amount", json!("x"))), ["/order_lines/0/total_amount"]);
    assert_eq!(pointers(&with("/order_lines/0/total_discount_amount", json!("x"))), ["/order_lines/0/total_discount_amount"]);
    assert_eq!(pointers(&with("/order_lines/0", json!(7))), ["/order_lines/0"]);
}

#[test]
fn negative_lines_are_lawful() {
    let mut order = lawful();
    for (kind, price) in [("discount", -1000), ("gift_card", -2000), ("store_credit", -3000)] {
        order["order_lines"].as_array_mut().unwrap().push(json!({
            "type": kind, "name": kind, "quantity": 1, "unit_price": price, "tax_rate": 0,
            "total_amount": price, "total_tax_amount": 0
        }));
    }
    order["order_amount"] = json!(44_000);
    assert_eq!(found(&order), []);
}

fn american(tax_of_tax_line: i64, order_tax: i64) -> Value {
    let line = |kind: &str, price: i64, tax: i64| {
        json!({ "type": kind, "name": kind, "quantity": 1, "unit_price": price, "tax_rate": 0,
                "total_amount": price, "total_tax_amount": tax })
    };
    json!({
        "purchase_country": "US", "purchase_currency": "USD", "locale": "en-US",
        "order_amount": 21_000, "order_tax_amount": order_tax,
        "order_lines": [line("physical", 20_000, 0), line("sales_tax", 1000, tax_of_tax_line)]
    })
}

#[test]
fn in_the_us_tax_is_a_line_of_its_own() {
    assert_eq!(found(&american(0, 1000)), []);
    assert_eq!(found(&american(1000, 1000)), []);
    assert_eq!(found(&american(0, 0)), []);
    assert_eq!(
        found(&american(0, 999)),
        [("/order_tax_amount".to_owned(), "is 999, expected 1000: the sum of the sales_tax lines' total_amount".to_owned())]
    );
    assert_eq!(pointers(&american(500, 1000)), ["/order_lines/1/total_tax_amount"]);

    let mut included = american(0, 1000);
    included["order_lines"][0]["tax_rate"] = json!(1000);
    included["order_lines"][0]["total_tax_amount"] = json!(1818);
    included["order_tax_amount"] = json!(2818);
    assert_eq!(pointers(&included), ["/order_lines/0/tax_rate", "/order_lines/0/total_tax_amount"]);
    included["purchase_country"] = json!("CA");
    included["order_tax_amount"] = json!(1818);
    assert_eq!(found(&included), []);
}

#[test]
fn extreme_amounts_do_not_overflow() {
    let line = json!({
        "name": "x", "quantity": i64::MAX, "unit_price": i64::MIN, "tax_rate": 10_000,
        "total_discount_amount": i64::MAX, "total_amount": i64::MIN, "total_tax_amount": i64::MAX
    });
    let mut order = lawful();
    order["order_lines"] = Value::from(vec![line; 2]);
    let pointers = pointers(&order);
    assert!(pointers.contains(&"/order_lines/1/total_amount".to_owned()), "{pointers:?}");
    assert!(pointers.contains(&"/order_amount".to_owned()), "{pointers:?}");
}

/// A line that holds together: quantity, price, discount, rate, how far the tax is off its nearest value, type.
fn line() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["physical", "digital", "shipping_fee", "surcharge", "discount", "gift_card"]);
    (kind, 0..=50_i64, 0..=1_000_000_i64, 0..=500_i64, 0..=10_000_i64, any::<bool>()).prop_map(
        |(kind, quantity, price, discount, rate, names_discount)| {
            let price = if ["discount", "gift_card"].contains(&kind) { -price } else { price };
            let discount = if names_discount { discount } else { 0 };
            let total = quantity * price - discount;
            let tax = i64::try_from(nearest_tax(total, rate)).unwrap();
            let mut line = json!({
                "type": kind, "name": "n", "quantity": quantity, "unit_price": price, "tax_rate": rate,
                "total_amount": total, "total_tax_amount": tax
            });
            if names_discount {
                line["total_discount_amount"] = json!(discount);
            }
            line
        },
    )
}

/// A lawful order: a big first line keeps the sums from going below zero.
fn order() -> impl Strategy<Value = Value> {
    prop::collection::vec(line(), 0..12).prop_map(|mut lines| {
        let big = json!({ "name": "big", "quantity": 10, "unit_price": 10_000_000, "tax_rate": 10_000,
                          "total_amount": 100_000_000, "total_tax_amount": 50_000_000 });
        // Twelve lines of at most −50 × 1 000 000 each.
        lines.extend(vec![big; 6]);
        let sum = |name: &str| lines.iter().map(|line| line[name].as_i64().unwrap()).sum::<i64>();
        let (amount, tax) = (sum("total_amount"), sum("total_tax_amount"));
        let mut order = lawful();
        order["order_amount"] = json!(amount);
        order["order_tax_amount"] = json!(tax);
        order["order_lines"] = Value::from(lines);
        order
    })
}

fn add(order: &mut Value, pointer: &str, by: i64) {
    let value = order.pointer_mut(pointer).unwrap();
    *value = json!(value.as_i64().unwrap() + by);
}

proptest! {
    #[test]
    fn lawful_orders_pass(order in order()) {
        prop_assert_eq!(found(&order), []);
    }

    #[test]
    fn a_wrong_sum_is_the_only_fault(order in order(), by in 1..1000_i64, which in 0..2_usize) {
        let name = ["/order_amount", "/order_tax_amount"][which];
        let mut order = order;
        add(&mut order, name, by);
        prop_assert_eq!(pointers(&order), [name]);
    }

    #[test]
    fn a_wrong_price_is_told_at_the_lines_total(order in order(), by in prop::sample::select(vec![-7, -1, 1, 7]), index: prop::sample::Index) {
        let mut order = order;
        let index = index.index(order["order_lines"].as_array().unwrap().len());
        // A quantity of 0 makes any price right.
        prop_assume!(order["order_lines"][index]["quantity"] != 0);
        add(&mut order, &format!("/order_lines/{index}/unit_price"), by);
        prop_assert_eq!(pointers(&order), [format!("/order_lines/{index}/total_amount")]);
    }

    #[test]
    fn tax_may_be_one_off_and_no_more(order in order(), off in -3..=3_i64, index: prop::sample::Index) {
        let mut order = order;
        let index = index.index(order["order_lines"].as_array().unwrap().len());
        let line = &order["order_lines"][index];
        let (total, rate) = (line["total_amount"].as_i64().unwrap(), line["tax_rate"].as_i64().unwrap());
        let tax = line["total_tax_amount"].as_i64().unwrap() + off;
        add(&mut order, &format!("/order_lines/{index}/total_tax_amount"), off);
        add(&mut order, "/order_tax_amount", off);
        let whole = i128::from(10_000 + rate);
        let is_within = (i128::from(tax) * whole - i128::from(total) * i128::from(rate)).abs() <= whole;
        let expected = if is_within { vec![] } else { vec![format!("/order_lines/{index}/total_tax_amount")] };
        prop_assert_eq!(pointers(&order), expected);
    }

    #[test]
    fn a_value_of_any_kind_anywhere_makes_no_panic(
        order in order(),
        value in prop::sample::select(vec![json!(null), json!(true), json!(1.5), json!(-1), json!(u64::MAX), json!(i64::MIN), json!(""), json!([]), json!([null]), json!({}), json!({"a": 1})]),
        place in prop::sample::select(vec![
            "/purchase_country", "/locale", "/order_amount", "/order_tax_amount", "/order_lines", "/order_lines/0",
            "/order_lines/0/type", "/order_lines/0/quantity", "/order_lines/0/unit_price", "/order_lines/0/tax_rate",
            "/order_lines/0/total_amount", "/order_lines/0/total_tax_amount", "/merchant_urls", "/merchant_urls/push",
        ]),
    ) {
        let mut order = order;
        *order.pointer_mut(place).unwrap_or(&mut Value::Null) = value;
        let text = order.to_string();
        let body = Body::parse(&text).unwrap();
        for fault in check(&body) {
            // Every pointer leads to a value, or to a member that its object lacks.
            let parent = fault.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            prop_assert!(order.pointer(parent).is_some(), "{}", fault.pointer);
        }
    }
}
