//! Klarna's rules for an order's body, independent of the worker's rules.
//!
//! By default, an order is refused only for what Klarna is known to refuse, according to its API
//! description (Checkout API v3), its answers, and orders of live shops that it accepts. With `strict`,
//! the API description is applied by the letter.

use serde_json::Value;

const MAX_LINES: usize = 1_000;
const MAX_AMOUNT: i64 = 100_000_000;
const MAX_TAX_RATE: i64 = 10_000;

/// Returns Klarna's error messages about the body; empty if Klarna would accept it.
///
/// Two values are refused although they are well-formed, so that tests have something that only
/// Klarna refuses: the purchase country `AQ`, and e-mail addresses at `refused.example`.
pub(super) fn klarna_faults(text: &str, strict: bool) -> Vec<String> {
    match serde_json::from_str::<Value>(text) {
        Ok(body) if body.is_object() => {
            let mut faults = Faults { strict, messages: Vec::new() };
            faults.order(&body);
            faults.messages
        }
        _ => vec!["Malformed JSON".to_owned()],
    }
}

struct Faults {
    strict: bool,
    messages: Vec<String>,
}

/// A number of the body.
#[derive(Clone, Copy)]
enum Amount {
    Exact(i64),
    /// A fraction, or a number as text. No sum is calculated with it.
    Inexact,
}

impl Amount {
    fn exact(self) -> Option<i128> {
        match self {
            Self::Exact(number) => Some(number.into()),
            Self::Inexact => None,
        }
    }
}

/// What a line adds to the order's amount and tax; `None` if that cannot be calculated.
#[derive(Default)]
struct Line {
    total: Option<i128>,
    /// The tax stated on the line.
    tax: Option<i128>,
    /// The same, with the total of a `sales_tax` line as its tax.
    separate_tax: Option<i128>,
}

impl Faults {
    fn require(&mut self, holds: bool, path: impl AsRef<str>) {
        let message = format!("Bad value: {}", path.as_ref());
        if !holds && !self.messages.contains(&message) {
            self.messages.push(message);
        }
    }

    fn order(&mut self, body: &Value) {
        let country = body["purchase_country"].as_str().unwrap_or_default();
        self.require(country.len() == 2 && country != "AQ", "purchase_country");
        let email = body["billing_address"]["email"].as_str().unwrap_or_default();
        self.require(!email.ends_with("@refused.example"), "billing_address.email");
        self.require(
            body["purchase_currency"].as_str().is_some_and(|code| code.len() == 3),
            "purchase_currency",
        );
        self.require(body["locale"].as_str().is_some_and(|locale| locale.len() >= 2), "locale");
        for name in ["merchant_reference1", "merchant_reference2"] {
            self.optional_text(body, name, 255, name);
        }
        self.optional_text(body, "merchant_data", 6_000, "merchant_data");
        self.optional_text(
            &body["customer"],
            "klarna_access_token",
            usize::MAX,
            "customer.klarna_access_token",
        );
        if let Some(urls) = body.get("merchant_urls").filter(|urls| !urls.is_null()) {
            for name in ["terms", "checkout", "confirmation", "push"] {
                let fits =
                    urls[name].as_str().is_some_and(|url| !url.is_empty() && url.chars().count() <= 2_000);
                self.require(fits, format!("merchant_urls.{name}"));
            }
        }
        let lines = body["order_lines"].as_array().map_or(&[][..], Vec::as_slice);
        self.require((1..=MAX_LINES).contains(&lines.len()), "order_lines");
        let in_us = country.eq_ignore_ascii_case("US");
        let lines: Vec<Line> =
            lines.iter().enumerate().map(|(index, line)| self.line(index, line, in_us)).collect();
        let sum = |part: fn(&Line) -> Option<i128>| lines.iter().map(part).sum::<Option<i128>>();
        let total = sum(|line| line.total);
        let taxes = match (self.strict, in_us) {
            (true, true) => vec![sum(|line| line.separate_tax)],
            (_, false) => vec![sum(|line| line.tax)],
            (false, true) => vec![sum(|line| line.tax), sum(|line| line.separate_tax)],
        };
        self.sum(body, "order_amount", &[total]);
        self.sum(body, "order_tax_amount", &taxes);
    }

    /// Requires the member to equal one of the sums, as far as they can be calculated.
    fn sum(&mut self, body: &Value, name: &str, sums: &[Option<i128>]) {
        match self.number(body, name, 0..=i64::MAX, name) {
            Some(Amount::Exact(number)) if self.strict => {
                self.require(sums.contains(&Some(number.into())), name);
            }
            Some(Amount::Exact(number)) => {
                let fits = sums.iter().any(|sum| sum.is_none_or(|sum| sum == i128::from(number)));
                self.require(fits, name);
            }
            Some(Amount::Inexact) | None => {}
        }
    }

