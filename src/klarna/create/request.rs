//! Builds the body for Klarna: the shop's order, the access token, and fields from the `id_token`.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::order::{Body, BodyMembers, Insertion, OrderId, is_date};
use crate::token::claims::{Address, Claims};

/// The most characters of a value that is filled in: Klarna's limit for names and references.
const MOST_CHARACTERS: usize = 255;

/// The fields of a postal address beside its country. An order with any of these has its own
/// address, and nothing is filled in beside it: two halves of different addresses would result.
/// (Klarna also forbids `street_name` and `street_number` together with `street_address`.)
pub(super) const ADDRESS_FIELDS: [&str; 9] = [
    "street_address",
    "street_address2",
    "street_name",
    "street_number",
    "house_extension",
    "care_of",
    "postal_code",
    "city",
    "region",
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

/// Builds the request body. Only absent members are added (`null`, `""` and `[]` count as absent).
/// All other bytes are sent as the shop wrote them.
///
/// - `claims`, if given, fill in name, e-mail, phone and date of birth one by one. Each address is
///   filled in as a whole or not at all, and only if its country is the order's. An order of an
///   organisation gets nothing of it, because all of it is private. A value that Klarna might
///   refuse is left out.
/// - `order_id` becomes `merchant_reference2`, so that an order whose answer was lost can be found
///   at Klarna.
/// - `access_token` becomes `customer.klarna_access_token`.
#[must_use]
pub fn build(
    body: &Body,
    order_id: OrderId,
    access_token: Option<&SecretString>,
    claims: Option<&Claims>,
) -> Built {
    let order_id = order_id.to_string();
    let members = body.members();
    let mut values = claims.map(|claims| prefill(&members, claims)).unwrap_or_default();
    let claimed = values.len();
    values.push(Insertion { path: &["merchant_reference2"], value: &order_id });
    if let Some(token) = access_token {
        values.push(Insertion { path: &["customer", "klarna_access_token"], value: token.expose_secret() });
    }
    let (json, went_in) = members.filled(&values);
    let prefilled = values.iter().zip(went_in).take(claimed).filter(|(_, went_in)| *went_in);
    Built { json, prefilled: prefilled.map(|(value, _)| format!("/{}", value.path.join("/"))).collect() }
}

/// A claim, its path in the body, and the check that its value must pass to be sent.
struct Claimed<'a> {
    path: &'static [&'static str],
    value: Option<&'a str>,
    fits: fn(&str) -> bool,
}

impl<'a> Claimed<'a> {
    fn new(path: &'static [&'static str], value: Option<&'a str>, fits: fn(&str) -> bool) -> Self {
        Self { path, value, fits }
    }

    fn fit(self) -> Option<Insertion<'a>> {
        Some(Insertion { path: self.path, value: self.value.filter(|value| (self.fits)(value))? })
    }
}

/// Returns the values from the claims that may be sent.
fn prefill<'a>(body: &BodyMembers<'_>, claims: &'a Claims) -> Vec<Insertion<'a>> {
    if is_for_organization(body) {
        return Vec::new();
    }
    let parts = [
        Claimed::new(&["billing_address", "given_name"], claims.given_name.as_deref(), is_text),
        Claimed::new(&["billing_address", "family_name"], claims.family_name.as_deref(), is_text),
        Claimed::new(&["billing_address", "email"], claims.email.as_deref(), is_email),
        Claimed::new(&["billing_address", "phone"], claims.phone.as_deref(), is_phone),
    ];
    let mut values: Vec<_> = parts.into_iter().filter_map(Claimed::fit).collect();
    let has = |container| body.holds_any(&[container], &ADDRESS_FIELDS);
    // Without a delivery address, goods go to the billing address. If the shop sent a billing
    // address, a claimed delivery address would change that.
    for (fields, claimed, has_own) in [
        (&BILLING, &claims.address, has("billing_address")),
        (&SHIPPING, &claims.shipping_address, has("billing_address") || has("shipping_address")),
    ] {
        if let Some(claimed) = claimed
            && !has_own
            && is_same_country(body, fields[0][0], claimed)
        {
            values.extend(address(fields, claimed).into_iter().flatten());
        }
    }
    values
        .extend(Claimed::new(&["customer", "date_of_birth"], claims.date_of_birth.as_deref(), is_date).fit());
    values
}

