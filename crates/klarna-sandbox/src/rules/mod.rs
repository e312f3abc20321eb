//! Klarna's rules for the body of a create call, independent of the worker's rules.
//!
//! By default, a body is refused only for what Klarna is known to refuse, according to its API
//! descriptions (Checkout API v3, Klarna Payments), its answers, and orders of live shops that it
//! accepts. With `strict`, the API descriptions are applied by the letter, and sums must be exact.

mod checkout;
mod sessions;

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use serde_json::Value;

pub(super) use self::checkout::order_faults;
pub(super) use self::sessions::session_faults;

const MAX_LINES: usize = 1_000;
const MAX_TAX_RATE: i64 = 10_000;
/// The most characters of a text without a limit.
const ANY: usize = usize::MAX;

/// An optional text of an object, and its most characters.
#[derive(Clone, Copy)]
struct TextRule<'a> {
    name: &'a str,
    most: usize,
}

const fn at_most(name: &str, most: usize) -> TextRule<'_> {
    TextRule { name, most }
}

/// The texts of an address.
const ADDRESS: [&str; 15] = [
    "given_name",
    "family_name",
    "email",
    "title",
    "street_address",
    "street_address2",
    "street_name",
    "street_number",
    "house_extension",
    "postal_code",
    "city",
    "region",
    "phone",
    "country",
    "care_of",
];

/// Returns Klarna's error messages about a body that `check` looks at; empty if Klarna would accept
/// it.
fn faults_of(text: &str, strict: bool, check: impl FnOnce(&mut Faults, &Value)) -> Vec<String> {
    match serde_json::from_str::<Value>(text) {
        Ok(body) if body.is_object() => {
            let mut faults = Faults { strict, messages: Vec::new() };
            check(&mut faults, &body);
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

/// Returns a number that sums can be calculated with.
fn exact(amount: Option<Amount>) -> Option<i128> {
    match amount? {
        Amount::Exact(number) => Some(number.into()),
        Amount::Inexact => None,
    }
}

impl Faults {
    fn require(&mut self, holds: bool, path: impl AsRef<str>) {
        let message = format!("Bad value: {}", path.as_ref());
        if !holds && !self.messages.contains(&message) {
            self.messages.push(message);
        }
    }

    /// Checks what both create calls have beside lines and sums. Returns whether the order is from
    /// the United States.
    ///
    /// Two values are refused although they are well-formed, so that tests have something that only
    /// Klarna refuses: the purchase country `AQ`, and e-mail addresses at `refused.example`.
    fn head(&mut self, body: &Value) -> bool {
        let country = body["purchase_country"].as_str().unwrap_or_default();
        self.require(has_letters(country, 2) && country != "AQ", "purchase_country");
        let email = body["billing_address"]["email"].as_str().unwrap_or_default();
        self.require(!email.ends_with("@refused.example"), "billing_address.email");
        let currency = body["purchase_currency"].as_str();
        self.require(currency.is_some_and(|code| has_letters(code, 3)), "purchase_currency");
        let locale = body["locale"].as_str();
        self.require(locale.is_some_and(|text| text.split('-').all(|part| has_letters(part, 2))), "locale");
        self.texts(
            body,
            "",
            &[
                at_most("merchant_reference1", 255),
                at_most("merchant_reference2", 255),
                at_most("merchant_data", 6_000),
            ],
        );
        for name in ["billing_address", "shipping_address"] {
            if let Some(address) = self.object(body, name, name) {
                self.texts(address, &format!("{name}."), &ADDRESS.map(|field| at_most(field, ANY)));
            }
        }
        if let Some(customer) = self.object(body, "customer", "customer") {
            self.texts(
                customer,
                "customer.",
                &["klarna_access_token", "date_of_birth"].map(|name| at_most(name, ANY)),
            );
            let born = text(&customer["date_of_birth"], self.strict).unwrap_or_default();
            self.require(born.is_empty() || is_date(&born), "customer.date_of_birth");
        }
        country.eq_ignore_ascii_case("US")
    }

    /// Returns the lines of a body.
    fn lines<'a>(&mut self, body: &'a Value) -> &'a [Value] {
        let lines = body["order_lines"].as_array().map_or(&[][..], Vec::as_slice);
        self.require((1..=MAX_LINES).contains(&lines.len()), "order_lines");
        lines
    }

    fn name(&mut self, line: &Value, path: impl AsRef<str>) {
        let name = text(&line["name"], self.strict);
        self.require(name.is_some_and(|name| (1..=255).contains(&name.chars().count())), path);
    }

    /// Returns whether a value stands for an absent member. Unless strict, an empty text and an
    /// empty array do: PHP writes an empty object as an empty array.
    fn is_absent(&self, value: Option<&Value>) -> bool {
        value.is_none_or(|value| {
            let is_empty = *value == "" || value.as_array().is_some_and(Vec::is_empty);
            value.is_null() || (is_empty && !self.strict)
        })
    }

    /// Returns an optional object.
    fn object<'a>(&mut self, parent: &'a Value, name: &str, path: impl AsRef<str>) -> Option<&'a Value> {
        let value = parent.get(name);
        let object = value.filter(|value| value.is_object());
        self.require(object.is_some() || self.is_absent(value), path);
        object
    }

    /// Checks optional texts. `prefix` is the path of their object.
    fn texts(&mut self, object: &Value, prefix: &str, texts: &[TextRule<'_>]) {
        for TextRule { name, most } in texts {
            let value = object.get(*name);
            let fits = self.is_absent(value)
                || value
                    .and_then(|value| text(value, self.strict))
                    .is_some_and(|text| text.chars().count() <= *most);
            self.require(fits, format!("{prefix}{name}"));
        }
    }

    fn number(
        &mut self,
        object: &Value,
        name: &str,
        range: RangeInclusive<i64>,
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

    /// Returns a number that may be absent, which counts as 0. With `strict`, null is no number.
    fn optional_number(
        &mut self,
        object: &Value,
        name: &str,
        range: RangeInclusive<i64>,
        path: impl AsRef<str>,
    ) -> Option<Amount> {
        let value = object.get(name);
        if self.is_absent(value) && (value.is_none() || !self.strict) {
            return Some(Amount::Exact(0));
        }
        self.number(object, name, range, path)
    }
}

fn has_letters(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_date(text: &str) -> bool {
    text.parse::<NaiveDate>().is_ok_and(|date| date.to_string() == text)
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
fn inexact(value: &Value, range: &RangeInclusive<i64>) -> bool {
    let number = match value {
        Value::String(text) => serde_json::from_str(text).ok(),
        value if value.is_f64() => value.as_f64(),
        _ => None,
    };
    number.is_some_and(|number: f64| number >= *range.start() as f64 && number <= *range.end() as f64)
}

#[cfg(test)]
mod tests;
