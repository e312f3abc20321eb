//! Rules for creating a session of Klarna Payments (`POST /payments/v1/sessions`).
//!
//! Source: Klarna's API description of Klarna Payments. It lets sums differ from the lines by the
//! number of items, because shops round prices of single items. Tax may be left out everywhere.

use super::amounts::line_total;
use super::lines::exact;
use super::{address, codes, texts};
use crate::order::fields::{Faults, Fields, Need};

const MOST_LINES: usize = 1000;
/// Klarna's limit for `unit_price` and `total_amount`, twice that of Checkout.
const MOST_AMOUNT: i64 = 200_000_000;
const MOST_RATE: i64 = 10_000;

/// The amounts of a line that the sums need; `None` for an amount that could not be read, or is
/// not exact.
#[derive(Default)]
struct Line {
    /// How many items the line stands for, at least 1.
    items: Option<i64>,
    total: Option<i64>,
    /// 0 where the line states no tax.
    tax: Option<i64>,
    is_sales_tax: bool,
}

pub(super) fn check(order: &Fields<'_>, faults: &mut Faults<'_>) {
    codes(order, faults);
    let amount = exact(order.number("order_amount", Need::Required, &(0..=i64::MAX), faults));
    let tax = exact(order.number("order_tax_amount", Need::Optional, &(0..=i64::MAX), faults));
    if let Some(items) = order.objects("order_lines", MOST_LINES, faults) {
        let line = |item: &Option<Fields<'_>>| {
            item.as_ref().map(|line| check_line(line, faults)).unwrap_or_default()
        };
        let lines: Vec<Line> = items.iter().map(line).collect();
        check_sums(order, amount, tax, &lines, faults);
    }
    address::check(order, faults);
    texts(order, faults);
}

fn check_line(line: &Fields<'_>, faults: &mut Faults<'_>) -> Line {
    line.text("name", Need::Required, &(1..=255), faults);
    let kind = line.text("type", Need::Optional, &(0..=usize::MAX), faults);
    let quantity = exact(line.number("quantity", Need::Required, &(0..=i64::MAX), faults));
    let price = exact(line.number("unit_price", Need::Required, &(i64::MIN..=MOST_AMOUNT), faults));
    let discount = exact(line.number("total_discount_amount", Need::Optional, &(0..=i64::MAX), faults));
    let total = exact(line.number("total_amount", Need::Required, &(i64::MIN..=MOST_AMOUNT), faults));
    let tax = exact(line.number("total_tax_amount", Need::Optional, &(i64::MIN..=i64::MAX), faults));
    line.number("tax_rate", Need::Optional, &(0..=MOST_RATE), faults);
    let items = quantity.map(|quantity| quantity.max(1));
    let discount = discount.or_else(|| line.is_absent("total_discount_amount").then_some(0));
    if let (Some(quantity), Some(price), Some(discount), Some(total), Some(items)) =
        (quantity, price, discount, total, items)
    {
        let expected = line_total(quantity, price, discount);
        if is_off(total, expected, i128::from(items)) {
            let message = format!(
                "is {total}, expected {expected} (±{items}): \
                 quantity {quantity} × unit_price {price} − total_discount_amount {discount}"
            );
            line.fault("total_amount", message, faults);
        }
    }
    let tax = tax.or_else(|| line.is_absent("total_tax_amount").then_some(0));
    Line { items, total, tax, is_sales_tax: kind.as_deref() == Some("sales_tax") }
}

/// Compares the order's sums with its lines. An order's tax may be the sum of the lines' taxes, or,
/// as shops in the US write it, of the lines of type `sales_tax`.
fn check_sums(
    order: &Fields<'_>,
    amount: Option<i64>,
    tax: Option<i64>,
    lines: &[Line],
    faults: &mut Faults<'_>,
) {
    let Some(items) = sum(lines, |line| line.items) else { return };
    let expected = sum(lines, |line| line.total);
    if let (Some(amount), Some(expected)) = (amount, expected)
        && is_off(amount, expected, items)
    {
        let message =
            format!("is {amount}, expected {expected} (±{items}): the sum of the lines' total_amount");
        order.fault("order_amount", message, faults);
    }
    let included = sum(lines, |line| line.tax);
    let separate = sum(lines, |line| if line.is_sales_tax { line.total } else { line.tax });
    if let (Some(tax), Some(included), Some(separate)) = (tax, included, separate)
        && is_off(tax, included, items)
        && is_off(tax, separate, items)
    {
        let message =
            format!("is {tax}, expected {included} (±{items}): the sum of the lines' total_tax_amount");
        order.fault("order_tax_amount", message, faults);
    }
}

fn is_off(given: i64, expected: i128, tolerance: i128) -> bool {
    (i128::from(given) - expected).abs() > tolerance
}

/// Returns the sum over all lines, or `None` if an amount is unknown.
fn sum(lines: &[Line], amount: impl Fn(&Line) -> Option<i64>) -> Option<i128> {
    lines.iter().map(|line| amount(line).map(i128::from)).sum()
}
