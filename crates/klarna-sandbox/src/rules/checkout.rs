//! Creating an order of Checkout.

use serde_json::Value;

use super::{ANY, Amount, Faults, MAX_TAX_RATE, TextRule, at_most, exact, faults_of};

const MAX_AMOUNT: i64 = 100_000_000;
const MAX_URL: usize = 2_000;

/// The URLs that may be absent, and whether each must be https.
const OPTIONAL_URLS: [(&str, bool); 6] = [
    ("validation", true),
    ("notification", false),
    ("cancellation_terms", false),
    ("shipping_option_update", true),
    ("address_update", true),
    ("country_change", true),
];

/// The texts of a line beside its name, with their most characters.
const LINE: [TextRule<'static>; 6] = [
    at_most("type", ANY),
    at_most("reference", 255),
    at_most("quantity_unit", ANY),
    at_most("merchant_data", 1_024),
    at_most("product_url", 1_024),
    at_most("image_url", 1_024),
];

/// The texts of a line's `product_identifiers`, with their most characters.
const IDENTIFIERS: [TextRule<'static>; 6] = [
    at_most("brand", 70),
    at_most("category_path", 750),
    at_most("color", 64),
    at_most("global_trade_item_number", 50),
    at_most("manufacturer_part_number", 70),
    at_most("size", 64),
];

/// Returns Klarna's error messages about an order's body; empty if Klarna would accept it.
pub(crate) fn order_faults(text: &str, strict: bool) -> Vec<String> {
    faults_of(text, strict, Faults::order)
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
    fn order(&mut self, body: &Value) {
        let in_us = self.head(body);
        if let Some(urls) = self.object(body, "merchant_urls", "merchant_urls") {
            self.urls(urls);
        }
        let lines: Vec<Line> =
            (0..).zip(self.lines(body)).map(|(index, line)| self.line(index, line, in_us)).collect();
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

    fn urls(&mut self, urls: &Value) {
        for name in ["terms", "checkout", "confirmation", "push"] {
            let url = super::text(&urls[name], self.strict);
            let fits = url.is_some_and(|url| (1..=MAX_URL).contains(&url.chars().count()));
            self.require(fits, format!("merchant_urls.{name}"));
        }
        for (name, secure) in OPTIONAL_URLS {
            self.texts(urls, "merchant_urls.", &[at_most(name, MAX_URL)]);
            let url = super::text(&urls[name], self.strict).unwrap_or_default().to_ascii_lowercase();
            let fits = !secure || url.is_empty() || url.starts_with("https://");
            self.require(fits, format!("merchant_urls.{name}"));
        }
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
        self.name(line, path("name"));
        self.texts(line, &path(""), &LINE);
        if let Some(identifiers) = self.object(line, "product_identifiers", path("product_identifiers")) {
            self.texts(identifiers, &path("product_identifiers."), &IDENTIFIERS);
        }
        let least = if self.strict { -MAX_AMOUNT } else { i64::MIN };
        let quantity = self.number(line, "quantity", 0..=i64::MAX, path("quantity"));
        let unit_price = self.number(line, "unit_price", least..=MAX_AMOUNT, path("unit_price"));
        let rate = self.number(line, "tax_rate", 0..=MAX_TAX_RATE, path("tax_rate"));
        let total = self.number(line, "total_amount", least..=MAX_AMOUNT, path("total_amount"));
        let tax = self.number(line, "total_tax_amount", least..=i64::MAX, path("total_tax_amount"));
        let discount =
            self.optional_number(line, "total_discount_amount", 0..=i64::MAX, path("total_discount_amount"));
        if self.strict && [quantity, unit_price, rate, total, tax, discount].iter().any(Option::is_none) {
            return Line::default();
        }
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
}
