//! Klarna's rules for an order's body, written from its documentation and independent of the
//! worker's rules.

use serde_json::Value;

const MAX_LINES: usize = 1_000;
const MAX_AMOUNT: i64 = 100_000_000;
const MAX_TAX_RATE: i64 = 10_000;

/// Returns what Klarna would say about the body, in its words; empty if it would accept it. A
/// purchase country of `AQ` is refused although it is well-formed, so that there is an order that
/// only Klarna refuses.
pub(super) fn klarna_faults(text: &str) -> Vec<String> {
    match serde_json::from_str::<Value>(text) {
        Ok(body) if body.is_object() => {
            let mut faults = Faults(Vec::new());
            faults.order(&body);
            faults.0
        }
        _ => vec!["Malformed JSON".to_owned()],
    }
}

struct Faults(Vec<String>);

impl Faults {
    fn require(&mut self, holds: bool, path: impl AsRef<str>) {
        let message = format!("Bad value: {}", path.as_ref());
        if !holds && !self.0.contains(&message) {
            self.0.push(message);
        }
    }

    fn order(&mut self, body: &Value) {
        let country = body["purchase_country"].as_str().unwrap_or_default();
        self.require(country.len() == 2 && country != "AQ", "purchase_country");
        self.require(body["purchase_currency"].as_str().is_some_and(|code| code.len() == 3), "purchase_currency");
        self.require(body["locale"].as_str().is_some_and(|locale| locale.len() >= 2), "locale");
        for name in ["merchant_reference1", "merchant_reference2"] {
            self.optional_text(body, name, 255, name);
        }
        self.optional_text(body, "merchant_data", 6_000, "merchant_data");
        self.optional_text(&body["customer"], "klarna_access_token", usize::MAX, "customer.klarna_access_token");
        if let Some(urls) = body.get("merchant_urls") {
            for name in ["terms", "checkout", "confirmation", "push"] {
                let fits = urls[name].as_str().is_some_and(|url| !url.is_empty() && url.chars().count() <= 2_000);
                self.require(fits, format!("merchant_urls.{name}"));
            }
        }
        let lines = body["order_lines"].as_array().map_or(&[][..], Vec::as_slice);
        self.require((1..=MAX_LINES).contains(&lines.len()), "order_lines");
        let sums = lines.iter().enumerate().filter_map(|(index, line)| self.line(index, line, country == "US"));
        let (amount, tax) = sums.fold((0, 0), |sums, line| (sums.0 + line.0, sums.1 + line.1));
        self.require(body["order_amount"].as_i64() == Some(amount), "order_amount");
        self.require(body["order_tax_amount"].as_i64() == Some(tax), "order_tax_amount");
    }

    /// Checks a line. Returns what it adds to the order's amount and to its tax.
    fn line(&mut self, index: usize, line: &Value, in_us: bool) -> Option<(i64, i64)> {
        let path = |name: &str| format!("order_lines[{index}].{name}");
        let named = line["name"].as_str().is_some_and(|name| !name.is_empty() && name.chars().count() <= 255);
        self.require(named, path("name"));
        self.optional_text(line, "reference", 255, path("reference"));
        let mut number = |name: &str, range: std::ops::RangeInclusive<i64>| {
            let number = integer(&line[name]).filter(|number| range.contains(number));
            self.require(number.is_some(), path(name));
            number
        };
        let quantity = number("quantity", 0..=i64::from(i32::MAX));
        let unit_price = number("unit_price", -MAX_AMOUNT..=MAX_AMOUNT);
        let rate = number("tax_rate", 0..=MAX_TAX_RATE);
        let total = number("total_amount", -MAX_AMOUNT..=MAX_AMOUNT);
        let tax = number("total_tax_amount", -MAX_AMOUNT..=MAX_AMOUNT);
        let discount = match line.get("total_discount_amount") {
            None => Some(0),
            Some(_) => number("total_discount_amount", 0..=i64::MAX),
        };
        let (total, tax, rate) = (total?, tax?, rate?);
        let price = i128::from(quantity?) * i128::from(unit_price?) - i128::from(discount?);
        self.require(price == i128::from(total), path("total_amount"));
        // Within 1 of total - total * 10000 / (10000 + rate), which is total * rate / (10000 +
        // rate).
        let whole = 10_000 + rate;
        self.require((tax * whole - total * rate).abs() <= whole, path("total_tax_amount"));
        if in_us {
            self.require(tax == 0, path("total_tax_amount"));
            let sales_tax = line["type"] == "sales_tax";
            return Some((total, if sales_tax { total } else { 0 }));
        }
        Some((total, tax))
    }

    fn optional_text(&mut self, object: &Value, name: &str, longest: usize, path: impl AsRef<str>) {
        let fits = match object.get(name) {
            None | Some(Value::Null) => true,
            Some(value) => value.as_str().is_some_and(|text| text.chars().count() <= longest),
        };
        self.require(fits, path);
    }
}

/// Returns an integer. `-0` is one too, but `serde_json` reads it as a float.
fn integer(value: &Value) -> Option<i64> {
    let is_minus_zero = || value.as_f64().is_some_and(|number| number.to_bits() == (-0.0_f64).to_bits());
    value.as_i64().or_else(|| is_minus_zero().then_some(0))
}

#[cfg(test)]
mod tests {
    use super::klarna_faults;
    use serde_json::{Value, json};

    fn order() -> Value {
        json!({"purchase_country": "SE", "purchase_currency": "SEK", "locale": "en-SE", "order_amount": 50_000,
            "order_tax_amount": 4_545, "order_lines": [{"type": "physical", "reference": "19-402",
            "name": "Yellow T-Shirt", "quantity": 5, "quantity_unit": "pcs", "unit_price": 10_000, "tax_rate": 1_000,
            "total_amount": 50_000, "total_discount_amount": 0, "total_tax_amount": 4_545}]})
    }

    fn faults(change: impl Fn(&mut Value)) -> Vec<String> {
        let mut order = order();
        change(&mut order);
        klarna_faults(&order.to_string())
    }

    #[test]
    fn klarnas_own_example_passes() {
        assert_eq!(faults(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn each_rule_is_told_by_its_field() {
        assert_eq!(klarna_faults("[1]"), ["Malformed JSON"]);
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
            faults(
                |order| order["merchant_urls"] = json!({"terms": "https://shop.example", "checkout": "", "push": "x"})
            ),
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
        let priced = |price: &str| klarna_faults(&order().to_string().replace(r#""total_discount_amount":0"#, price));
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
}
