//! Creating a session of Klarna Payments.

use serde_json::Value;

use super::{ANY, Faults, MAX_TAX_RATE, at_most, exact, faults_of};

/// Klarna's limit for `unit_price` and `total_amount`, twice that of Checkout.
const MAX_AMOUNT: i64 = 200_000_000;

/// Returns Klarna's error messages about a session's body; empty if Klarna would accept it. Unless
/// `strict`, sums may be off by the number of items.
pub(crate) fn session_faults(text: &str, strict: bool) -> Vec<String> {
    faults_of(text, strict, Faults::session)
}

/// What a line adds to the session's sums; `None` if that cannot be calculated.
struct Line {
    /// At least 1.
    items: Option<i128>,
    total: Option<i128>,
    tax: Option<i128>,
    /// The same, with the total of a `sales_tax` line as its tax.
    separate_tax: Option<i128>,
}

impl Faults {
    fn session(&mut self, body: &Value) {
        self.head(body);
        let lines: Vec<Line> =
            (0..).zip(self.lines(body)).map(|(index, line)| self.session_line(index, line)).collect();
        let sum = |part: fn(&Line) -> Option<i128>| lines.iter().map(part).sum::<Option<i128>>();
        let items = sum(|line| line.items);
        let amount = exact(self.number(body, "order_amount", 0..=i64::MAX, "order_amount"));
        self.require(self.fits(amount, &[sum(|line| line.total)], items), "order_amount");
        if !self.is_absent(body.get("order_tax_amount")) {
            let tax = exact(self.number(body, "order_tax_amount", 0..=i64::MAX, "order_tax_amount"));
            let taxes = [sum(|line| line.tax), sum(|line| line.separate_tax)];
            self.require(self.fits(tax, &taxes, items), "order_tax_amount");
        }
    }

    /// Returns whether a sum is close enough to one of those that were calculated from `items`
    /// items.
    fn fits(&self, given: Option<i128>, sums: &[Option<i128>], items: Option<i128>) -> bool {
        let (Some(given), Some(items)) = (given, items) else { return true };
        let tolerance = if self.strict { 0 } else { items };
        sums.iter().any(|sum| sum.is_none_or(|sum| (given - sum).abs() <= tolerance))
    }

    fn session_line(&mut self, index: usize, line: &Value) -> Line {
        let path = |name: &str| format!("order_lines[{index}].{name}");
        self.name(line, path("name"));
        self.texts(line, &path(""), &[at_most("type", ANY)]);
        let mut number = |name: &str, range| exact(self.number(line, name, range, path(name)));
        let quantity = number("quantity", 0..=i64::MAX);
        let price = number("unit_price", i64::MIN..=MAX_AMOUNT);
        let total = number("total_amount", i64::MIN..=MAX_AMOUNT);
        let mut optional = |name: &str, range| exact(self.optional_number(line, name, range, path(name)));
        let discount = optional("total_discount_amount", 0..=i64::MAX);
        let tax = optional("total_tax_amount", i64::MIN..=i64::MAX);
        optional("tax_rate", 0..=MAX_TAX_RATE);
        let items = quantity.map(|quantity| quantity.max(1));
        let expected = || Some(quantity? * price? - discount?);
        self.require(self.fits(total, &[expected()], items), path("total_amount"));
        let separate_tax = if line["type"] == "sales_tax" { total } else { tax };
        Line { items, total, tax, separate_tax }
    }
}