/// The paths of an address: street, second line, postal code, city, region, country.
type AddressPaths = [&'static [&'static str]; 6];

const BILLING: AddressPaths = [
    &["billing_address", "street_address"],
    &["billing_address", "street_address2"],
    &["billing_address", "postal_code"],
    &["billing_address", "city"],
    &["billing_address", "region"],
    &["billing_address", "country"],
];

const SHIPPING: AddressPaths = [
    &["shipping_address", "street_address"],
    &["shipping_address", "street_address2"],
    &["shipping_address", "postal_code"],
    &["shipping_address", "city"],
    &["shipping_address", "region"],
    &["shipping_address", "country"],
];

/// The members of `customer` that only an order of an organization has.
///
/// Source: Klarna's API descriptions (of Checkout and of Klarna Payments): "only applies for b2b
/// orders".
const OF_ORGANIZATIONS: [&str; 3] = ["organization_registration_id", "vat_id", "organization_entity_type"];

/// Returns whether an organization buys, or may buy: one sign is enough. With the type `person`,
/// the name of an organization is none, because a person may have goods sent to work.
fn is_for_organization(body: &BodyMembers<'_>) -> bool {
    let is_organization = |kind: &String| kind.eq_ignore_ascii_case("organization");
    let allowed = body.texts(&["options"], "allowed_customer_types");
    let is_named = |address| body.holds_any(&[address], &["organization_name"]);
    let by_type = match body.text(&["customer"], "type") {
        Some(kind) => !kind.eq_ignore_ascii_case("person"),
        None => is_named("billing_address") || is_named("shipping_address"),
    };
    by_type
        || body.holds_any(&["customer"], &OF_ORGANIZATIONS)
        || (!allowed.is_empty() && allowed.iter().all(is_organization))
}

/// Returns whether the claimed address lies in the country of the order's address, or else in its
/// purchase country. A country of the order that is no text, such as a number, is no country's.
fn is_same_country(body: &BodyMembers<'_>, container: &str, claimed: &Address) -> bool {
    let places: [(&[&str], &str); 2] = [(&[container], "country"), (&[], "purchase_country")];
    let Some((path, key)) = places.into_iter().find(|(path, key)| body.holds_any(path, &[*key])) else {
        return true;
    };
    let claimed = claimed.country.as_deref();
    body.text(path, key)
        .is_some_and(|order| claimed.is_some_and(|claimed| claimed.eq_ignore_ascii_case(&order)))
}

/// Returns the whole address, or `None`: an address with a part missing could send the goods to the
/// wrong place. Second line and region may be absent.
fn address<'a>(paths: &AddressPaths, address: &'a Address) -> Option<Vec<Insertion<'a>>> {
    let [street, street2, postal_code, city, region, country] = *paths;
    let parts = [
        (true, Claimed::new(street, address.street_address.as_deref(), is_text)),
        (false, Claimed::new(street2, address.street_address2.as_deref(), is_text)),
        (true, Claimed::new(postal_code, address.postal_code.as_deref(), is_text)),
        (true, Claimed::new(city, address.city.as_deref(), is_text)),
        (false, Claimed::new(region, address.region.as_deref(), is_text)),
        (true, Claimed::new(country, address.country.as_deref(), is_country)),
    ];
    let is_said = |part: &Claimed<'_>| part.value.is_some_and(|value| !value.trim().is_empty());
    parts.into_iter().filter(|(needed, part)| *needed || is_said(part)).map(|(_, part)| part.fit()).collect()
}

fn is_text(value: &str) -> bool {
    !value.trim().is_empty()
        && value.chars().count() <= MOST_CHARACTERS
        && !value.chars().any(char::is_control)
}

fn is_email(value: &str) -> bool {
    let parts = value.split_once('@');
    is_text(value)
        && !value.contains(char::is_whitespace)
        && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

fn is_phone(value: &str) -> bool {
    let is_part = |character: char| character.is_ascii_digit() || "+-()./ ".contains(character);
    is_text(value)
        && value.chars().all(is_part)
        && value.contains(|character: char| character.is_ascii_digit())
}

fn is_country(value: &str) -> bool {
    value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests;
