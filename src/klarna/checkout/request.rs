//! Builds the body for Klarna: the shop's order, the access token, and fields from the `id_token`.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::order::{Body, OrderId, is_date};
use crate::token::claims::{Address, Claims};

/// The most characters of a value that is filled in: Klarna's limit for names and references.
const MOST_CHARACTERS: usize = 255;

/// The fields of a postal address. An order with any of these has its own address, and nothing is
/// filled in beside it: two halves of different addresses would result. (Klarna also forbids
/// `street_name` and `street_number` together with `street_address`.)
const ADDRESS_FIELDS: [&str; 10] = [
    "street_address",
    "street_address2",
    "street_name",
    "street_number",
    "house_extension",
    "care_of",
    "postal_code",
    "city",
    "region",
    "country",
];

/// A request body, ready to be sent.
pub struct Built {
    /// The JSON text. It contains the access token, so it is wiped when dropped.
    pub json: Zeroizing<String>,
    /// JSON pointers of the fields that were filled in from the `id_token`, in that order; never
    /// their values.
    pub prefilled: Vec<String>,
}

impl fmt::Debug for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Built").field("prefilled", &self.prefilled).finish_non_exhaustive()
    }
}

/// Builds the request body. Only absent or `null` members are added. All other bytes are sent as
/// the shop wrote them.
///
/// - `claims`, if given, fill in name, e-mail, phone and date of birth one by one, and the address
///   as a whole or not at all. A value that Klarna might refuse is left out, so that prefill never
///   causes a refusal.
/// - `order_id` becomes `merchant_reference2`, so that an order whose answer was lost can be found
///   at Klarna.
/// - `access_token` becomes `customer.klarna_access_token`.
#[must_use]
pub fn build(body: &Body, order_id: OrderId, access_token: Option<&SecretString>, claims: Option<&Claims>) -> Built {
    let order_id = order_id.to_string();
    let mut values = claims.map(|claims| prefill(body, claims)).unwrap_or_default();
    let claimed = values.len();
    values.push((&["merchant_reference2"], &order_id));
    if let Some(token) = access_token {
        values.push((&["customer", "klarna_access_token"], token.expose_secret()));
    }
    let (json, went_in) = body.filled(&values);
    let prefilled = values.iter().zip(went_in).take(claimed).filter(|(_, went_in)| *went_in);
    Built { json, prefilled: prefilled.map(|((path, _), _)| format!("/{}", path.join("/"))).collect() }
}

/// A value and its path in the body.
type Value<'a> = (&'static [&'static str], &'a str);

/// A claim, the path that it is filled into, and what a value must be to be sent.
struct Claimed<'a> {
    path: &'static [&'static str],
    value: Option<&'a str>,
    fits: fn(&str) -> bool,
}

impl<'a> Claimed<'a> {
    fn new(path: &'static [&'static str], value: Option<&'a str>, fits: fn(&str) -> bool) -> Self {
        Self { path, value, fits }
    }

    fn fit(self) -> Option<Value<'a>> {
        Some((self.path, self.value.filter(|value| (self.fits)(value))?))
    }
}

/// Returns the values from the claims that may be sent.
fn prefill<'a>(body: &Body, claims: &'a Claims) -> Vec<Value<'a>> {
    let parts = [
        Claimed::new(&["billing_address", "given_name"], claims.given_name.as_deref(), is_text),
        Claimed::new(&["billing_address", "family_name"], claims.family_name.as_deref(), is_text),
        Claimed::new(&["billing_address", "email"], claims.email.as_deref(), is_email),
        Claimed::new(&["billing_address", "phone"], claims.phone.as_deref(), is_phone),
    ];
    let mut values: Vec<_> = parts.into_iter().filter_map(Claimed::fit).collect();
    if let Some(claimed) = &claims.address
        && !body.holds_any(&["billing_address"], &ADDRESS_FIELDS)
    {
        values.extend(address(claimed).into_iter().flatten());
    }
    values.extend(Claimed::new(&["customer", "date_of_birth"], claims.date_of_birth.as_deref(), is_date).fit());
    values
}

/// Returns the whole address, or `None`: an address with a part missing could send the goods to the
/// wrong place.
fn address(address: &Address) -> Option<Vec<Value<'_>>> {
    let parts = [
        Claimed::new(&["billing_address", "street_address"], address.street_address.as_deref(), is_text),
        Claimed::new(&["billing_address", "street_address2"], address.street_address2.as_deref(), is_text),
        Claimed::new(&["billing_address", "postal_code"], address.postal_code.as_deref(), is_text),
        Claimed::new(&["billing_address", "city"], address.city.as_deref(), is_text),
        Claimed::new(&["billing_address", "region"], address.region.as_deref(), is_text),
        Claimed::new(&["billing_address", "country"], address.country.as_deref(), is_country),
    ];
    let said = parts.into_iter().filter(|part| part.value.is_some_and(|value| !value.trim().is_empty()));
    said.map(Claimed::fit).collect()
}

fn is_text(value: &str) -> bool {
    !value.trim().is_empty() && value.chars().count() <= MOST_CHARACTERS && !value.chars().any(char::is_control)
}

fn is_email(value: &str) -> bool {
    let parts = value.split_once('@');
    is_text(value)
        && !value.contains(char::is_whitespace)
        && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

fn is_phone(value: &str) -> bool {
    let is_part = |character: char| character.is_ascii_digit() || "+-()./ ".contains(character);
    is_text(value) && value.chars().all(is_part) && value.contains(|character: char| character.is_ascii_digit())
}

fn is_country(value: &str) -> bool {
    value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests;
