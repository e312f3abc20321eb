//! Tests of the arithmetic over members and lines.

use super::*;

#[test]
fn every_fault_is_told_in_the_order_of_the_document() {
    let order = r#"{"order_lines":[{"name":"","quantity":1,"unit_price":10,"tax_rate":0,"total_amount":13,"total_tax_amount":0}],
        "locale":"","order_amount":12,"order_tax_amount":1,"purchase_currency":"SEK"}"#;
    let pointers: Vec<_> = found_in(order).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(
        pointers,
        [
            "/purchase_country",
            "/order_lines/0/name",
            "/order_lines/0/total_amount",
            "/locale",
            "/order_amount",
            "/order_tax_amount"
        ]
    );
}

#[test]
fn an_unreadable_amount_breaks_no_sum() {
    for pointer in ["/order_lines/0/total_amount", "/order_lines/0/total_tax_amount", "/order_lines/0"] {
        assert_eq!(pointers(&with(pointer, json!("x"))), [pointer]);
    }
    // The total is right with the discount that was meant.
    let mut order = with("/order_lines/0/total_discount_amount", json!("much"));
    order["order_lines"][0]["total_amount"] = json!(39_000);
    order["order_lines"][0]["total_tax_amount"] = json!(3545);
    order["order_amount"] = json!(39_000);
    order["order_tax_amount"] = json!(3545);
    assert_eq!(pointers(&order), ["/order_lines/0/total_discount_amount"]);
}

#[test]
fn nothing_is_calculated_with_an_inexact_amount() {
    for name in ["quantity", "unit_price", "total_amount", "tax_rate", "total_tax_amount"] {
        let mut order = lawful();
        for sum in ["order_amount", "order_tax_amount"] {
            order[sum] = json!(1);
        }
        order["order_lines"][0][name] = json!(7.5);
        let mut expected = vec![];
        if name != "total_amount" {
            expected.push("/order_amount");
        }
        if name != "total_tax_amount" {
            expected.push("/order_tax_amount");
        }
        assert_eq!(pointers(&order), expected, "{name}");
    }
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
fn in_the_us_tax_is_a_line_of_its_own_or_on_each_line() {
    assert_eq!(found(&american(0, 1000)), []);
    assert_eq!(found(&american(1000, 1000)), []);
    assert_eq!(found(&american(0, 0)), []);
    assert_eq!(
        found(&american(0, 999)),
        [(
            "/order_tax_amount".to_owned(),
            "is 999, expected 1000: the sum of the sales_tax lines' total_amount".to_owned()
        )]
    );
    assert_eq!(found(&american(500, 1000)), []);

    let mut included = american(0, 1000);
    included["order_lines"][0]["tax_rate"] = json!(1000);
    included["order_lines"][0]["total_tax_amount"] = json!(1818);
    included["order_tax_amount"] = json!(2818);
    assert_eq!(found(&included), []);
    included["order_tax_amount"] = json!(1818);
    assert_eq!(found(&included), []);
    included["purchase_country"] = json!("CA");
    assert_eq!(found(&included), []);
    included["order_tax_amount"] = json!(2818);
    assert_eq!(pointers(&included), ["/order_tax_amount"]);
    // With the tax on each line, no rate has to fit, but the sum has to.
    let mut on_lines = with("/purchase_country", json!("us"));
    on_lines["order_lines"][0]["tax_rate"] = json!(0);
    assert_eq!(found(&on_lines), []);
    on_lines["order_tax_amount"] = json!(0);
    assert_eq!(
        found(&on_lines),
        [(
            "/order_tax_amount".to_owned(),
            "is 0, expected 4545: the sum of the lines' total_tax_amount".to_owned()
        )]
    );
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
