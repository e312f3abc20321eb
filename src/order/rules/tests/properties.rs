//! Generated orders: valid ones pass, and a single change is reported at its position.

use proptest::prelude::*;

use super::super::amounts::nearest_tax;
use super::*;

/// A consistent line with random quantity, price, discount, rate, tax deviation and type.
fn line() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "physical",
        "digital",
        "shipping_fee",
        "surcharge",
        "discount",
        "gift_card",
    ]);
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

/// A valid order. A large first line keeps the sums from becoming negative.
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
    fn a_wrong_price_is_told_at_the_lines_total(order in order(), by in prop::sample::select(vec![-7, -2, 2, 7]), index: prop::sample::Index) {
        let mut order = order;
        let index = index.index(order["order_lines"].as_array().unwrap().len());
        // With a quantity of 0, any price is right.
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
        for fault in check(Target::Checkout, &body) {
            // Every pointer leads to a value, or to a member that is missing in its object.
            let parent = fault.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            prop_assert!(order.pointer(parent).is_some(), "{}", fault.pointer);
        }
    }
}