    fn line(&mut self, index: usize, line: &Value, in_us: bool) -> Line {
        let path = |name: &str| format!("order_lines[{index}].{name}");
        let name =
            text(&line["name"], self.strict).is_some_and(|name| (1..=255).contains(&name.chars().count()));
        self.require(name, path("name"));
        self.optional_text(line, "reference", 255, path("reference"));
        let least = if self.strict { -MAX_AMOUNT } else { i64::MIN };
        let quantity = self.number(line, "quantity", 0..=i64::MAX, path("quantity"));
        let unit_price = self.number(line, "unit_price", least..=MAX_AMOUNT, path("unit_price"));
        let rate = self.number(line, "tax_rate", 0..=MAX_TAX_RATE, path("tax_rate"));
        let total = self.number(line, "total_amount", least..=MAX_AMOUNT, path("total_amount"));
        let tax = self.number(line, "total_tax_amount", least..=i64::MAX, path("total_tax_amount"));
        let discount =
            match line.get("total_discount_amount").filter(|discount| self.strict || !discount.is_null()) {
                None => Some(Amount::Exact(0)),
                Some(_) => {
                    self.number(line, "total_discount_amount", 0..=i64::MAX, path("total_discount_amount"))
                }
            };
        if self.strict && [quantity, unit_price, rate, total, tax, discount].iter().any(Option::is_none) {
            return Line::default();
        }
        let exact = |amount: Option<Amount>| amount.and_then(Amount::exact);
        let (total, tax) = (exact(total), exact(tax));
        if let (Some(quantity), Some(price), Some(discount), Some(total)) =
            (exact(quantity), exact(unit_price), exact(discount), total)
        {
            let tolerance = if self.strict { 0 } else { quantity };
            self.require((quantity * price - discount - total).abs() <= tolerance, path("total_amount"));
        }
        if let (Some(total), Some(tax), Some(rate)) = (total, tax, exact(rate))
            && (self.strict || !in_us)
        {
            // Within 1 of total - total * 10000 / (10000 + rate), which is total * rate / (10000 +
            // rate).
            let whole = 10_000 + rate;
            self.require((tax * whole - total * rate).abs() <= whole, path("total_tax_amount"));
        }
        if in_us && self.strict {
            self.require(tax.is_none_or(|tax| tax == 0), path("total_tax_amount"));
        }
        let is_sales_tax = line["type"] == "sales_tax";
        let separate_tax = match (is_sales_tax, self.strict) {
            (true, _) => total,
            (false, true) => Some(0),
            (false, false) => tax,
        };
        Line { total, tax, separate_tax }
    }

    fn number(
        &mut self,
        object: &Value,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
        path: impl AsRef<str>,
    ) -> Option<Amount> {
        let number = match integer(&object[name]) {
            Some(number) => range.contains(&number).then_some(Amount::Exact(number)),
            None if self.strict => None,
            None => inexact(&object[name], &range).then_some(Amount::Inexact),
        };
        self.require(number.is_some(), path);
        number
    }

    fn optional_text(&mut self, object: &Value, name: &str, longest: usize, path: impl AsRef<str>) {
        let fits = match object.get(name) {
            None | Some(Value::Null) => true,
            Some(value) => text(value, self.strict).is_some_and(|text| text.chars().count() <= longest),
        };
        self.require(fits, path);
    }
}

/// Returns a member's text. Unless strict, a number or a boolean is text too.
fn text(value: &Value, strict: bool) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) if !strict => Some(value.to_string()),
        _ => None,
    }
}

/// Returns an integer. `-0` is one too, but `serde_json` reads it as a float.
fn integer(value: &Value) -> Option<i64> {
    let is_minus_zero = || value.as_f64().is_some_and(|number| number.to_bits() == (-0.0_f64).to_bits());
    value.as_i64().or_else(|| is_minus_zero().then_some(0))
}

/// Returns whether the value is a fraction, or a number as text, within the range.
#[expect(clippy::cast_precision_loss, reason = "the bounds are far apart, or small enough to be exact")]
fn inexact(value: &Value, range: &std::ops::RangeInclusive<i64>) -> bool {
    let number = match value {
        Value::String(text) => serde_json::from_str(text).ok(),
        value if value.is_f64() => value.as_f64(),
        _ => None,
    };
    number.is_some_and(|number: f64| number >= *range.start() as f64 && number <= *range.end() as f64)
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
        klarna_faults(&order.to_string(), true)
    }

    fn lenient(change: impl Fn(&mut Value)) -> Vec<String> {
        let mut order = order();
        change(&mut order);
        klarna_faults(&order.to_string(), false)
    }

    #[test]
    fn klarnas_own_example_passes() {
        assert_eq!(faults(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn each_rule_is_told_by_its_field() {
        assert_eq!(klarna_faults("[1]", false), ["Malformed JSON"]);
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
        let priced = |price: &str| {
            klarna_faults(&order().to_string().replace(r#""total_discount_amount":0"#, price), true)
        };
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
        assert_eq!(
            set("/order_lines/0/unit_price", json!(10_002)).1,
            ["Bad value: order_lines[0].total_amount"]
        );
        assert_eq!(set("/order_lines/0/tax_rate", json!(10_000.5)).1, ["Bad value: order_lines[0].tax_rate"]);
        assert_eq!(set("/order_amount", json!("many")).1, ["Bad value: order_amount"]);
        assert_eq!(set("/purchase_country", json!("US")), (2, vec![]));
    }
}
