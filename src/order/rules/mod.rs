//! Klarna's rules for creating an order (Checkout API v3) or a session (Klarna Payments), as far as
//! they can be checked in the body alone.
//!
//! A rule is here only if Klarna is known to refuse an order that breaks it: Klarna documents the
//! rule, and no live integration breaks it. Each file names its sources. If a faulty order passes,
//! Klarna still refuses it; but if a valid order is refused here, the sale is lost.

mod address;
mod amounts;
mod lines;
mod payments;
mod urls;

pub use address::is_date;

use super::fields::{Faults, Fields, Need, excerpt};
use super::{Body, Fault, Target};

/// Returns every violation of the target's rules in `body`, in document order. Empty for a valid
/// order.
#[must_use]
pub fn check(target: Target, body: &Body) -> Vec<Fault> {
    let mut faults = Faults::new(body.as_str());
    if let Some(order) = body.raw().and_then(Fields::of_order) {
        match target {
            Target::Checkout => checkout(&order, &mut faults),
            Target::Payments => payments::check(&order, &mut faults),
        }
    }
    faults.sorted()
}

fn checkout(order: &Fields<'_>, faults: &mut Faults<'_>) {
    let country = codes(order, faults);
    let in_us = country.is_some_and(|code| code.eq_ignore_ascii_case("US"));
    lines::check(order, in_us, faults);
    urls::check(order, faults);
    address::check(order, faults);
    texts(order, faults);
}

/// Checks the form of country, currency and locale (which combinations are allowed depends on the
/// merchant's contract). Returns the purchase country. Source: the patterns in Klarna's API
/// description.
fn codes(order: &Fields<'_>, faults: &mut Faults<'_>) -> Option<String> {
    code(order, "purchase_currency", "an ISO 4217 code such as \"SEK\"", |text| is_letters(text, 3), faults);
    code(order, "locale", "a language, usually with a country, such as \"en-SE\"", is_locale, faults);
    code(
        order,
        "purchase_country",
        "an ISO 3166 alpha-2 code such as \"SE\"",
        |text| is_letters(text, 2),
        faults,
    )
}

fn code(
    order: &Fields<'_>,
    name: &str,
    expected: &str,
    is_right: impl Fn(&str) -> bool,
    faults: &mut Faults<'_>,
) -> Option<String> {
    let text = order.text(name, Need::Required, &(0..=usize::MAX), faults)?;
    if is_right(&text) {
        return Some(text.into_owned());
    }
    order.fault(name, format!("is {:?}, expected {expected}", excerpt(&text)), faults);
    None
}

fn is_letters(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Klarna's pattern: `^[A-Za-z]{2,2}(?:-[A-Za-z]{2,2})*$`.
fn is_locale(text: &str) -> bool {
    text.split('-').all(|part| is_letters(part, 2))
}

/// Checks the texts that Klarna stores for the shop. Source: the limits in Klarna's API
/// description.
fn texts(order: &Fields<'_>, faults: &mut Faults<'_>) {
    for (name, most) in [("merchant_reference1", 255), ("merchant_reference2", 255), ("merchant_data", 6000)]
    {
        order.text(name, Need::Optional, &(0..=most), faults);
    }
}

#[cfg(test)]
mod tests;
