//! Rules for `order_lines` and the sums over them.

use super::amounts::{line_total, nearest_tax, tax_fits};
use crate::order::fields::{Faults, Fields, Need};

const MOST_LINES: usize = 1000;
const MOST_AMOUNT: i64 = 100_000_000;
const MOST_RATE: i64 = 10_000;

/// The optional strings of a line, with their most characters.
const TEXTS: [(&str, usize); 6] = [
    ("type", usize::MAX),
    ("reference", 255),
    ("quantity_unit", usize::MAX),
    ("merchant_data", 1024),
    ("product_url", 1024),
    ("image_url", 1024),
];

/// The strings of a line's `product_identifiers`, with their most characters.
const IDENTIFIERS: [(&str, usize); 6] = [
    ("brand", 70),
    ("category_path", 750),
    ("color", 64),
    ("global_trade_item_number", 50),
    ("manufacturer_part_number", 70),
    ("size", 64),
];

/// How an order states its tax.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Regime {
    /// Each line includes its tax.
    Included,
    /// In the US: tax is a separate line with the type `sales_tax`, and the other lines have no
    /// tax.
    SalesTax,
}

impl Regime {
    pub fn of(country: Option<&str>) -> Self {
        if country.is_some_and(|code| code.eq_ignore_ascii_case("US")) { Self::SalesTax } else { Self::Included }
    }
}

/// The amounts of a line that the sums need; `None` for an amount that could not be read.
#[derive(Default)]
struct Line {
    is_sales_tax: bool,
    total: Option<i64>,
    tax: Option<i64>,
}

pub(super) fn check(order: &Fields<'_>, regime: Regime, faults: &mut Faults<'_>) {
    let amount = order.integer("order_amount", Need::Required, &(0..=i64::MAX), faults);
    let tax = order.integer("order_tax_amount", Need::Required, &(0..=i64::MAX), faults);
    let Some(items) = order.objects("order_lines", "an array of 1 to 1000 lines", faults) else {
        return;
    };
    if items.is_empty() || items.len() > MOST_LINES {
        order.fault("order_lines", format!("has {} lines, expected 1 to {MOST_LINES}", items.len()), faults);
        return;
    }
    let lines: Vec<Line> = items
        .iter()
        .map(|item| item.as_ref().map_or_else(Line::default, |line| check_line(line, regime, faults)))
        .collect();
    if let (Some(amount), Some(sum)) = (amount, sum(&lines, |line| line.total))
        && i128::from(amount) != sum
    {
        let message = format!("is {amount}, expected {sum}: the sum of the lines' total_amount");
        order.fault("order_amount", message, faults);
    }
    if let Some(tax) = tax {
        check_order_tax(order, tax, &lines, regime, faults);
    }
}

/// Checks the order's tax. In the US, a shop writes the tax as `total_amount` of the `sales_tax`
/// lines (as in Klarna's examples, where those lines have no tax of their own) or also as their
/// `total_tax_amount`. The order's tax may equal either sum.
fn check_order_tax(order: &Fields<'_>, tax: i64, lines: &[Line], regime: Regime, faults: &mut Faults<'_>) {
    let Some(included) = sum(lines, |line| line.tax) else {
        return;
    };
    let (expected, of_what) = match regime {
        Regime::Included => (Some(included), "the sum of the lines' total_tax_amount"),
        Regime::SalesTax => (
            sum(lines, |line| if line.is_sales_tax { line.total } else { line.tax }),
            "the sum of the sales_tax lines' total_amount",
        ),
    };
    let Some(expected) = expected else { return };
    if ![included, expected].contains(&i128::from(tax)) {
        order.fault("order_tax_amount", format!("is {tax}, expected {expected}: {of_what}"), faults);
    }
}

fn check_line(line: &Fields<'_>, regime: Regime, faults: &mut Faults<'_>) -> Line {
    line.string("name", Need::Required, &(1..=255), faults);
    let mut is_sales_tax = false;
    for (name, most) in TEXTS {
        let text = line.string(name, Need::Optional, &(0..=most), faults);
        is_sales_tax |= name == "type" && text.as_deref() == Some("sales_tax");
    }
    if let Some(identifiers) = line.object("product_identifiers", faults) {
        for (name, most) in IDENTIFIERS {
            identifiers.string(name, Need::Optional, &(0..=most), faults);
        }
    }
    let total = check_total(line, faults);
    let tax = check_tax(line, total, regime, is_sales_tax, faults);
    Line { is_sales_tax, total, tax }
}

/// Checks a line's `total_amount`. Klarna states no minimum for `unit_price` or `total_amount`:
/// discounts, gift cards and store credit are negative.
fn check_total(line: &Fields<'_>, faults: &mut Faults<'_>) -> Option<i64> {
    let quantity = line.integer("quantity", Need::Required, &(0..=i64::MAX), faults);
    let unit_price = line.integer("unit_price", Need::Required, &(i64::MIN..=MOST_AMOUNT), faults);
    let given = line.integer("total_discount_amount", Need::Optional, &(0..=i64::MAX), faults);
    let total = line.integer("total_amount", Need::Required, &(i64::MIN..=MOST_AMOUNT), faults);
    // An unreadable discount is already a fault. Do not compare the total with it.
    let discount = given.or_else(|| line.is_absent("total_discount_amount").then_some(0));
    if let (Some(quantity), Some(unit_price), Some(discount), Some(total)) = (quantity, unit_price, discount, total) {
        let expected = line_total(quantity, unit_price, discount);
        if i128::from(total) != expected {
            let message = format!(
                "is {total}, expected {expected}: \
                 quantity {quantity} × unit_price {unit_price} − total_discount_amount {discount}"
            );
            line.fault("total_amount", message, faults);
        }
    }
    total
}

fn check_tax(
    line: &Fields<'_>,
    total: Option<i64>,
    regime: Regime,
    is_sales_tax: bool,
    faults: &mut Faults<'_>,
) -> Option<i64> {
    let rate = line.integer("tax_rate", Need::Required, &(0..=MOST_RATE), faults);
    let tax = line.integer("total_tax_amount", Need::Required, &(i64::MIN..=i64::MAX), faults);
    if regime == Regime::SalesTax && !is_sales_tax {
        for (name, value) in [("tax_rate", rate), ("total_tax_amount", tax)] {
            if let Some(value) = value.filter(|value| *value != 0) {
                let message =
                    format!("is {value}, expected 0: in the US, tax is a separate line with the type sales_tax");
                line.fault(name, message, faults);
            }
        }
    } else if let (Some(total), Some(rate), Some(tax)) = (total, rate, tax) {
        let is_all_tax = regime == Regime::SalesTax && tax == total;
        if !is_all_tax && !tax_fits(total, rate, tax) {
            let expected = nearest_tax(total, rate);
            let message =
                format!("is {tax}, expected {expected} (±1): the tax in total_amount {total} at tax_rate {rate}");
            line.fault("total_tax_amount", message, faults);
        }
    }
    tax
}

/// Returns the sum over all lines, or `None` if one of them could not be read.
fn sum(lines: &[Line], amount: impl Fn(&Line) -> Option<i64>) -> Option<i128> {
    lines.iter().map(|line| amount(line).map(i128::from)).sum()
}
