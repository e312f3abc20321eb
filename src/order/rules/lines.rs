//! Rules for `order_lines` and the sums over them.
//!
//! Sources: members, kinds and limits, and the tax of a line within ±1, are from Klarna's API
//! description (Checkout API v3, `order_line`). So is the total of a line; that it may be off by
//! `quantity` is from Klarna's SDK for .NET and its cartridge for Salesforce. The sums are from
//! Klarna's answers (`Bad value: order_amount`, `Bad value: order_tax_amount`).

use super::amounts::{line_total, nearest_tax, tax_fits, total_fits};
use crate::order::fields::{Amount, Faults, Fields, Need};

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

/// The amounts of a line that the sums need. `None`: the amount could not be read, or is not exact.
#[derive(Default)]
struct Line {
    is_sales_tax: bool,
    total: Option<i64>,
    tax: Option<i64>,
}

/// Checks the lines and sums. `in_us`: the order is from the United States.
pub(super) fn check(order: &Fields<'_>, in_us: bool, faults: &mut Faults<'_>) {
    let amount = exact(order.number("order_amount", Need::Required, &(0..=i64::MAX), faults));
    let tax = exact(order.number("order_tax_amount", Need::Required, &(0..=i64::MAX), faults));
    let Some(items) = order.objects("order_lines", MOST_LINES, faults) else { return };
    let lines: Vec<Line> = items
        .iter()
        .map(|item| item.as_ref().map_or_else(Line::default, |line| check_line(line, in_us, faults)))
        .collect();
    if let (Some(amount), Some(sum)) = (amount, sum(&lines, |line| line.total))
        && i128::from(amount) != sum
    {
        let message = format!("is {amount}, expected {sum}: the sum of the lines' total_amount");
        order.fault("order_amount", message, faults);
    }
    if let Some(tax) = tax {
        check_order_tax(order, tax, &lines, in_us, faults);
    }
}

/// Returns an amount that sums can be compared with.
pub(super) fn exact(amount: Option<Amount>) -> Option<i64> {
    match amount? {
        Amount::Exact(number) => Some(number),
        Amount::Inexact => None,
    }
}

/// Checks the order's tax. In the US, some shops write the tax as `total_amount` of a line with the
/// type `sales_tax` (Klarna's guide), and others on each line (the example in Klarna's API
/// description). The order's tax may equal either sum.
fn check_order_tax(order: &Fields<'_>, tax: i64, lines: &[Line], in_us: bool, faults: &mut Faults<'_>) {
    let Some(on_lines) = sum(lines, |line| line.tax) else { return };
    let mut expected = (on_lines, "the sum of the lines' total_tax_amount");
    if in_us && lines.iter().any(|line| line.is_sales_tax) {
        let Some(separate) = sum(lines, |line| if line.is_sales_tax { line.total } else { line.tax }) else {
            return;
        };
        expected = (separate, "the sum of the sales_tax lines' total_amount");
    }
    if ![on_lines, expected.0].contains(&i128::from(tax)) {
        order.fault("order_tax_amount", format!("is {tax}, expected {}: {}", expected.0, expected.1), faults);
    }
}

fn check_line(line: &Fields<'_>, in_us: bool, faults: &mut Faults<'_>) -> Line {
    line.text("name", Need::Required, &(1..=255), faults);
    let mut is_sales_tax = false;
    for (name, most) in TEXTS {
        let text = line.text(name, Need::Optional, &(0..=most), faults);
        is_sales_tax |= name == "type" && text.as_deref() == Some("sales_tax");
    }
    if let Some(identifiers) = line.object("product_identifiers", faults) {
        for (name, most) in IDENTIFIERS {
            identifiers.text(name, Need::Optional, &(0..=most), faults);
        }
    }
    let total = check_total(line, faults);
    let tax = check_tax(line, total, in_us, faults);
    Line { is_sales_tax, total, tax }
}

/// Checks a line's `total_amount`. Klarna states no minimum for `unit_price` or `total_amount`:
/// discounts, gift cards and store credit are negative.
fn check_total(line: &Fields<'_>, faults: &mut Faults<'_>) -> Option<i64> {
    let quantity = exact(line.number("quantity", Need::Required, &(0..=i64::MAX), faults));
    let unit_price = exact(line.number("unit_price", Need::Required, &(i64::MIN..=MOST_AMOUNT), faults));
    let given = exact(line.number("total_discount_amount", Need::Optional, &(0..=i64::MAX), faults));
    let total = exact(line.number("total_amount", Need::Required, &(i64::MIN..=MOST_AMOUNT), faults));
    // Do not calculate with a discount that is present but could not be read.
    let discount = given.or_else(|| line.is_absent("total_discount_amount").then_some(0));
    if let (Some(quantity), Some(unit_price), Some(discount), Some(total)) =
        (quantity, unit_price, discount, total)
    {
        let expected = line_total(quantity, unit_price, discount);
        if !total_fits(total, expected, quantity) {
            let message = format!(
                "is {total}, expected {expected} (±{quantity}): \
                 quantity {quantity} × unit_price {unit_price} − total_discount_amount {discount}"
            );
            line.fault("total_amount", message, faults);
        }
    }
    total
}

/// Checks a line's tax. In the US, tax is added to the price, and no source says how a line's tax
/// and rate have to fit together there.
fn check_tax(line: &Fields<'_>, total: Option<i64>, in_us: bool, faults: &mut Faults<'_>) -> Option<i64> {
    let rate = exact(line.number("tax_rate", Need::Required, &(0..=MOST_RATE), faults));
    let tax = exact(line.number("total_tax_amount", Need::Required, &(i64::MIN..=i64::MAX), faults));
    if let (Some(total), Some(rate), Some(tax)) = (total, rate, tax)
        && !in_us
        && !tax_fits(total, rate, tax)
    {
        let expected = nearest_tax(total, rate);
        let message =
            format!("is {tax}, expected {expected} (±1): the tax in total_amount {total} at tax_rate {rate}");
        line.fault("total_tax_amount", message, faults);
    }
    tax
}

/// Returns the sum over all lines, or `None` if one of them could not be read or is not exact.
fn sum(lines: &[Line], amount: impl Fn(&Line) -> Option<i64>) -> Option<i128> {
    lines.iter().map(|line| amount(line).map(i128::from)).sum()
}
